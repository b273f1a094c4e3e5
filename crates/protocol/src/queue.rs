//! The queue as an operator sees it: how many jobs are where, and that none was lost.

use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/queue`, and of pausing and resuming it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueView {
    /// Whether claims are paused: what runs goes on, what waits stays.
    pub paused: bool,
    /// How many jobs are in each status.
    pub counts: QueueCounts,
    /// For how many seconds the job that waits longest could have been claimed; null where none waits.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub oldest_wait_seconds: Option<u64>,
    /// Jobs that this process works at together, at most.
    pub workers: u64,
    /// Workers of all processes that have a job.
    pub busy_workers: u64,
    /// What became of every job that was ever accepted.
    pub ledger: QueueLedger,
}

/// How many jobs are in each status; forgotten ones are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueCounts {
    /// Waiting, retries that wait for their time included.
    pub pending: u64,
    /// A worker has them.
    pub processing: u64,
    /// Stored.
    pub completed: u64,
    /// Ended without an artifact.
    pub failed: u64,
}

/// The sum that holds for ever: accepted = completed + failed + cancelled + live + quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueLedger {
    /// Jobs that were answered 202.
    pub accepted: u64,
    /// Stored, those whose artifact's time is over since included.
    pub completed: u64,
    /// Ended by a fault.
    pub failed: u64,
    /// Cancelled, or given up because nobody asked for them.
    pub cancelled: u64,
    /// Not ended yet.
    pub live: u64,
    /// Set aside because their records cannot be read.
    pub quarantined: u64,
    /// Accepted, and nowhere: 0, or a fault of the server.
    pub missing: i64,
}
