//! Who still asks for which job: kept in memory alone, so that no poll and no wait costs a write.
//!
//! A restart takes nothing away from it: nobody could ask while the process was not running, so that
//! nothing counts as abandoned before its time has passed from the start.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use jiff::Timestamp;
use longhaul_protocol::JobId;

use super::{JobRecord, job::later, mirror::ById};

/// Jobs looked at by one sweep: those beyond it are looked at by the next.
const MOST_LOOKS: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When jobs that have not ended and whose records are not in memory were last asked for.
    asked: ById<Timestamp>,
    /// Each job that has not ended, by a time since when it may not have been asked for, which need
    /// not be its last. Some may have ended meanwhile.
    due: BinaryHeap<Reverse<(i64, JobId)>>,
    /// Jobs that were found at the start.
    found: Vec<JobId>,
}

impl Watch {
    /// A job begins to live, or lives again.
    pub(super) fn begin(&mut self, job: &JobRecord) {
        self.put(job.polled_at, job.id);
    }

    /// A job lived when this process began.
    pub(super) fn found(&mut self, job: JobId) {
        self.found.push(job);
    }

    pub(super) fn end(&mut self, job: JobId) {
        self.asked.remove(&job);
    }

    /// A job that has not ended was asked for then, if it was.
    pub(super) fn remember(&mut self, job: JobId, asked: Option<Timestamp>) {
        if let Some(now) = asked {
            let at = self.asked.entry(job).or_insert(now);
            *at = now.max(*at);
        }
    }

    /// Gives away when a job was last asked for.
    pub(super) fn forget(&mut self, job: JobId) -> Option<Timestamp> {
        self.asked.remove(&job)
    }

    /// When a job was last asked for, as far as it is known here.
    pub(super) fn asked(&self, job: JobId) -> Option<Timestamp> {
        self.asked.get(&job).copied()
    }

    pub(super) fn put(&mut self, at: Timestamp, job: JobId) {
        self.due.push(Reverse((at.as_microsecond(), job)));
    }

    /// Takes out at most so many jobs that nobody seems to have asked for since `patience` ago, or
    /// since the process began; who does not end them puts them back. `kept` knows when a job was
    /// asked for whose record is in memory.
    pub(super) fn unasked(
        &mut self,
        kept: impl Fn(JobId) -> Option<Option<Timestamp>>,
        patience: Duration,
        began: Timestamp,
        now: Timestamp,
        most: usize,
    ) -> Vec<(Timestamp, JobId)> {
        if patience.is_zero() {
            return Vec::new();
        }
        let start = began.as_microsecond();
        self.due
            .extend(self.found.drain(..).map(|job| Reverse((start, job))));
        let mut unasked = Vec::new();
        for _ in 0..MOST_LOOKS {
            let Some(Reverse((at, job))) = self.due.peek().copied() else {
                break;
            };
            let at = Timestamp::from_microsecond(at).unwrap_or(began);
            if unasked.len() == most || later(at, patience) > now {
                break;
            }
            self.due.pop();
            let asked = kept(job).unwrap_or_else(|| self.asked(job));
            let last = asked.unwrap_or(at).max(at).max(began);
            if later(last, patience) > now {
                self.put(last, job);
            } else {
                unasked.push((last, job));
            }
        }
        unasked
    }
}
