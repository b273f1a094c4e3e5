//! Multipart uploads that no attempt will take up again: what a crash left behind.

use jiff::SignedDuration;

use super::{Done, Failed, Unfinished, Upkeep};
use crate::{artifact, queue::UploadState};

/// An upload of a job that this queue does not know may be another server's: it gets a day.
const FOREIGN: SignedDuration = SignedDuration::from_hours(24);
/// An attempt tells of its upload at its next heartbeat: one of this minute may be its.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);

impl Upkeep {
    /// Aborts what the last run left. The list was made before any worker began, so that whatever
    /// is in it and in no record is nobody's, however young.
    pub(super) async fn abort_left(&self, left: Vec<Unfinished>) -> Result<Done, Failed> {
        self.abort_all(left, SignedDuration::ZERO).await
    }

    /// Aborts uploads that no running attempt owns.
    pub(super) async fn abort_orphans(&self) -> Result<Done, Failed> {
        let uploads = self.artifacts.uploads().await?;
        self.abort_all(uploads, YOUNG).await
    }

    async fn abort_all(
        &self,
        uploads: Vec<Unfinished>,
        young: SignedDuration,
    ) -> Result<Done, Failed> {
        let now = self.clock.now();
        let mut done = Done::All;
        for (upload, began) in uploads {
            let age = now.duration_since(began);
            if self.is_orphan(&upload, age, young).await? && !self.abort(&upload).await {
                done = Done::Part;
            }
        }
        Ok(done)
    }

    async fn is_orphan(
        &self,
        upload: &UploadState,
        age: SignedDuration,
        young: SignedDuration,
    ) -> Result<bool, Failed> {
        let record = match artifact::job_of(&upload.key) {
            Some(job) => self.queue.peek(job).await?,
            None => None,
        };
        Ok(match record {
            Some(record) => {
                let its_own = record.upload.as_ref().is_some_and(|its| its.is(upload));
                !its_own && (record.status().is_final() || age >= young)
            }
            None => age > FOREIGN,
        })
    }

    /// Aborts one; whether it is gone.
    pub(super) async fn abort(&self, upload: &UploadState) -> bool {
        // Begun for a job that is over, and still written to for others.
        if self.flights.owns(upload) {
            return true;
        }
        match self.artifacts.abort(upload).await {
            Ok(()) => {
                tracing::info!(key = upload.key, "an unfinished upload is aborted");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "an unfinished upload could not be aborted");
                false
            }
        }
    }
}
