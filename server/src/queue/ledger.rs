//! The ledger: every job that was accepted is somewhere, for ever.
//!
//! Kept in the same transaction as the jobs themselves. A job that ended and was forgotten for its
//! age is still counted by how it ended, so that the sum holds over years; a difference is a lost job.

use jiff::Timestamp;
use longhaul_protocol::{FaultCode, JobStatus};
use serde::{Deserialize, Serialize};

use super::{Counts, JobRecord, JobState};

/// What became of all jobs that were ever accepted, and who works at those that live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Jobs that were answered 202.
    pub accepted: u64,
    /// Stored, those whose artifact's time is over since included.
    pub completed: u64,
    /// Ended by a fault.
    pub failed: u64,
    /// Cancelled, or given up because nobody asked for them.
    pub cancelled: u64,
    /// Waiting.
    pub pending: u64,
    /// Claimed: as many leases live.
    pub processing: u64,
    /// Set aside because their records cannot be decoded.
    pub quarantined: u64,
    /// Workers that hold a lease.
    pub workers: u64,
    /// Since when the job that has waited longest could have been claimed; none where none can be.
    pub oldest_waiting: Option<Timestamp>,
    /// Whether claims are paused.
    pub paused: bool,
}

impl Ledger {
    /// Jobs that have not ended.
    #[must_use]
    pub const fn live(&self) -> u64 {
        self.pending + self.processing
    }

    /// Jobs that were accepted and are nowhere: zero, or a fault of ours.
    #[must_use]
    pub const fn missing(&self) -> i64 {
        let found = self.completed + self.failed + self.cancelled + self.live() + self.quarantined;
        self.accepted.wrapping_sub(found).cast_signed()
    }
}

/// Jobs by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ends {
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
}

impl Ends {
    fn of(&mut self, end: End) -> &mut u64 {
        match end {
            End::Completed => &mut self.completed,
            End::Failed => &mut self.failed,
            End::Cancelled => &mut self.cancelled,
        }
    }

    const fn sum(self) -> u64 {
        self.completed + self.failed + self.cancelled
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy)]
enum End {
    Completed,
    Failed,
    Cancelled,
}

fn end(job: &JobRecord) -> Option<End> {
    match &job.state {
        JobState::Pending { .. } | JobState::Processing { .. } => None,
        JobState::Completed { .. } => Some(End::Completed),
        JobState::Failed { fault, .. } => Some(match fault.code {
            // It was stored, and kept as long as promised.
            FaultCode::ArtifactExpired => End::Completed,
            FaultCode::Cancelled | FaultCode::Abandoned => End::Cancelled,
            _ => End::Failed,
        }),
    }
}

/// One row beside the jobs: how many are in each state, what became of the others, and the pause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tally {
    /// [`super::tables::LAYOUT`] of the tables beside it.
    pub(super) layout: u32,
    pub(super) pending: u64,
    pub(super) processing: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) quarantined: u64,
    /// Jobs ever accepted; the last one's sequence number.
    pub(super) accepted: u64,
    /// Records that are there, by how they ended.
    pub(super) ended: Ends,
    /// Records that were forgotten, by how they had ended.
    pub(super) forgotten: Ends,
    /// Jobs that were accepted and forgotten before there was a ledger; none where that is not
    /// known yet.
    pub(super) before: Option<u64>,
    /// Claims give nothing.
    pub(super) paused: bool,
}

impl Tally {
    /// A tally of no records, which keeps what does not follow from them.
    pub(super) fn emptied(self) -> Self {
        Self {
            layout: self.layout,
            quarantined: self.quarantined,
            accepted: self.accepted,
            forgotten: self.forgotten,
            before: self.before,
            paused: self.paused,
            ..Self::default()
        }
    }

    /// Counts a record that is there.
    pub(super) fn add(&mut self, job: &JobRecord) {
        *self.of(job.status()) += 1;
        if let Some(end) = end(job) {
            *self.ended.of(end) += 1;
        }
    }

    /// Takes back that a record is there.
    pub(super) fn remove(&mut self, job: &JobRecord) {
        let count = self.of(job.status());
        *count = count.saturating_sub(1);
        if let Some(end) = end(job) {
            let count = self.ended.of(end);
            *count = count.saturating_sub(1);
        }
    }

    /// Keeps what a record that goes for its age has come to.
    pub(super) fn forget(&mut self, job: &JobRecord) {
        self.remove(job);
        if let Some(end) = end(job) {
            *self.forgotten.of(end) += 1;
        }
    }

    /// Whatever is missing when the ledger is begun was forgotten before.
    pub(super) fn begin(&mut self) {
        if self.before.is_none() {
            let known = self.pending
                + self.processing
                + self.ended.sum()
                + self.forgotten.sum()
                + self.quarantined;
            self.before = Some(self.accepted.saturating_sub(known));
        }
    }

    fn of(&mut self, status: JobStatus) -> &mut u64 {
        match status {
            JobStatus::Pending => &mut self.pending,
            JobStatus::Processing => &mut self.processing,
            JobStatus::Completed => &mut self.completed,
            JobStatus::Failed => &mut self.failed,
        }
    }

    pub(super) const fn counts(self) -> Counts {
        Counts {
            pending: self.pending,
            processing: self.processing,
            completed: self.completed,
            failed: self.failed,
            quarantined: self.quarantined,
        }
    }

    /// The ledger, as far as it is kept on the disk.
    pub(super) fn ledger(self) -> Ledger {
        Ledger {
            accepted: self.accepted - self.before.unwrap_or(0).min(self.accepted),
            completed: self.ended.completed + self.forgotten.completed,
            failed: self.ended.failed + self.forgotten.failed,
            cancelled: self.ended.cancelled + self.forgotten.cancelled,
            pending: self.pending,
            processing: self.processing,
            quarantined: self.quarantined,
            paused: self.paused,
            ..Ledger::default()
        }
    }
}
