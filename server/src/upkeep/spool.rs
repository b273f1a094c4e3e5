//! Files that were fetched for jobs that have ended, or that nobody knows.

use super::{Done, Failed, Upkeep};

impl Upkeep {
    /// Removes what no job has use for any more.
    pub(super) async fn clear_spool(&self) -> Result<Done, Failed> {
        for job in self.spool.jobs().await {
            // A job may be over while others still wait for what it began.
            if self.flights.leads(job) {
                continue;
            }
            let record = self.queue.peek(job).await?;
            if record.is_none_or(|record| record.status().is_final()) {
                self.spool.remove(job).await;
            }
        }
        Ok(Done::All)
    }
}
