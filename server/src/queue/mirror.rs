//! What is kept in memory beside the tables: recent records, the waiting line, and who asked when.
//!
//! It follows the tables one transaction behind at most, in their order, and only what is as
//! durable as was asked for gets here.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use longhaul_protocol::JobId;
use tokio::time::Instant;

use super::{
    JobRecord,
    ranked::Ranked,
    tables::{OrderKey, Place, Tally, place},
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
    ready: Ranked<OrderKey>,
    delayed: Ranked<OrderKey>,
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
            self.unplace(old.as_ref());
            let mut work = false;
            match new {
                Some(job) => {
                    if job.status().is_final() {
                        self.polled.remove(&job.id);
                    }
                    work = self.take_place(&job);
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
            self.tally = tally;
        }
    }

    fn start_over(&mut self, records: Vec<JobRecord>, wake: &Wake) {
        self.records.clear();
        self.order.clear();
        self.ready = Ranked::default();
        self.delayed = Ranked::default();
        self.stale = false;
        for job in records {
            wake.job_changed(job.id);
            self.take_place(&job);
            self.keep(job);
        }
        wake.work_arrived();
    }

    /// True where there is something new to claim, or to wait for.
    fn take_place(&mut self, job: &JobRecord) -> bool {
        match place(job) {
            Some(Place::Ready(key)) => self.ready.insert(key),
            Some(Place::Delayed(key)) => self.delayed.insert(key),
            None => return false,
        }
        true
    }

    fn unplace(&mut self, job: Option<&JobRecord>) {
        match job.and_then(place) {
            Some(Place::Ready(key)) => self.ready.remove(key),
            Some(Place::Delayed(key)) => self.delayed.remove(key),
            None => {}
        }
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

    /// How many would be claimed before a job that stands there.
    pub(super) fn rank(&self, place: Place) -> u64 {
        let rank = match place {
            Place::Ready(key) => self.ready.rank(key),
            Place::Delayed(key) => self.ready.len() + self.delayed.rank(key),
        };
        rank as u64
    }

    /// Notes the time as a caller sees it.
    pub(super) fn saw(&mut self, now: Timestamp) {
        self.now = Some((now, Instant::now()));
    }

    /// How long until a claim may succeed: zero where one may now, none where nothing waits.
    pub(super) fn until_claimable(&self) -> Option<Duration> {
        if self.ready.len() > 0 {
            return Some(Duration::ZERO);
        }
        let first = self.delayed.first()?;
        let (order, _) = first.split_first_chunk::<8>()?;
        let due = u64::from_be_bytes(*order)
            .cast_signed()
            .wrapping_add(i64::MIN);
        // Callers bring their own clock: only what passes between two of its readings is ours.
        let now = self.now.map_or(due, |(now, at)| {
            let passed = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
            now.as_microsecond().saturating_add(passed)
        });
        Some(Duration::from_micros(
            u64::try_from(due.saturating_sub(now)).unwrap_or(0),
        ))
    }

    /// Whether a transaction could find something to claim.
    pub(super) fn may_claim(&self, now: Timestamp) -> bool {
        let due = super::tables::time_key(now, &[u8::MAX; 24]);
        self.stale
            || self.ready.len() > 0
            || self
                .delayed
                .first()
                .is_some_and(|key| key.as_slice() <= due.as_slice())
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
