//! Who waits for a job to change, or for work: woken without a list of waiters that could grow.

use std::hash::{BuildHasher, RandomState};

use longhaul_protocol::JobId;
use tokio::sync::{Notify, futures::Notified};

/// Jobs share this many bells. A shared ring wakes some who look and wait again.
const BELLS: usize = 4096;

#[derive(Debug)]
pub(super) struct Wake {
    jobs: Box<[Notify]>,
    work: Notify,
    hasher: RandomState,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            jobs: (0..BELLS).map(|_| Notify::new()).collect(),
            work: Notify::new(),
            hasher: RandomState::new(),
        }
    }
}

impl Wake {
    /// Resolves when the job has changed after this was `enable`d.
    pub(super) fn job(&self, job: JobId) -> Notified<'_> {
        self.bell(job).notified()
    }

    /// Resolves when there is work that was not there when this was `enable`d.
    pub(super) fn work(&self) -> Notified<'_> {
        self.work.notified()
    }

    pub(super) fn job_changed(&self, job: JobId) {
        self.bell(job).notify_waiters();
    }

    /// Every job may have changed.
    pub(super) fn all_changed(&self) {
        for bell in &self.jobs {
            bell.notify_waiters();
        }
    }

    pub(super) fn work_arrived(&self) {
        self.work.notify_waiters();
    }

    fn bell(&self, job: JobId) -> &Notify {
        let hash = usize::try_from(self.hasher.hash_one(job) % BELLS as u64).unwrap_or(0);
        &self.jobs[hash]
    }
}
