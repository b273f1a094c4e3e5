//! The queue: one trait, and what every back end promises behind it.
//!
//! Promises, proven for each back end by `conformance`:
//! - a job whose `enqueue` was answered is never lost ([`Queue::durability`] says over what);
//! - a claim hands out a lease; each later write names it, and is refused with
//!   [`QueueError::LeaseLost`] once the job has moved on: production is at least once,
//!   completion exactly once;
//! - progress never falls within an attempt;
//! - claim order is priority, then age, with ageing: a job gains one level of priority for each
//!   [`AGEING`] it waits, so that nothing starves;
//! - a record that cannot be decoded is set aside and counted, and stops no other;
//! - polling writes nothing to the disk.
//!
//! Every call takes `now` from the caller, so that tests live through years in milliseconds.

#[cfg(test)]
mod conformance;
mod engine;
mod job;
mod ledger;
mod line;
mod memory;
mod mirror;
mod ranked;
mod sled;
mod tables;
mod wake;
mod watch;
mod work;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use longhaul_protocol::{Durability, JobFault, JobId};
use uuid::Uuid;

pub use job::{
    Artifact, AttemptEnd, IdempotencyKey, JobRecord, JobSource, JobState, LeaseState, NewJob,
    Owner, Progress, UploadState,
};

pub use ledger::Ledger;
pub use memory::MemoryQueue;
pub use sled::SledQueue;

/// A waiting job gains one level of priority for each of these.
pub const AGEING: Duration = Duration::from_secs(60);

/// Names one claim of one job. A write that names a claim which is not the job's present one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimKey {
    /// The job.
    pub job: JobId,
    /// Its attempt, counted from 1.
    pub attempt: u32,
    /// The lease's own random token.
    pub token: Uuid,
}

/// A job that was handed to a worker.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What to name in later writes.
    pub key: ClaimKey,
    /// The job as it was claimed, with what an earlier attempt left behind.
    pub job: JobRecord,
}

/// What a heartbeat is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    /// Go on.
    Continue,
    /// Somebody cancelled the job: stop, clean up, then `fail` with the code `cancelled`.
    Cancel,
}

/// A job as it is in memory, for a poll.
#[derive(Debug, Clone)]
pub struct Glance {
    /// The job; its `polled_at` may be older than the last poll.
    pub job: Arc<JobRecord>,
    /// How many jobs would be claimed before it; none unless it is pending and that is known.
    pub position: Option<u64>,
}

/// What became of an enqueue.
#[derive(Debug, Clone)]
pub enum Enqueued {
    /// A new job.
    Fresh(JobRecord),
    /// The job that the same idempotency key made before.
    Same(JobRecord),
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub struct Page {
    /// Newest first.
    pub jobs: Vec<JobRecord>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting, retries that wait for their time included.
    pub pending: u64,
    /// Claimed.
    pub processing: u64,
    /// Stored.
    pub completed: u64,
    /// Ended without an artifact.
    pub failed: u64,
    /// Records set aside because they could not be decoded.
    pub quarantined: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, Default)]
pub struct Swept {
    /// Leases that ran out: their jobs are pending again, or failed with `worker_lost`.
    pub lost_leases: Vec<JobId>,
    /// Attempts without progress for the hang timeout: retried, or failed with `timed_out`.
    pub hung: Vec<JobId>,
    /// Jobs that nobody asked for any more.
    pub abandoned: Vec<JobId>,
    /// Completed jobs whose artifact's time is over: they are now failed with `artifact_expired`,
    /// and the caller deletes the objects.
    pub expired: Vec<(JobId, Artifact)>,
    /// Records that were deleted for their age.
    pub forgotten: Vec<JobId>,
    /// Uploads that no attempt will take up again, whatever ended them: the caller aborts them.
    /// Each is told once.
    pub orphaned_uploads: Vec<UploadState>,
}

/// The limits that a sweep enforces (seed).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// No progress for so long fails the attempt with `timed_out`.
    pub hang: Duration,
    /// No poll for so long cancels the job; zero for never.
    pub abandon: Duration,
    /// An artifact lives so long after completion.
    pub artifact_ttl: Duration,
    /// A record lives so long after its end.
    pub job_ttl: Duration,
    /// The first retry waits up to this; doubled for each further one, with full jitter, up to 5 minutes.
    pub retry_base: Duration,
    /// At most so many pending jobs; one more is refused with [`QueueError::Full`].
    pub max_pending: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hang: Duration::from_secs(300),
            abandon: Duration::from_secs(600),
            artifact_ttl: Duration::from_secs(24 * 3600),
            job_ttl: Duration::from_secs(7 * 24 * 3600),
            retry_base: Duration::from_secs(2),
            max_pending: 1_000_000,
        }
    }
}

/// Why a queue refused.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The idempotency key was used for another body.
    #[error("this idempotency key was used for another request within the last 24 hours")]
    KeyReused,
    /// Too many jobs wait.
    #[error("the queue holds as many waiting jobs as it may")]
    Full,
    /// No such job, or not this owner's: indistinguishably.
    #[error("there is no such job")]
    Unknown,
    /// The job has moved on: this claim is not its present one.
    #[error("the lease on this job was lost")]
    LeaseLost,
    /// The job's state does not allow what was asked.
    #[error("{0}")]
    Conflict(&'static str),
    /// The store below failed; nothing was changed.
    #[error("the queue's store failed: {0}")]
    Store(String),
}

/// A durable queue of jobs. See the module's promises.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// What an answered [`Queue::enqueue`] has survived.
    fn durability(&self) -> Durability;

    /// Puts a job into the queue; with an idempotency key seen within 24 hours, gives the job it made.
    async fn enqueue(&self, job: NewJob, now: Timestamp) -> Result<Enqueued, QueueError>;

    /// Hands the next job to a worker, if there is one.
    async fn claim(
        &self,
        worker: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<Claim>, QueueError>;

    /// Prolongs a lease and tells how far the attempt is. `upload` is what a later attempt needs
    /// to take the multipart upload up again, or to abort it; none leaves the last one in place.
    async fn heartbeat(
        &self,
        claim: ClaimKey,
        progress: Progress,
        upload: Option<UploadState>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Orders, QueueError>;

    /// Ends the job with an artifact: the commit of the attempt. It counts even where a cancel came
    /// meanwhile: the bytes are there.
    async fn complete(
        &self,
        claim: ClaimKey,
        artifact: Artifact,
        now: Timestamp,
    ) -> Result<(), QueueError>;

    /// Ends the attempt. A retryable fault with attempts left makes the job pending again after a
    /// backoff; anything else ends the job. `keep_upload` says whether the upload is left for the
    /// next attempt. Answers the job as it is now.
    async fn fail(
        &self,
        claim: ClaimKey,
        fault: JobFault,
        keep_upload: bool,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError>;

    /// Gives the lease back without counting the attempt: a drain.
    async fn release(&self, claim: ClaimKey, now: Timestamp) -> Result<(), QueueError>;

    /// Cancels: a pending job at once, a processing one at its worker's next heartbeat.
    async fn cancel(
        &self,
        owner: &Owner,
        job: JobId,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError>;

    /// Makes a failed job pending again, attempts reset.
    async fn retry(
        &self,
        owner: &Owner,
        job: JobId,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError>;

    /// Reads jobs, in the order asked for; none where a job is unknown or another owner's.
    /// `polled` notes that somebody still waits for them.
    async fn get(
        &self,
        owner: &Owner,
        jobs: &[JobId],
        polled: bool,
        now: Timestamp,
    ) -> Result<Vec<Option<JobRecord>>, QueueError>;

    /// [`Queue::get`] of one job that is polled, without waiting: none where only `get` can tell.
    fn glance(&self, owner: &Owner, job: JobId, now: Timestamp) -> Option<Glance> {
        let _ = (owner, job, now);
        None
    }

    /// Reads a job, whoever's it is: for upkeep, never for a caller.
    async fn peek(&self, job: JobId) -> Result<Option<JobRecord>, QueueError>;

    /// Whether a job offers the artifact under this key that another job made.
    async fn is_shared(&self, artifact: &str) -> Result<bool, QueueError>;

    /// Gives every lease back without counting the attempts: for the one process that owns the
    /// store, at its start, when whoever held them is dead. Answers whose they were.
    async fn reclaim(&self, now: Timestamp) -> Result<Vec<JobId>, QueueError>;

    /// The owner's jobs, newest first, optionally of one status.
    async fn list(
        &self,
        owner: &Owner,
        status: Option<longhaul_protocol::JobStatus>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, QueueError>;

    /// How many jobs would be claimed before this one; none unless it is pending, and for a moment
    /// after a start with a long line.
    async fn position(&self, job: JobId) -> Result<Option<u64>, QueueError>;

    /// Enforces the limits; at most `batch` jobs of each kind, so that a sweep is bounded.
    async fn sweep(
        &self,
        limits: &Limits,
        batch: usize,
        now: Timestamp,
    ) -> Result<Swept, QueueError>;

    /// How many jobs are in each state.
    async fn counts(&self) -> Result<Counts, QueueError>;

    /// What became of every job that was ever accepted: the sum holds for ever.
    async fn ledger(&self, now: Timestamp) -> Result<Ledger, QueueError>;

    /// While paused, claims give nothing; what is claimed goes on. It outlives a restart.
    async fn set_paused(&self, paused: bool, now: Timestamp) -> Result<(), QueueError>;

    /// Resolves when a claim may succeed that did not before. Spurious wake-ups are allowed.
    async fn claimable(&self);

    /// Resolves when the job differs from `seen` (its `revision`), or at once where it does already.
    async fn changed(&self, job: JobId, seen: u64);
}

/// A queue shared by the API and the workers.
pub type SharedQueue = Arc<dyn Queue>;
