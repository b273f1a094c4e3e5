//! A job as the API shows it (contract, section 1).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Crc64Nvme, FileId, JobId, Sha256, SignedUrl};

/// Body of `POST /v1/jobs/download`: exactly one of `file_id` and `url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InitiateRequest {
    /// The catalogue's id of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub file_id: Option<FileId>,
    /// An origin to fetch, where the server allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    #[cfg_attr(feature = "openapi", schema(nullable = false, format = "uri"))]
    pub url: Option<String>,
    /// The name to offer instead of the source's own.
    #[serde(default, rename = "fileName", skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    #[cfg_attr(
        feature = "openapi",
        schema(
            pattern = r"^(?!\s*\.{0,2}\s*$)[^\x00-\x1f\x7f-\x9f/\\]+$",
            max_length = 255,
            example = "photos.zip"
        )
    )]
    pub file_name: Option<String>,
    /// 0 lowest to 9; 5 where absent.
    #[serde(
        default,
        deserialize_with = "crate::whole::perhaps_byte",
        skip_serializing_if = "Option::is_none"
    )]
    #[ts(optional)]
    #[cfg_attr(feature = "openapi", schema(maximum = 9))]
    pub priority: Option<u8>,
}

/// What a `202 Accepted` has survived so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Durability {
    /// Nothing: the job lives in this process.
    Memory,
    /// The record is on the disk: it survives a kill one instruction later.
    Fsync,
    /// Redis has it and writes it down within a second.
    RedisEverysec,
    /// Redis wrote it down before it answered.
    RedisAlways,
}

/// The `202 Accepted` of `POST /v1/jobs/download`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InitiateReply {
    /// The job's id.
    pub job_id: JobId,
    /// Its status now.
    pub status: JobStatus,
    /// Where to ask for its status: a path on this server.
    pub check_url: String,
    /// What this answer is worth.
    pub durability: Durability,
}

/// The four states that the seed names; there is no fifth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JobStatus {
    /// Waiting for a worker.
    Pending,
    /// A worker has it.
    Processing,
    /// The artifact is stored and can be pulled.
    Completed,
    /// It ended without an artifact; `error` says why.
    Failed,
}

impl JobStatus {
    /// Whether nothing more will happen by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What is being done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Stage {
    /// In the queue.
    Queued,
    /// The source is being opened; nothing has been stored yet.
    Producing,
    /// Bytes go to S3 as the source gives them.
    Uploading,
    /// Ended, well or badly.
    Done,
}

/// Why a job failed, in words that a program can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FaultCode {
    /// Somebody asked for it.
    Cancelled,
    /// Nobody asked for its status for so long that it was given up.
    Abandoned,
    /// No progress for the hang timeout.
    TimedOut,
    /// The artifact has been swept; the job can be run again.
    ArtifactExpired,
    /// The source does not exist any more.
    SourceMissing,
    /// The source changed while it was read.
    SourceChanged,
    /// The source could not be read.
    SourceFailed,
    /// S3 could not take the artifact.
    StorageFailed,
    /// The worker died more often than is allowed.
    WorkerLost,
    /// A fault of the server itself.
    Internal,
    /// A code that this build does not know yet.
    #[serde(other)]
    Unknown,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobFault {
    /// Stable, for programs.
    pub code: FaultCode,
    /// A sentence, for people.
    pub message: String,
    /// Whether running the job again can help.
    pub retryable: bool,
}

/// Where a completed job's file is, and how to know that it arrived whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobResult {
    /// Signed afresh at each read.
    pub download_url: SignedUrl,
    /// When `download_url` stops working; asking again gives a new one.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
    /// Bytes.
    pub size: u64,
    /// The object's strong ETag as S3 gives it, quotes included.
    pub etag: String,
    /// Of the whole file.
    pub sha256: Sha256,
    /// Of the whole file.
    pub crc64nvme: Crc64Nvme,
    /// Path of the check blocks on this server.
    pub manifest_url: String,
    /// When the artifact itself will be swept.
    #[ts(type = "string")]
    pub artifact_expires_at: Timestamp,
}

/// The answer of `GET /v1/jobs/{jobId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// The job's id.
    pub job_id: JobId,
    /// One of the seed's four.
    pub status: JobStatus,
    /// Whole percent, 0–100, never falling within an attempt.
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub progress: u8,
    /// Null until completed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub result: Option<JobResult>,
    /// Null unless failed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub error: Option<JobFault>,
    /// What is being done to it.
    pub stage: Stage,
    /// Bytes stored so far.
    pub bytes_done: u64,
    /// Null while unknown.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub bytes_total: Option<u64>,
    /// How many jobs come first; null unless pending.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub queue_position: Option<u64>,
    /// 0 before the first claim.
    pub attempt: u32,
    /// Attempts that the server will make by itself.
    pub max_attempts: u32,
    /// When it counts as abandoned unless somebody asks again; null once it has ended.
    #[ts(type = "string | null")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub cancels_at: Option<Timestamp>,
    /// The name that the file is offered under.
    pub file_name: String,
    /// When it was accepted.
    #[ts(type = "string")]
    pub created_at: Timestamp,
    /// When anything last changed.
    #[ts(type = "string")]
    pub updated_at: Timestamp,
}

/// The answer of `GET /v1/jobs?ids=`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobsReply {
    /// Those that exist and belong to the caller, in the order asked for.
    pub jobs: Vec<JobView>,
    /// Those that do not exist or belong to somebody else, indistinguishably.
    pub missing: Vec<JobId>,
}

/// The answer of `GET /v1/jobs`: the caller's own, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobsPage {
    /// One page of jobs.
    pub jobs: Vec<JobView>,
    /// What to pass as `cursor` for the next page; null on the last.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next_cursor: Option<String>,
}
