//! Upkeep: duties without input, each done again whenever it is time, that bring things back to
//! what the limits say.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use longhaul_protocol::Clock;
use longhaul_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    artifact::{self, Artifacts},
    queue::{Limits, SharedQueue, UploadState},
};

/// The queue is swept this often.
const SWEEP: Duration = Duration::from_secs(1);
/// The embedded store's lifecycle rules are carried out this often.
const STORE: Duration = Duration::from_secs(60);
/// At most so many jobs of each kind in one sweep.
const BATCH: usize = 256;
/// An upload of a job that this queue does not know may be another server's: it gets a day.
const FOREIGN_UPLOAD: SignedDuration = SignedDuration::from_hours(24);

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
}

impl Upkeep {
    /// Does the duties in turn until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        self.abort_orphans().await;
        let mut stored = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
            self.sweep().await;
            if stored.elapsed() >= STORE {
                stored = Instant::now();
                self.keep_store().await;
                self.abort_orphans().await;
            }
        }
    }

    /// Enforces the queue's limits once, and carries out in S3 what follows from it.
    pub(crate) async fn sweep(&self) {
        let swept = match self
            .queue
            .sweep(&self.limits, BATCH, self.clock.now())
            .await
        {
            Ok(swept) => swept,
            Err(error) => return tracing::error!(%error, "the queue could not be swept"),
        };
        for job in &swept.lost_leases {
            tracing::warn!(%job, "a worker lost this job");
        }
        for job in &swept.hung {
            tracing::warn!(%job, "no progress within the hang timeout");
        }
        for job in &swept.abandoned {
            tracing::info!(%job, "given up: nobody asked for it any more");
        }
        for (job, artifact) in &swept.expired {
            match self.artifacts.delete(artifact).await {
                Ok(()) => tracing::info!(%job, "the artifact's time is over; it is deleted"),
                Err(error) => {
                    tracing::warn!(%job, %error, "an expired artifact stays for the bucket's lifecycle rule");
                }
            }
        }
        for upload in &swept.orphaned_uploads {
            self.abort(upload).await;
        }
    }

    /// Aborts uploads that no running attempt owns: what a crash left behind.
    pub(crate) async fn abort_orphans(&self) {
        let uploads = match self.artifacts.uploads().await {
            Ok(uploads) => uploads,
            Err(error) => return tracing::warn!(%error, "unfinished uploads cannot be listed"),
        };
        let now = self.clock.now();
        for (upload, began) in uploads {
            if self.is_orphan(&upload, began, now).await {
                self.abort(&upload).await;
            }
        }
    }

    async fn is_orphan(&self, upload: &UploadState, began: Timestamp, now: Timestamp) -> bool {
        let foreign = || now.duration_since(began) > FOREIGN_UPLOAD;
        let Some(job) = artifact::job_of(&upload.key) else {
            return foreign();
        };
        match self.queue.peek(job).await {
            // An attempt tells of its upload at its next heartbeat: one of this minute may be its.
            Ok(Some(record)) => {
                let its_own = record.upload.as_ref().is_some_and(|its| its.is(upload));
                let young = now.duration_since(began) < SignedDuration::from_secs(60);
                !its_own && (record.status().is_final() || !young)
            }
            Ok(None) => foreign(),
            Err(_) => false,
        }
    }

    async fn abort(&self, upload: &UploadState) {
        match self.artifacts.abort(upload).await {
            Ok(()) => tracing::info!(key = upload.key, "an unfinished upload is aborted"),
            Err(error) => tracing::warn!(%error, "an unfinished upload could not be aborted"),
        }
    }

    async fn keep_store(&self) {
        let Some(store) = &self.store else { return };
        match store.upkeep(self.clock.now()).await {
            Ok(report) if report.expired_objects + report.aborted_uploads > 0 => {
                tracing::info!(?report, "the store's lifecycle rules were carried out");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the store's lifecycle rules were not carried out");
            }
        }
    }
}
