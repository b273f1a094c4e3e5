//! What is kept in memory beside the tables: recent records, the waiting line, and who asked when.
//!
//! It follows the tables one transaction behind at most, in their order, and only what is as
//! durable as was asked for gets here. After a start it is filled a page at a time, beside the first
//! requests: the tables know everything that it does not yet.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use longhaul_durable::{Entry, Table};
use longhaul_protocol::JobId;
use tokio::time::Instant;

use super::{
    JobRecord, JobState, Ledger, Owner,
    ledger::Tally,
    line::Line,
    tables::{DELAYED, Place, id_of, place},
    wake::Wake,
    watch::Watch,
    work::{Changed, Effects},
};

/// Records kept in memory, about 1 KiB each; the oldest give way, and are read when asked for.
pub(super) const MOST_RECORDS: usize = 100_000;
/// Far fewer changes than it takes to push a record out.
const FEW_CHANGES: u64 = 10_000;
/// While the line is not known, a worker looks this often whether there is something.
const LOOK: Duration = Duration::from_millis(20);

/// By ids that this server alone gives: there is nobody to choose them so that they collide.
pub(super) type ById<V> = HashMap<JobId, V, foldhash::fast::RandomState>;

/// A record, with when its job was last asked for: a poll finds both in one place of memory.
#[derive(Debug)]
struct Kept {
    job: Arc<JobRecord>,
    /// None of a job that has ended, and where nobody did yet.
    asked: Option<Timestamp>,
}

impl Kept {
    fn ask(&mut self, now: Timestamp) {
        if !self.job.status().is_final() {
            self.asked = Some(self.asked.map_or(now, |at| at.max(now)));
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Mirror {
    records: ById<Kept>,
    /// In the order in which they came; may name some that have gone.
    order: VecDeque<JobId>,
    line: Line,
    /// Whether all who wait or work are known here.
    loaded: bool,
    /// Who holds which lease.
    held: HashMap<JobId, String>,
    tally: Tally,
    watch: Watch,
    /// The latest `now` that a caller gave, and when that was.
    now: Option<(Timestamp, Instant)>,
    changes: u64,
    forgets: u64,
    /// A change failed, so that the tables may hold what this does not.
    pub(super) stale: bool,
    /// The store's generation that this follows.
    pub(super) generation: u64,
    /// Grows when everything is read anew: what was being read before is of no use.
    pub(super) epoch: u64,
}

/// A moment of the mirror, for what is read beside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    changes: u64,
    forgets: u64,
}

impl Mirror {
    /// A mirror of tables that are empty.
    pub(super) fn of_nothing() -> Self {
        Self {
            loaded: true,
            ..Self::default()
        }
    }

    /// Follows a transaction, and wakes who waited for it.
    pub(super) fn follow(&mut self, effects: Effects, wake: &Wake) {
        if effects.anew {
            self.start_over(wake);
            // Filled by the next call.
            self.stale = true;
        }
        for Changed { old, new } in effects.changed {
            self.changes += 1;
            let Some(id) = old.as_ref().or(new.as_ref()).map(|job| job.id) else {
                continue;
            };
            if let Some(old) = &old {
                self.leave(old);
            }
            let was_live = old.as_ref().is_some_and(|job| !job.status().is_final());
            let work = match new {
                Some(job) => {
                    let work = self.enter(&job, was_live);
                    self.keep(job);
                    work
                }
                None => {
                    self.forgets += 1;
                    self.records.remove(&id);
                    self.watch.end(id);
                    false
                }
            };
            wake.job_changed(id);
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

    /// Forgets what it knows of the tables, to read it anew.
    pub(super) fn start_over(&mut self, wake: &Wake) {
        for (job, kept) in self.records.drain() {
            self.watch.remember(job, kept.asked);
        }
        self.order.clear();
        self.line = Line::default();
        self.held.clear();
        self.loaded = false;
        self.stale = false;
        self.forgets += 1;
        self.epoch += 1;
        wake.all_changed();
        wake.work_arrived();
    }

    /// Takes a page of who waits or works, of the reading that began in `epoch`; false where that
    /// is of no use any more.
    pub(super) fn take_page(
        &mut self,
        epoch: u64,
        table: Table,
        page: &[Entry],
        wake: &Wake,
    ) -> bool {
        if self.epoch != epoch {
            return false;
        }
        for (key, value) in page {
            let Some(id) = id_of(key) else { continue };
            match <[u8; 32]>::try_from(key.as_slice()) {
                Ok(order) => {
                    let place = match table {
                        DELAYED => Place::Delayed(order),
                        _ => Place::Ready(order),
                    };
                    self.line.insert(place, value.first().copied().unwrap_or(0));
                }
                Err(_) => {
                    let worker = String::from_utf8_lossy(value).into_owned();
                    self.held.insert(id, worker);
                }
            }
            self.watch.found(id);
        }
        if !page.is_empty() {
            wake.work_arrived();
        }
        true
    }

    /// All pages of the reading that began in `epoch` are here.
    pub(super) fn took_all(&mut self, epoch: u64) {
        self.loaded |= self.epoch == epoch;
    }

    fn leave(&mut self, job: &JobRecord) {
        if let Some(place) = place(job) {
            self.line.remove(place, job.priority);
        }
        self.held.remove(&job.id);
    }

    /// Puts a job into the line or with who works at it; true where somebody may claim it, or wait
    /// for its time.
    fn enter(&mut self, job: &JobRecord, was_live: bool) -> bool {
        if job.status().is_final() {
            self.watch.end(job.id);
            return false;
        }
        if !was_live {
            self.watch.begin(job);
        }
        if let JobState::Processing { lease, .. } = &job.state {
            self.held.insert(job.id, lease.worker.clone());
        }
        let place = place(job);
        if let Some(place) = place {
            self.line.insert(place, job.priority);
        }
        place.is_some()
    }

    fn keep(&mut self, job: JobRecord) {
        let (id, ended) = (job.id, job.status().is_final());
        let job = Arc::new(job);
        match self.records.entry(id) {
            hash_map::Entry::Occupied(mut kept) => {
                let kept = kept.get_mut();
                kept.job = job;
                kept.asked = kept.asked.filter(|_| !ended);
            }
            hash_map::Entry::Vacant(place) => {
                let asked = self.watch.forget(id).filter(|_| !ended);
                place.insert(Kept { job, asked });
                self.order.push_back(id);
            }
        }
        while self.records.len() > MOST_RECORDS || self.order.len() > 2 * MOST_RECORDS {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(kept) = self.records.remove(&oldest) {
                self.watch.remember(oldest, kept.asked);
            }
        }
    }

    pub(super) const fn moment(&self) -> Moment {
        Moment {
            changes: self.changes,
            forgets: self.forgets,
        }
    }

    /// Keeps a record that was read after `moment`, unless it may have changed since: then it is
    /// here already, or is no more.
    pub(super) fn keep_read(&mut self, job: JobRecord, moment: Moment) {
        let young = self.changes - moment.changes < FEW_CHANGES && self.forgets == moment.forgets;
        if young && !self.records.contains_key(&job.id) {
            self.keep(job);
        }
    }

    pub(super) fn record(&self, job: JobId) -> Option<&Arc<JobRecord>> {
        self.records.get(&job).map(|kept| &kept.job)
    }

    /// The owner's record, if it is here, and a note that somebody asked for it.
    pub(super) fn glance(
        &mut self,
        owner: &Owner,
        job: JobId,
        now: Timestamp,
    ) -> Option<Arc<JobRecord>> {
        let kept = self.records.get_mut(&job);
        let kept = kept.filter(|kept| kept.job.owner == *owner)?;
        kept.ask(now);
        Some(Arc::clone(&kept.job))
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

    /// How many would be claimed before a job that stands there; none while that is not known.
    pub(super) fn rank(&self, place: Place) -> Option<u64> {
        self.loaded.then(|| self.line.rank(place))
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
        let known = self.line.until_claimable(now);
        if self.loaded || self.tally.pending == 0 {
            return known;
        }
        Some(known.unwrap_or(LOOK).min(LOOK))
    }

    /// Whether a transaction could find something to claim.
    pub(super) fn may_claim(&self, now: Timestamp) -> bool {
        let waits = self.line.is_anyone_ready() || self.line.is_anyone_due(now);
        self.stale || ((waits || !self.loaded) && !self.tally.paused)
    }

    pub(super) fn poll(&mut self, job: &JobRecord, now: Timestamp) {
        match self.records.get_mut(&job.id) {
            Some(kept) => kept.ask(now),
            None if !job.status().is_final() => self.watch.remember(job.id, Some(now)),
            None => {}
        }
    }

    /// The record as a caller sees it, with the last poll that is only in memory.
    pub(super) fn seen(&self, job: &JobRecord) -> JobRecord {
        let mut job = job.clone();
        job.polled_at = self.polled_at(&job);
        job
    }

    pub(super) fn polled_at(&self, job: &JobRecord) -> Timestamp {
        let asked = self.asked(job.id);
        asked.map_or(job.polled_at, |at| at.max(job.polled_at))
    }

    fn asked(&self, job: JobId) -> Option<Timestamp> {
        match self.records.get(&job) {
            Some(kept) => kept.asked,
            None => self.watch.asked(job),
        }
    }

    /// Takes out at most so many jobs that nobody seems to have asked for since `patience` ago, or
    /// since the process began; who does not end them puts them back by [`Mirror::ask_again`].
    pub(super) fn unasked(
        &mut self,
        patience: Duration,
        began: Timestamp,
        now: Timestamp,
        most: usize,
    ) -> Vec<(Timestamp, JobId)> {
        let records = &self.records;
        let kept = |job| records.get(&job).map(|kept| kept.asked);
        self.watch.unasked(kept, patience, began, now, most)
    }

    /// A job that seemed not to be asked for was, at that time.
    pub(super) fn ask_again(&mut self, at: Timestamp, job: JobId) {
        self.watch.put(at, job);
    }
}
