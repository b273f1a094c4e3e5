//! Enqueueing: ours over HTTP and fsynced, BullMQ's `queue.add` with two settings of Redis.

use std::{path::Path, process::Command};

use crate::{
    Options, bull,
    load::Load,
    ours,
    program::output,
    report::{Figures, Page, against},
};

const IN_FLIGHT: [u32; 3] = [1, 64, 256];
/// Bytes of an answer to an initiation.
const REPLY: usize = 165;

#[derive(Debug, Default)]
struct Row {
    rate: Figures,
    cpu: Figures,
}

pub(crate) async fn run(options: &Options, folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    // As long as ours answers: what HTTP alone lets through.
    let (bare, bare_port) = ours::bare(REPLY, &folder.join("bare-enqueue.log"))?;
    let script = options.script("enqueue.lua");
    let (mut rows, mut ratios) = (Vec::new(), Vec::new());
    for in_flight in IN_FLIGHT {
        // Each number of clients finds all sides empty.
        let folder = &folder.join(format!("enqueue-{in_flight}"));
        let data = folder.join("ours");
        ours::fill(&data, 0, 0, true)?;
        // Paused, so that no job is worked at: BullMQ has no worker either.
        let server = ours::start(&data, &["--workers", "1"], &[])?;
        let body = format!("{{\"file_id\":{}}}", ours::file_id(server.port).await?);
        let behind = bull::Redis::start(&folder.join("redis-express"), "everysec")?;
        let (node, node_port, _) = bull::api(&behind, 0, folder)?;
        let always = bull::Redis::start(&folder.join("redis-always"), "always")?;
        let everysec = bull::Redis::start(&folder.join("redis-everysec"), "everysec")?;
        let load = |port: u16, pids: &[u32], body: &str| {
            Load {
                port,
                pids,
                script: &script,
                connections: in_flight,
                seconds: options.seconds,
                env: &[("BODY", body)],
            }
            .run()
        };
        let mut measured: [Row; 6] = Default::default();
        for round in 0..=options.rounds {
            let mine = load(server.port, &[server.program.id()], &body)?;
            let nothing = load(bare_port, &[bare.id()], &body)?;
            let express = load(node_port, &[node.id(), behind.id()], "{\"file_id\":70000}")?;
            // An open reads what is there while it is used, which would be measured too.
            let alone = alone(
                &folder.join(format!("alone-{round}")),
                in_flight,
                options.seconds,
            )?;
            let strict = bull::add(&always, in_flight, options.seconds)?;
            let lax = bull::add(&everysec, in_flight, options.seconds)?;
            if round == 0 {
                continue;
            }
            let found = [
                (mine.rate, mine.cpu),
                (express.rate, express.cpu),
                (alone.count / alone.seconds, alone.cpu_micros / alone.count),
                (strict.rate, strict.node + strict.redis),
                (lax.rate, lax.node + lax.redis),
                (nothing.rate, nothing.cpu),
            ];
            for (row, (rate, cpu)) in measured.iter_mut().zip(found) {
                row.rate.add(rate);
                row.cpu.add(cpu);
            }
        }
        server.program.stop()?;
        let names = [
            "longhaul-server over HTTP, fsync",
            "express + BullMQ over HTTP, everysec",
            "our queue in process, fsync",
            "BullMQ in process, always",
            "BullMQ in process, everysec",
            "bare axum handler over HTTP, which keeps nothing",
        ];
        for (name, row) in names.iter().zip(&measured) {
            rows.push(vec![
                in_flight.to_string(),
                (*name).to_owned(),
                row.rate.to_string(),
                row.cpu.to_string(),
            ]);
        }
        let [mine, express, alone, strict, lax, _] = measured.map(|row| row.rate.median());
        ratios.push(vec![
            in_flight.to_string(),
            against(mine / strict, 2.0),
            against(mine / lax, 1.0),
            format!("{:.2}", alone / strict),
            format!("{:.2}", alone / lax),
            format!("{:.2}", mine / express),
        ]);
    }
    page.line("");
    page.line("## Enqueueing");
    page.line("");
    page.line(
        "Over HTTP: `POST /v1/jobs/download` by wrk, ours answered once the record is flushed to the disk, and the same in \
         express with BullMQ. In process: calls of the queue by the program that owns it, `queue.add` for BullMQ. Redis keeps an \
         append-only file; `always` syncs each answer, `everysec` may lose a second. Both keep an id, attempts, backoff and \
         retention. CPU is the server's; for BullMQ, node's and Redis's. The bars set ours over HTTP against BullMQ without; the bare handler, \
         which takes the same request and keeps nothing, shows what HTTP and wrk leave of the machine.",
    );
    page.table(&["in flight", "queue", "jobs/s", "CPU µs/job"], &rows);
    page.table(
        &[
            "in flight",
            "HTTP / BullMQ always",
            "HTTP / BullMQ everysec",
            "in process / always",
            "in process / everysec",
            "HTTP / express, everysec",
        ],
        &ratios,
    );
    Ok(())
}

/// Our queue without HTTP.
fn alone(folder: &Path, in_flight: u32, seconds: u64) -> anyhow::Result<bull::Said> {
    let said = output(
        Command::new(ours::binary("bench-add")?)
            .arg(folder)
            .args([in_flight.to_string(), seconds.to_string()]),
    )?;
    Ok(serde_json::from_str(&said)?)
}
