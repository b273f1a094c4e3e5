//! Fills a queue's folder with so many jobs, as clients and workers would, and pauses it.
//!
//! Usage: `bench-fill FOLDER JOBS WAITING IDS [killed]`: of each ten jobs, `WAITING` are left waiting,
//! one fails, and the others are completed. The ids are written to the file `IDS`, a line each. With
//! `killed` the queue is left as by a kill -9 after the last answer.

use std::{io::Write, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use longhaul_bench::job;
use longhaul_protocol::{Crc64Nvme, FaultCode, JobFault, JobId, Sha256};
use longhaul_server::queue::{Artifact, Claim, Enqueued, Limits, Queue, QueueError, SledQueue};
use tokio::task::JoinSet;

/// As many clients at once.
const IN_FLIGHT: u64 = 512;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    const USAGE: &str = "usage: bench-fill FOLDER JOBS WAITING IDS [killed]";
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().context(USAGE);
    let (folder, jobs, waiting) = (word()?, word()?.parse()?, word()?.parse::<u64>()?);
    let ids = word()?;
    let killed = word().is_ok_and(|word| word == "killed");
    let limits = Limits {
        max_pending: u64::MAX,
        ..Limits::default()
    };
    let (queue, _) = SledQueue::open(Path::new(&folder), limits).await?;
    let queue = Arc::new(queue);
    let mut all = Vec::new();
    for lot in lots(jobs) {
        let made = enqueue(&queue, lot).await?;
        finish(&queue, lot - lot * waiting / 10).await?;
        all.extend(made);
    }
    queue.set_paused(true, Timestamp::now()).await?;
    if !killed {
        queue.close().await?;
    }
    let mut out = std::io::BufWriter::new(std::fs::File::create(ids)?);
    for id in all {
        writeln!(out, "{id}")?;
    }
    out.flush()?;
    if killed {
        // Nothing is dropped, and so nothing of the queue is brought to an end.
        std::process::exit(0);
    }
    Ok(())
}

fn lots(jobs: u64) -> impl Iterator<Item = u64> {
    const LOT: u64 = 10_000;
    (0..jobs)
        .step_by(LOT as usize)
        .map(move |at| LOT.min(jobs - at))
}

async fn enqueue(queue: &Arc<SledQueue>, count: u64) -> anyhow::Result<Vec<JobId>> {
    let mut clients = JoinSet::new();
    for client in 0..IN_FLIGHT {
        let queue = Arc::clone(queue);
        let mine = count / IN_FLIGHT + u64::from(client < count % IN_FLIGHT);
        clients.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..mine {
                let (Enqueued::Fresh(job) | Enqueued::Same(job)) =
                    queue.enqueue(job(), Timestamp::now()).await?;
                made.push(job.id);
            }
            Ok::<_, QueueError>(made)
        });
    }
    let mut all = Vec::new();
    while let Some(made) = clients.join_next().await {
        all.extend(made??);
    }
    Ok(all)
}

/// Claims so many jobs, and ends them.
async fn finish(queue: &Arc<SledQueue>, count: u64) -> anyhow::Result<()> {
    let mut workers = JoinSet::new();
    for worker in 0..IN_FLIGHT {
        let queue = Arc::clone(queue);
        let mine = count / IN_FLIGHT + u64::from(worker < count % IN_FLIGHT);
        workers.spawn(async move {
            let name = format!("worker-{worker}");
            let lease = Duration::from_secs(3600);
            for n in 0..mine {
                let claim = queue.claim(&name, lease, Timestamp::now()).await?;
                let claim = claim.context("there is a job for each claim")?;
                end(&queue, &claim, n % 9 == 8).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(())
}

async fn end(queue: &SledQueue, claim: &Claim, badly: bool) -> Result<(), QueueError> {
    let (job, now) = (claim.key.job, Timestamp::now());
    if badly {
        let fault = JobFault {
            code: FaultCode::SourceMissing,
            message: "film.mkv is not offered any more".into(),
            retryable: false,
        };
        return queue.fail(claim.key, fault, false, now).await.map(drop);
    }
    let artifact = Artifact {
        key: format!("artifacts/{job}/1/blob"),
        manifest_key: format!("artifacts/{job}/1/manifest"),
        size: 1 << 30,
        etag: "\"9bb58f26192e4ba00f01e2e7b136bbd8-128\"".into(),
        sha256: Sha256([0x5a; 32]),
        crc64nvme: Crc64Nvme(0x5a5a_5a5a_5a5a_5a5a),
        stored_at: None,
    };
    queue.complete(claim.key, artifact, now).await
}
