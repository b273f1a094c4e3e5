//! Enqueueing: ours over HTTP and fsynced, BullMQ's `queue.add` with two settings of Redis.

use std::path::Path;

use crate::{
    Options, bull,
    load::Load,
    ours,
    report::{Figures, Page, against},
};

const IN_FLIGHT: [u32; 3] = [1, 64, 256];

#[derive(Debug, Default)]
struct Row {
    rate: Figures,
    cpu: Figures,
}

pub(crate) async fn run(options: &Options, folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    let data = folder.join("enqueue");
    // Paused, so that no job is worked at: BullMQ has no worker either.
    ours::fill(&data, 0, 0)?;
    let server = ours::start(&data, &["--workers", "1"], &[])?;
    let body = format!("{{\"file_id\":{}}}", ours::file_id(server.port).await?);
    let always = bull::Redis::start(&folder.join("redis-always"), "always")?;
    let everysec = bull::Redis::start(&folder.join("redis-everysec"), "everysec")?;
    let script = options.script("enqueue.lua");
    let (mut rows, mut ratios) = (Vec::new(), Vec::new());
    for in_flight in IN_FLIGHT {
        let mut measured: [Row; 3] = Default::default();
        for round in 0..=options.rounds {
            let mine = Load {
                port: server.port,
                pids: &[server.program.id()],
                script: &script,
                connections: in_flight,
                seconds: options.seconds,
                env: &[("BODY", &body)],
            }
            .run()?;
            let strict = bull::add(&always, in_flight, options.seconds)?;
            let lax = bull::add(&everysec, in_flight, options.seconds)?;
            if round == 0 {
                continue;
            }
            let found = [
                (mine.rate, mine.cpu),
                (strict.rate, strict.node + strict.redis),
                (lax.rate, lax.node + lax.redis),
            ];
            for (row, (rate, cpu)) in measured.iter_mut().zip(found) {
                row.rate.add(rate);
                row.cpu.add(cpu);
            }
        }
        let names = [
            "longhaul-server, fsync",
            "BullMQ, always",
            "BullMQ, everysec",
        ];
        for (name, row) in names.iter().zip(&measured) {
            rows.push(vec![
                in_flight.to_string(),
                (*name).to_owned(),
                row.rate.to_string(),
                row.cpu.to_string(),
            ]);
        }
        let [mine, strict, lax] = measured.map(|row| row.rate.median());
        ratios.push(vec![
            in_flight.to_string(),
            against(mine / strict, 2.0),
            against(mine / lax, 1.0),
        ]);
    }
    page.line("");
    page.line("## Enqueueing");
    page.line("");
    page.line(
        "Ours is `POST /v1/jobs/download` over HTTP by wrk, each 202 after its record is flushed to the disk. \
         BullMQ's is `queue.add` inside node, without HTTP, on a Redis with an append-only file; `always` \
         syncs each answer, `everysec` may lose a second. Both keep an id, attempts, backoff and retention. \
         CPU is the server's; for BullMQ, node's and Redis's.",
    );
    page.table(&["in flight", "queue", "jobs/s", "CPU µs/job"], &rows);
    page.table(
        &["in flight", "× BullMQ always", "× BullMQ everysec"],
        &ratios,
    );
    server.program.stop()?;
    Ok(())
}
