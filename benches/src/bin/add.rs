//! Our queue without HTTP, as BullMQ's `queue.add` is: adds jobs for a time, so many in flight.
//!
//! Usage: `bench-add FOLDER IN_FLIGHT SECONDS`; tells the count as JSON.

use std::{
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::Timestamp;
use longhaul_bench::job;
use longhaul_server::queue::{Limits, Queue, QueueError, SledQueue};
use tokio::task::JoinSet;

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut word = || {
        words
            .next()
            .context("usage: bench-add FOLDER IN_FLIGHT SECONDS")
    };
    let (folder, in_flight, seconds) = (word()?, word()?.parse::<u32>()?, word()?.parse()?);
    let limits = Limits {
        max_pending: u64::MAX,
        ..Limits::default()
    };
    let (queue, _) = SledQueue::open(Path::new(&folder), limits).await?;
    let queue = Arc::new(queue);
    let (began, whole) = (Instant::now(), Duration::from_secs(seconds));
    let mut clients = JoinSet::new();
    for _ in 0..in_flight {
        let queue = Arc::clone(&queue);
        clients.spawn(async move {
            let mut count = 0_u64;
            while began.elapsed() < whole {
                queue.enqueue(job(), Timestamp::now()).await?;
                count += 1;
            }
            Ok::<_, QueueError>(count)
        });
    }
    let mut count = 0;
    while let Some(added) = clients.join_next().await {
        count += added??;
    }
    let took = began.elapsed().as_secs_f64();
    let cpu = own_cpu()?;
    queue.close().await?;
    let line = serde_json::json!({ "count": count, "seconds": took, "cpuMicros": cpu });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// CPU of this process so far, in microseconds: it has done little else.
fn own_cpu() -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let rest = stat.rsplit_once(')').context("a strange stat")?.1;
    let ticks = |n: usize| -> anyhow::Result<u64> {
        Ok(rest.split_whitespace().nth(n).context("short")?.parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) * 10_000)
}
