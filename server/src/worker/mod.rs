//! Workers: each claims a job, makes its attempt, and claims the next, until told to stop.

mod attempt;
mod flights;
mod follow;
mod lead;

use std::{sync::Arc, time::Duration};

use longhaul_protocol::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use flights::Flights;

use crate::{
    artifact::Artifacts,
    catalogue::Catalogue,
    metrics::Metrics,
    queue::SharedQueue,
    readiness::Pulse,
    source::{Fetcher, UrlPolicy},
};

/// A claim that failed is tried again after this.
const PAUSE: Duration = Duration::from_secs(1);
/// An idle worker looks at least this often, whatever it was told.
const LOOK: Duration = Duration::from_secs(5);

/// What an attempt works with.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// The queue.
    pub queue: SharedQueue,
    /// Where artifacts go.
    pub artifacts: Artifacts,
    /// What a file id is.
    pub catalogue: Arc<Catalogue>,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// How long a claim lasts without a heartbeat.
    pub lease: Duration,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Beats whenever a worker gets on.
    pub pulse: Arc<Pulse>,
    /// How long an artifact lives.
    pub artifact_ttl: Duration,
    /// Fetches files of other servers.
    pub fetcher: Fetcher,
    /// Which URLs jobs may name; none where they may not.
    pub urls: Option<UrlPolicy>,
    /// Who is at which source.
    pub flights: Arc<Flights>,
}

/// Two ends: no new claims, and no more work at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    /// No new claims.
    pub claims: CancellationToken,
    /// Running attempts give their leases back.
    pub attempts: CancellationToken,
}

/// Runs `count` workers until `stop.claims`, and what they have begun until it is done or
/// `stop.attempts`.
pub(crate) async fn run(tools: Tools, count: usize, stop: Stop) {
    let mut workers = JoinSet::new();
    for _ in 0..count {
        workers.spawn(work(tools.clone(), stop.clone()));
    }
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a worker died, and another takes its place");
            if !stop.claims.is_cancelled() {
                workers.spawn(work(tools.clone(), stop.clone()));
            }
        }
    }
}

async fn work(tools: Tools, stop: Stop) {
    // Unique for each start, so that no two processes are ever taken for one.
    let name = format!("worker-{}", Uuid::new_v4());
    let mut followers = JoinSet::new();
    while !stop.claims.is_cancelled() {
        match tools
            .queue
            .claim(&name, tools.lease, tools.clock.now())
            .await
        {
            // Boxed: the state of an attempt is large, and most workers wait.
            Ok(Some(claim)) => {
                tools.pulse.beat();
                Box::pin(attempt::run(&tools, claim, &stop.attempts, &mut followers)).await;
                tools.pulse.beat();
            }
            Ok(None) => {
                tokio::select! {
                    () = tools.queue.claimable() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.claims.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "the queue gave no job");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = stop.claims.cancelled() => {}
                }
            }
        }
        while followers.try_join_next().is_some() {}
    }
    // They end with the flights that they follow, or give their leases back.
    while followers.join_next().await.is_some() {}
}
