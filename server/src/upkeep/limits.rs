//! The queue's limits (seed): lost leases, hung attempts, abandoned jobs, expired artifacts, old
//! records; and what follows from them in S3.

use super::{Done, Failed, Upkeep};

/// At most so many jobs of each kind at a time.
const BATCH: usize = 256;

impl Upkeep {
    /// Enforces the limits once. [`Done::Part`] where an artifact could not be deleted: its job is
    /// over all the same, and the look through the bucket finds it.
    pub(super) async fn enforce_limits(&self) -> Result<Done, Failed> {
        let now = self.clock.now();
        let swept = self.queue.sweep(&self.limits, BATCH, now).await?;
        self.metrics.swept(&swept);
        for job in &swept.lost_leases {
            tracing::warn!(%job, "a worker lost this job");
        }
        for job in &swept.hung {
            tracing::warn!(%job, "no progress within the hang timeout");
        }
        for job in &swept.abandoned {
            tracing::info!(%job, "given up: nobody asked for it any more");
        }
        let mut done = Done::All;
        for (job, artifact) in &swept.expired {
            match self.artifacts.delete(artifact).await {
                Ok(()) => tracing::info!(%job, "the artifact's time is over; it is deleted"),
                Err(error) => {
                    tracing::warn!(%job, %error, "an expired artifact stays until it can be deleted");
                    done = Done::Part;
                }
            }
        }
        for upload in &swept.orphaned_uploads {
            if !self.abort(upload).await {
                done = Done::Part;
            }
        }
        Ok(done)
    }
}
