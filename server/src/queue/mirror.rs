//! What is kept in memory beside the tables: recent records, the waiting line, and who asked when.
//!
//! It follows the tables one transaction behind at most, in their order, and only what is as
//! durable as was asked for gets here.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use longhaul_protocol::JobId;
use tokio::time::Instant;

use super::{
    JobRecord, JobState, Ledger,
    ledger::Tally,
    line::Line,
    tables::Place,
    wake::Wake,
    work::{Changed, Effects},
};

/// Records kept in memory, about 1 KiB each; the oldest give way, and are read when asked for.
const MOST_RECORDS: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Mirror {
    records: HashMap<JobId, Arc<JobRecord>>,
    /// In the order in which they came; may name some that have gone.
    order: VecDeque<JobId>,
    line: Line,
    /// Who holds which lease.
    held: HashMap<JobId, String>,
    tally: Tally,
    /// When jobs that have not ended were last asked for.
    polled: HashMap<JobId, Timestamp>,
    /// The latest `now` that a caller gave, and when that was.
    now: Option<(Timestamp, Instant)>,
    /// Grows with each change: what was read before it may be old.
    pub(super) generation: u64,
    /// A change failed, so that the tables may hold what this does not.
    pub(super) stale: bool,
}

impl Mirror {
    /// Follows a transaction, and wakes who waited for it.
    pub(super) fn follow(&mut self, effects: Effects, wake: &Wake) {
        self.generation += 1;
        if let Some(records) = effects.anew {
            self.start_over(records, wake);
        }
        for Changed { old, new } in effects.changed {
            let id = old.as_ref().or(new.as_ref()).map(|job| job.id);
            if let Some(old) = &old {
                self.line.remove(old);
                self.held.remove(&old.id);
            }
            let mut work = false;
            match new {
                Some(job) => {
                    if job.status().is_final() {
                        self.polled.remove(&job.id);
                    }
                    work = self.wait_or_work(&job);
                    self.keep(job);
                }
                None => {
                    if let Some(id) = id {
                        self.records.remove(&id);
                        self.polled.remove(&id);
                    }
                }
            }
            if let Some(id) = id {
                wake.job_changed(id);
            }
            if work {
                wake.work_arrived();
            }
        }
        if let Some(tally) = effects.tally {
            if self.tally.paused && !tally.paused {
                wake.work_arrived();
            }
            self.tally = tally;
        }
    }

    fn start_over(&mut self, records: Vec<JobRecord>, wake: &Wake) {
        self.records.clear();
        self.order.clear();
        self.line = Line::default();
        self.held.clear();
        self.stale = false;
        for job in records {
            wake.job_changed(job.id);
            self.wait_or_work(&job);
            self.keep(job);
        }
        wake.work_arrived();
    }

    /// Puts a job into the line or with who works at it; true where somebody may claim it, or wait
    /// for its time.
    fn wait_or_work(&mut self, job: &JobRecord) -> bool {
        if let JobState::Processing { lease, .. } = &job.state {
            self.held.insert(job.id, lease.worker.clone());
        }
        self.line.insert(job)
    }

    fn keep(&mut self, job: JobRecord) {
        let id = job.id;
        if self.records.insert(id, Arc::new(job)).is_none() {
            self.order.push_back(id);
        }
        while self.records.len() > MOST_RECORDS || self.order.len() > 2 * MOST_RECORDS {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.records.remove(&oldest);
        }
    }

    /// Keeps a record that was read, unless anything changed since `generation`.
    pub(super) fn keep_read(&mut self, job: JobRecord, generation: u64) {
        if self.generation == generation {
            self.keep(job);
        }
    }

    pub(super) fn record(&self, job: JobId) -> Option<&Arc<JobRecord>> {
        self.records.get(&job)
    }

    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }

    /// What became of all jobs, and who works at those that live.
    pub(super) fn ledger(&self, now: Timestamp) -> Ledger {
        let workers: HashSet<_> = self.held.values().collect();
        Ledger {
            workers: workers.len() as u64,
            oldest_waiting: self.line.oldest(now),
            ..self.tally.ledger()
        }
    }

    /// How many would be claimed before a job that stands there.
    pub(super) fn rank(&self, place: Place) -> u64 {
        self.line.rank(place)
    }

    /// Notes the time as a caller sees it.
    pub(super) fn saw(&mut self, now: Timestamp) {
        self.now = Some((now, Instant::now()));
    }

    /// How long until a claim may succeed: zero where one may now, none where nothing waits.
    pub(super) fn until_claimable(&self) -> Option<Duration> {
        if self.tally.paused {
            return None;
        }
        // Callers bring their own clock: only what passes between two of its readings is ours.
        let now = self.now.map(|(now, at)| {
            let passed = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
            now.as_microsecond().saturating_add(passed)
        });
        self.line.until_claimable(now)
    }

    /// Whether a transaction could find something to claim.
    pub(super) fn may_claim(&self, now: Timestamp) -> bool {
        let waits = self.line.is_anyone_ready() || self.line.is_anyone_due(now);
        self.stale || (waits && !self.tally.paused)
    }

    pub(super) fn poll(&mut self, job: &JobRecord, now: Timestamp) {
        if !job.status().is_final() {
            let at = self.polled.entry(job.id).or_insert(now);
            *at = now.max(*at);
        }
    }

    /// The record as a caller sees it, with the last poll that is only in memory.
    pub(super) fn seen(&self, job: &JobRecord) -> JobRecord {
        let mut job = job.clone();
        job.polled_at = self.polled_at(&job);
        job
    }

    pub(super) fn polled_at(&self, job: &JobRecord) -> Timestamp {
        let known = self.polled.get(&job.id).copied();
        known.map_or(job.polled_at, |at| at.max(job.polled_at))
    }
}
