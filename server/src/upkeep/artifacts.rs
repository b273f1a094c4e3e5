//! Artifacts that no job offers: stored by an attempt that died before it could say so, or expired
//! when they could not be deleted. The bucket itself is the list of what is still to do.

use std::collections::HashMap;

use longhaul_protocol::JobId;

use super::{Done, Failed, Upkeep};
use crate::{
    artifact,
    queue::{JobRecord, JobState},
};

impl Upkeep {
    /// Looks through the bucket, a page at a time, and deletes what no job of this queue offers.
    /// What belongs to a job that the queue does not know is left to the bucket's lifecycle rule:
    /// it may be another server's.
    pub(super) async fn delete_orphans(&self) -> Result<Done, Failed> {
        let mut done = Done::All;
        let mut after = None;
        loop {
            let page = self.artifacts.stored(after).await?;
            let mut records: HashMap<JobId, Option<JobRecord>> = HashMap::new();
            for key in &page.keys {
                let Some((job, attempt)) = artifact::attempt_of(key) else {
                    continue;
                };
                if let std::collections::hash_map::Entry::Vacant(entry) = records.entry(job) {
                    entry.insert(self.queue.peek(job).await?);
                }
                let Some(Some(record)) = records.get(&job) else {
                    continue;
                };
                // Made for this job, it may be offered by another, or be about to be.
                if !is_orphan(record, attempt, key)
                    || self.flights.leads(job)
                    || self.queue.is_shared(&blob(key)).await?
                {
                    continue;
                }
                match self.artifacts.delete_key(key).await {
                    Ok(()) => {
                        tracing::info!(%job, attempt, "an artifact that no job offers is deleted");
                    }
                    Err(error) => {
                        tracing::warn!(%job, %error, "an artifact that no job offers stays");
                        done = Done::Part;
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(done);
            }
        }
    }
}

/// The artifact that an object is, or whose manifest it is.
fn blob(key: &str) -> String {
    match key.strip_suffix("/manifest") {
        Some(attempt) => format!("{attempt}/blob"),
        None => key.to_owned(),
    }
}

/// Whether an object of a job's attempt is of no use to anybody.
fn is_orphan(record: &JobRecord, attempt: u32, key: &str) -> bool {
    match &record.state {
        JobState::Completed { artifact, .. } => artifact.key != key && artifact.manifest_key != key,
        // The present attempt stores its artifact before it says so.
        // It may have gone on with an earlier one's upload, under that one's key.
        JobState::Processing { .. } => {
            let upload = record.upload.as_ref();
            attempt < record.attempt_ever() && upload.is_none_or(|upload| upload.key != blob(key))
        }
        JobState::Pending { .. } | JobState::Failed { .. } => true,
    }
}
