//! What travels between the app and the job server: one definition for both sides, and no I/O.
//!
//! Everything here is either on the wire (contract, section 1) or a rule that both sides must
//! apply alike, such as the size of an artifact's check blocks.

mod clock;
mod crc;
mod digest;
mod file;
mod ids;
mod job;
mod manifest;
mod problem;
mod queue;
mod secret;
mod whole;

pub use clock::{Clock, ManualClock, SystemClock};
pub use digest::{Crc64Nvme, DigestError, Sha256};
pub use file::{FileEntry, FilesPage, SourceKind};
pub use ids::{DownloadId, FileId, JobId};
pub use job::{
    Durability, FaultCode, InitiateReply, InitiateRequest, JobFault, JobResult, JobStatus, JobView,
    JobsPage, JobsReply, Stage,
};
pub use manifest::{Manifest, block_size_for};
pub use problem::{Problem, ProblemCode};
pub use queue::{QueueCounts, QueueLedger, QueueView};
pub use secret::{SignedUrl, Token};

/// Identity header of a click: the same key with the same body gives the same job (contract, section 1).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How often the status of a job is asked for unless the server's `Retry-After` says otherwise (seed).
pub const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_secs(2);
