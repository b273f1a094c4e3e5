//! A job's states, and what may become of each: pure.

mod apply;
mod instant;

pub(super) use apply::{Change, Event, apply, later};
use jiff::Timestamp;
use longhaul_protocol::{Crc64Nvme, FileId, JobFault, JobId, JobStatus, Sha256, Stage};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whose job it is: the name of the token, `local` where no tokens are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(pub String);

/// What a job produces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSource {
    /// An entry of the catalogue.
    File {
        /// Its id.
        file_id: FileId,
    },
    /// An origin.
    Url {
        /// Its URL; may hold secrets, and is never logged.
        url: String,
    },
}

/// A client's own name for a click, and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The header's value.
    pub key: Uuid,
    /// A digest of the body: the same key with another body is refused.
    pub fingerprint: String,
}

/// A job to put into the queue.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// What it produces.
    pub source: JobSource,
    /// The name it is offered under.
    pub file_name: String,
    /// 0 lowest to 9.
    pub priority: u8,
    /// Attempts made by itself.
    pub max_attempts: u32,
    /// The click's name, where one was given.
    pub idempotency: Option<IdempotencyKey>,
}

/// A stored artifact. Its check blocks are an object of their own beside it (`manifest_key`):
/// they would be too large for a queue's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its key in the bucket.
    pub key: String,
    /// Key of its manifest (JSON) in the bucket.
    pub manifest_key: String,
    /// Bytes.
    pub size: u64,
    /// As S3 gave it, quotes included.
    pub etag: String,
    /// Of the whole.
    pub sha256: Sha256,
    /// Of the whole.
    pub crc64nvme: Crc64Nvme,
    /// When it was stored, where it was made for another job too: its time runs from there. None
    /// for the one job that it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<Timestamp>,
}

impl Artifact {
    /// When its time began, for a job that completed at `completed`.
    #[must_use]
    pub fn since(&self, completed: Timestamp) -> Timestamp {
        self.stored_at.unwrap_or(completed)
    }
}

/// A multipart upload that an attempt began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    /// The object's key.
    pub key: String,
    /// S3's id of the upload.
    pub upload_id: String,
    /// What tells that a source still gives the bytes that this upload began with; none where no
    /// later attempt may go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<String>,
}

impl UploadState {
    /// Whether S3 means the same upload by both.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.key, &self.upload_id) == (&other.key, &other.upload_id)
    }
}

/// How far an attempt is. Never falls within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes stored.
    pub bytes_done: u64,
    /// None while unknown.
    pub bytes_total: Option<u64>,
    /// Whole percent, 0–100.
    pub percent: u8,
    /// What the source has done so far, in a measure of its own. No client sees it; a source whose
    /// work grows does not hang, even before a part is full.
    #[serde(default)]
    pub work: u64,
}

/// A worker's hold on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    /// The claim's token.
    pub token: Uuid,
    /// Who holds it; unique for each process start.
    pub worker: String,
    /// When it runs out unless a heartbeat comes.
    #[serde(with = "instant")]
    pub until: Timestamp,
    /// When the attempt began.
    #[serde(default, with = "instant")]
    pub since: Timestamp,
}

/// How an attempt that failed went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// Which, over all runs.
    pub attempt: u32,
    /// When it began.
    #[serde(with = "instant")]
    pub since: Timestamp,
    /// When it ended.
    #[serde(with = "instant")]
    pub until: Timestamp,
    /// Bytes that it had stored.
    pub bytes: u64,
    /// Why it ended.
    pub fault: JobFault,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker, not before a time.
    Pending {
        /// A retry waits until then.
        #[serde(with = "instant")]
        not_before: Timestamp,
        /// The last attempt's fault, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_fault: Option<JobFault>,
    },
    /// A worker has it.
    Processing {
        /// The hold.
        lease: LeaseState,
        /// How far it is.
        progress: Progress,
        /// When `progress` last grew.
        #[serde(with = "instant")]
        progressed_at: Timestamp,
        /// Somebody cancelled it; the worker learns so at its next heartbeat.
        cancel_requested: bool,
    },
    /// The artifact is stored.
    Completed {
        /// What was stored.
        artifact: Artifact,
        /// When.
        #[serde(with = "instant")]
        at: Timestamp,
    },
    /// Ended without an artifact.
    Failed {
        /// Why.
        fault: JobFault,
        /// When.
        #[serde(with = "instant")]
        at: Timestamp,
    },
}

/// A job as the queue keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Version of this shape; 1.
    pub schema: u32,
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// What it produces.
    pub source: JobSource,
    /// The name it is offered under.
    pub file_name: String,
    /// 0 lowest to 9.
    pub priority: u8,
    /// Attempts begun; 0 before the first claim.
    pub attempt: u32,
    /// Attempts made by itself.
    pub max_attempts: u32,
    /// Where it stands.
    pub state: JobState,
    /// An upload that an attempt began and none has completed or aborted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadState>,
    /// When it was accepted.
    #[serde(with = "instant")]
    pub created_at: Timestamp,
    /// When anything last changed.
    #[serde(with = "instant")]
    pub updated_at: Timestamp,
    /// When its status was last asked for, as far as it is on the disk.
    #[serde(with = "instant")]
    pub polled_at: Timestamp,
    /// Grows with each change that a client could see.
    pub revision: u64,
    /// Its place in the order in which jobs were accepted: what comes first among jobs of one instant.
    #[serde(default)]
    pub sequence: u64,
    /// Attempts of earlier runs: a retry by hand begins `attempt` again, and this goes on.
    #[serde(default)]
    pub earlier_attempts: u32,
    /// How the last attempts failed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<AttemptEnd>,
}

/// Version of [`JobRecord`]'s shape.
pub(super) const SCHEMA: u32 = 1;
/// Failed attempts that a record tells of.
const FAILURES: usize = 5;

impl JobRecord {
    /// A job as it is accepted.
    #[must_use]
    pub fn new(job: NewJob, sequence: u64, now: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            id: job.id,
            owner: job.owner,
            source: job.source,
            file_name: job.file_name,
            priority: job.priority.min(9),
            attempt: 0,
            max_attempts: job.max_attempts.max(1),
            state: JobState::Pending {
                not_before: now,
                last_fault: None,
            },
            upload: None,
            created_at: now,
            updated_at: now,
            polled_at: now,
            revision: 1,
            sequence,
            earlier_attempts: 0,
            failures: Vec::new(),
        }
    }

    /// The attempt's number over all runs: unlike `attempt`, it never comes twice, so that an
    /// artifact's key made from it is never that of an artifact that is being deleted.
    #[must_use]
    pub const fn attempt_ever(&self) -> u32 {
        self.earlier_attempts.saturating_add(self.attempt)
    }

    /// Notes how the present attempt failed; the oldest notes go.
    fn note_failure(&mut self, fault: &JobFault, now: Timestamp) {
        let JobState::Processing {
            lease, progress, ..
        } = &self.state
        else {
            return;
        };
        let end = AttemptEnd {
            attempt: self.attempt_ever(),
            since: lease.since,
            until: now,
            bytes: progress.bytes_done,
            fault: fault.clone(),
        };
        let surplus = (self.failures.len() + 1).saturating_sub(FAILURES);
        self.failures.drain(..surplus);
        self.failures.push(end);
    }

    /// The seed's status.
    #[must_use]
    pub const fn status(&self) -> JobStatus {
        match self.state {
            JobState::Pending { .. } => JobStatus::Pending,
            JobState::Processing { .. } => JobStatus::Processing,
            JobState::Completed { .. } => JobStatus::Completed,
            JobState::Failed { .. } => JobStatus::Failed,
        }
    }
}
