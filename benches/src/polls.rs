//! Status polls: ours at 100,000 stored jobs, a bare axum handler, express with BullMQ.

use std::path::Path;

use crate::{
    Options, bull,
    load::{Load, Run},
    ours,
    report::{Figures, Page, against},
};

const STORED: u64 = 100_000;
/// BullMQ finds the state of a waiting job by a look through the list of all that wait: with as many
/// as ours it gave some 50 answers a second, so it is given a hundredth.
const STORED_BULL: u64 = 1_000;
const CONNECTIONS: u32 = 64;

#[derive(Debug, Default)]
struct Row {
    rate: Figures,
    cpu: Figures,
    p50: Figures,
    p99: Figures,
}

impl Row {
    fn add(&mut self, run: Run) {
        self.rate.add(run.rate);
        self.cpu.add(run.cpu);
        self.p50.add(run.p50);
        self.p99.add(run.p99);
    }

    fn cells(&self, name: &str, bytes: usize) -> Vec<String> {
        let mut cells = vec![name.to_owned(), bytes.to_string()];
        cells.extend([&self.rate, &self.cpu, &self.p50, &self.p99].map(ToString::to_string));
        cells
    }
}

pub(crate) async fn run(options: &Options, folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    let data = folder.join("polls");
    let ids = ours::fill(&data, STORED, 10, true)?;
    let server = ours::start(&data, &["--workers", "1"], &[])?;
    let first = std::fs::read_to_string(&ids)?;
    let first = first.lines().next().unwrap_or_default();
    let bytes = length(server.port, first).await?;
    let (bare, bare_port) = ours::bare(bytes, &folder.join("bare.log"))?;
    let redis = bull::Redis::start(&folder.join("redis-polls"), "everysec")?;
    let (node, node_port, bull_ids) = bull::api(&redis, STORED_BULL, folder)?;
    let bull_first = std::fs::read_to_string(&bull_ids)?;
    let bull_bytes = length(node_port, bull_first.lines().next().unwrap_or_default()).await?;

    let script = options.script("poll.lua");
    let load = |port: u16, pids: &[u32], ids: &Path| {
        Load {
            port,
            pids,
            script: &script,
            connections: CONNECTIONS,
            seconds: options.seconds,
            env: &[("IDS", &ids.to_string_lossy())],
        }
        .run()
    };
    let (mut bares, mut mine, mut theirs) = (Row::default(), Row::default(), Row::default());
    for round in 0..=options.rounds {
        let runs = (
            load(bare_port, &[bare.id()], &ids)?,
            load(server.port, &[server.program.id()], &ids)?,
            load(node_port, &[node.id(), redis.id()], &bull_ids)?,
        );
        // The first round warms up.
        if round > 0 {
            bares.add(runs.0);
            mine.add(runs.1);
            theirs.add(runs.2);
        }
    }
    page.line("");
    page.line("## Status polls");
    page.line("");
    page.line(&format!(
        "`GET /v1/jobs/{{id}}` of {STORED} stored waiting jobs, in random order, over {CONNECTIONS} connections. \
         The bare handler answers a constant of the same size by `axum::serve`, and does nothing else; ours \
         checks host, caller and owner, tells the place in the queue, and renews the job. Express reads the job and its state by BullMQ, with {STORED_BULL} stored: its `getState` looks through the \
         list of all that wait. \
         CPU is the server's own, Redis included; wrk shares the machine."
    ));
    page.table(
        &[
            "server",
            "body, bytes",
            "polls/s",
            "CPU µs/poll",
            "p50 ms",
            "p99 ms",
        ],
        &[
            bares.cells("bare axum handler", bytes),
            mine.cells("longhaul-server", bytes),
            theirs.cells("express + BullMQ (everysec)", bull_bytes),
        ],
    );
    page.table(
        &["longhaul-server beside", "by polls/s", "by CPU"],
        &[
            vec![
                "bare axum".into(),
                against(mine.rate.median() / bares.rate.median(), 0.8),
                format!("{:.2}", bares.cpu.median() / mine.cpu.median()),
            ],
            vec![
                "express + BullMQ".into(),
                against(mine.rate.median() / theirs.rate.median(), 10.0),
                format!("{:.1}", theirs.cpu.median() / mine.cpu.median()),
            ],
        ],
    );
    server.program.stop()?;
    Ok(())
}

async fn length(port: u16, id: &str) -> anyhow::Result<usize> {
    let url = format!("http://127.0.0.1:{port}/v1/jobs/{id}");
    let reply = reqwest::get(url).await?.error_for_status()?;
    Ok(reply.bytes().await?.len())
}
