//! Upkeep: duties without input, each done again whenever it is time, that bring things back to
//! what the limits say. Nothing is remembered between them: what a duty could not do, it finds again.

mod artifacts;
mod limits;
mod spool;
mod uploads;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use longhaul_protocol::Clock;
use longhaul_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    artifact::Artifacts,
    metrics::Metrics,
    queue::{Limits, QueueError, SharedQueue, UploadState},
    source::Spool,
    worker::Flights,
};

/// The limits are enforced this often.
const LIMITS: Duration = Duration::from_secs(1);
/// Uploads are looked through, and the embedded store's own rules carried out, this often.
const MINUTE: Duration = Duration::from_secs(60);
/// The whole bucket is looked through this often, and a minute after something was left in it.
const HOUR: Duration = Duration::from_secs(3600);
/// A start waits no longer than this for the list of what the last run left.
const START: Duration = Duration::from_secs(5);

/// An unfinished upload and when it began.
pub(crate) type Unfinished = (UploadState, Timestamp);

/// What the duties work on.
#[derive(Debug, Clone)]
pub(crate) struct Upkeep {
    /// The queue.
    pub queue: SharedQueue,
    /// The bucket.
    pub artifacts: Artifacts,
    /// The embedded store, where it is ours.
    pub store: Option<Store>,
    /// What is enforced.
    pub limits: Limits,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// What workers here are at, for whichever jobs.
    pub flights: Arc<Flights>,
    /// Where fetched files wait.
    pub spool: Spool,
}

/// How a duty ended.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    /// Nothing is left to do.
    All,
    /// Something could not be done, and is found again next time.
    Part,
}

/// Why a duty could not be done.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Storage(#[from] crate::artifact::StorageError),
    #[error(transparent)]
    Store(#[from] longhaul_store::Error),
}

impl Upkeep {
    /// The uploads that the last run left: for a start, before any worker begins one.
    pub(crate) async fn left_behind(&self) -> Vec<Unfinished> {
        match tokio::time::timeout(START, self.artifacts.uploads()).await {
            Ok(Ok(uploads)) => uploads,
            Ok(Err(error)) => {
                tracing::warn!(%error, "unfinished uploads cannot be listed");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(
                    "unfinished uploads are not listed in time; they are looked for later"
                );
                Vec::new()
            }
        }
    }

    /// Does the duties of a start, then each in turn until `stop`.
    pub(crate) async fn run(self, left: Vec<Unfinished>, stop: CancellationToken) {
        self.told("left_behind", self.abort_left(left).await);
        self.told("spool", self.clear_spool().await);
        let mut clean = self.told("orphaned_artifacts", self.delete_orphans().await);
        let (mut minute, mut hour) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LIMITS) => {}
            }
            clean &= self.told("limits", self.enforce_limits().await);
            if minute.elapsed() < MINUTE {
                continue;
            }
            minute = Instant::now();
            self.told("store", self.keep_store().await);
            self.told("orphaned_uploads", self.abort_orphans().await);
            self.told("spool", self.clear_spool().await);
            if !clean || hour.elapsed() >= HOUR {
                hour = Instant::now();
                clean = self.told("orphaned_artifacts", self.delete_orphans().await);
            }
        }
    }

    /// Counts and logs how a duty ended; whether nothing is left of it.
    fn told(&self, duty: &'static str, outcome: Result<Done, Failed>) -> bool {
        let done = match outcome {
            Ok(done) => done == Done::All,
            Err(error) => {
                tracing::warn!(duty, %error, "a duty could not be done; it is tried again");
                false
            }
        };
        self.metrics.duty(duty, done);
        done
    }

    async fn keep_store(&self) -> Result<Done, Failed> {
        if let Some(store) = &self.store {
            let report = store.upkeep(self.clock.now()).await?;
            if report.expired_objects + report.aborted_uploads > 0 {
                tracing::info!(?report, "the store's lifecycle rules were carried out");
            }
        }
        Ok(Done::All)
    }
}
