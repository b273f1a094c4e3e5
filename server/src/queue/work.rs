//! What a call does to the tables, as one transaction: written once for all back ends.

mod sweep;

use std::time::Duration;

use jiff::Timestamp;
use longhaul_durable::{Scan, Table};
use longhaul_protocol::JobId;

use super::{
    Enqueued, JobRecord, Limits, NewJob, QueueError,
    job::{Change, Event, apply, later},
    ledger::Tally,
    tables::{
        DELAYED, FORMER, INDEXES, JOBS, KEY_AGES, KEYS, KeyRow, LAYOUT, ORPHANS, QUARANTINE, READY,
        TALLY, Tables, id_of, idempotency_row, rows, time_key,
    },
};

/// An idempotency key is remembered for so long.
const KEY_TTL: Duration = Duration::from_secs(24 * 3600);
/// Retries made ready by one claim.
const DUE_AT_ONCE: usize = 64;
/// Rows read at once.
const PAGE: usize = 512;

/// A record before and after; none where it was not or is no more.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) old: Option<JobRecord>,
    pub(super) new: Option<JobRecord>,
}

/// What a transaction changed, for what is kept in memory.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Whether the indexes were made anew.
    pub(super) anew: bool,
    pub(super) changed: Vec<Changed>,
    pub(super) tally: Option<Tally>,
}

/// What became of a record.
enum Loaded {
    Job(Box<JobRecord>),
    Missing,
    Undecodable,
}

pub(super) struct Work<'t> {
    tables: &'t mut dyn Tables,
    tally: Tally,
    effects: Effects,
    limits: Limits,
    jitter: f64,
    now: Timestamp,
}

impl<'t> Work<'t> {
    pub(super) fn begin(
        tables: &'t mut dyn Tables,
        limits: Limits,
        jitter: f64,
        now: Timestamp,
    ) -> Result<Self, QueueError> {
        let tally = tables.get(TALLY, b"")?;
        Ok(Self {
            tally: tally
                .and_then(|tally| serde_json::from_slice(&tally).ok())
                .unwrap_or_default(),
            tables,
            effects: Effects::default(),
            limits,
            jitter,
            now: later(now, Duration::ZERO),
        })
    }

    pub(super) fn end(mut self) -> Result<Effects, QueueError> {
        if self.effects.tally.is_some() {
            self.tables.put(TALLY, b"", encoded(&self.tally)?);
            self.effects.tally = Some(self.tally);
        }
        Ok(self.effects)
    }

    pub(super) fn enqueue(&mut self, job: NewJob) -> Result<Enqueued, QueueError> {
        let key = job.idempotency.clone();
        let row = key.as_ref().map(|key| idempotency_row(&job.owner, key.key));
        if let (Some(key), Some(row)) = (&key, &row)
            && let Some(known) = self.key_row(row)?
        {
            if later(known.at, KEY_TTL) > self.now {
                if known.fingerprint != key.fingerprint {
                    return Err(QueueError::KeyReused);
                }
                // A job that was forgotten meanwhile is made anew.
                if let Loaded::Job(job) = self.load(known.job)? {
                    return Ok(Enqueued::Same(*job));
                }
            }
            self.tables.delete(KEY_AGES, &time_key(known.at, row));
        }
        if self.tally.pending >= self.limits.max_pending {
            return Err(QueueError::Full);
        }
        if self.tables.get(JOBS, job.id.0.as_bytes())?.is_some() {
            return Err(QueueError::Conflict("there is a job of this id already"));
        }
        if let (Some(key), Some(row)) = (key, row) {
            let value = KeyRow {
                fingerprint: key.fingerprint,
                job: job.id,
                at: self.now,
            };
            self.tables.put(KEYS, &row, encoded(&value)?);
            self.tables.put(KEY_AGES, &time_key(self.now, &row), row);
        }
        self.tally.accepted += 1;
        let record = JobRecord::new(job, self.tally.accepted, self.now);
        self.save(None, record.clone())?;
        Ok(Enqueued::Fresh(record))
    }

    /// Applies an event to one job, and gives it as it is then.
    pub(super) fn happen(&mut self, job: JobId, event: Event) -> Result<JobRecord, QueueError> {
        match self.load(job)? {
            Loaded::Job(job) => self.apply(*job, event),
            Loaded::Missing | Loaded::Undecodable => Err(QueueError::Unknown),
        }
    }

    /// [`Work::happen`] where the job is this owner's.
    pub(super) fn happen_to(
        &mut self,
        owner: &super::Owner,
        job: JobId,
        event: Event,
    ) -> Result<JobRecord, QueueError> {
        match self.load(job)? {
            Loaded::Job(job) if job.owner == *owner => self.apply(*job, event),
            _ => Err(QueueError::Unknown),
        }
    }

    /// Claims the first job of the line.
    pub(super) fn claim(&mut self, event: &Event) -> Result<Option<JobRecord>, QueueError> {
        if self.tally.paused {
            return Ok(None);
        }
        let due = Scan::all().before(&time_key(later(self.now, Duration::from_micros(1)), &[]));
        for (key, _) in self.tables.scan(DELAYED, &due.limit(DUE_AT_ONCE))? {
            if let Some(job) = self.indexed(DELAYED, &key)? {
                self.apply(job, Event::Due)?;
            }
        }
        while let Some((key, _)) = self.tables.scan(READY, &Scan::all().limit(1))?.pop() {
            if let Some(job) = self.indexed(READY, &key)? {
                return self.apply(job, event.clone()).map(Some);
            }
        }
        Ok(None)
    }

    /// Pauses claims, or lets them go on.
    pub(super) fn set_paused(&mut self, paused: bool) {
        if self.tally.paused != paused {
            self.tally.paused = paused;
            self.effects.tally = Some(self.tally);
        }
    }

    /// Makes tables of an older layout anew, or all where they are not to be trusted.
    pub(super) fn check_layout(&mut self, trusted: bool) -> Result<(), QueueError> {
        if trusted && self.tally.layout == LAYOUT {
            self.effects.tally = Some(self.tally);
            return Ok(());
        }
        self.read_anew()
    }

    /// Reads every record, sets aside what cannot be read, and makes counts and indexes anew.
    pub(super) fn read_anew(&mut self) -> Result<(), QueueError> {
        for table in INDEXES.into_iter().chain(FORMER) {
            self.each(table, |work, key, _| work.tables.delete(table, key))?;
        }
        let mut tally = self.tally.emptied();
        tally.layout = LAYOUT;
        self.each(JOBS, |work, key, value| {
            let Some(job) = decoded(value) else {
                tracing::error!(
                    bytes = value.len(),
                    "a job that cannot be read was set aside"
                );
                work.tables.delete(JOBS, key);
                work.tables.put(QUARANTINE, key, value.to_vec());
                tally.quarantined += 1;
                return;
            };
            tally.add(&job);
            tally.accepted = tally.accepted.max(job.sequence);
            for (table, key, value) in rows(&job) {
                work.tables.put(table, &key, value);
            }
        })?;
        tally.begin();
        self.tally = tally;
        self.effects.tally = Some(tally);
        self.effects.changed.clear();
        self.effects.anew = true;
        Ok(())
    }

    /// Looks at each row of a table, a page at a time.
    fn each(
        &mut self,
        table: Table,
        mut look: impl FnMut(&mut Self, &[u8], &[u8]),
    ) -> Result<(), QueueError> {
        let mut scan = Scan::all().limit(PAGE);
        loop {
            let page = self.tables.scan(table, &scan)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            scan = scan.after(last);
            for (key, value) in &page {
                look(self, key, value);
            }
        }
    }

    fn apply(&mut self, job: JobRecord, event: Event) -> Result<JobRecord, QueueError> {
        let Change { record, orphan } = apply(&job, event, &self.limits, self.jitter, self.now)?;
        if let Some(orphan) = orphan {
            let key = orphan.upload_id.clone().into_bytes();
            self.tables.put(ORPHANS, &key, encoded(&orphan)?);
        }
        if record != job {
            self.save(Some(job), record.clone())?;
        }
        Ok(record)
    }

    /// Writes a record with all its rows.
    fn save(&mut self, old: Option<JobRecord>, new: JobRecord) -> Result<(), QueueError> {
        let before = old.as_ref().map(rows).unwrap_or_default();
        let after = rows(&new);
        for (table, key, _) in &before {
            if !after.iter().any(|(t, k, _)| (t, k) == (table, key)) {
                self.tables.delete(*table, key);
            }
        }
        for row in after {
            if !before.contains(&row) {
                let (table, key, value) = row;
                self.tables.put(table, &key, value);
            }
        }
        self.tables.put(JOBS, new.id.0.as_bytes(), encoded(&new)?);
        if let Some(old) = &old {
            self.tally.remove(old);
        }
        self.tally.add(&new);
        if old.as_ref().map(JobRecord::status) != Some(new.status()) {
            self.effects.tally = Some(self.tally);
        }
        self.effects.changed.push(Changed {
            old,
            new: Some(new),
        });
        Ok(())
    }

    fn forget(&mut self, job: JobRecord) {
        for (table, key, _) in rows(&job) {
            self.tables.delete(table, &key);
        }
        self.tables.delete(JOBS, job.id.0.as_bytes());
        self.tally.forget(&job);
        self.effects.tally = Some(self.tally);
        self.effects.changed.push(Changed {
            old: Some(job),
            new: None,
        });
    }

    fn load(&self, job: JobId) -> Result<Loaded, QueueError> {
        Ok(match self.tables.get(JOBS, job.0.as_bytes())? {
            None => Loaded::Missing,
            Some(value) => match decoded(&value) {
                Some(job) => Loaded::Job(Box::new(job)),
                None => Loaded::Undecodable,
            },
        })
    }

    /// The job that an index row names. A row that names none is removed, and a record that cannot
    /// be decoded is set aside: neither may stop those behind it.
    fn indexed(&mut self, table: Table, key: &[u8]) -> Result<Option<JobRecord>, QueueError> {
        let loaded = match id_of(key) {
            Some(id) => self.load(id)?,
            None => Loaded::Missing,
        };
        match loaded {
            Loaded::Job(job) if rows(&job).iter().any(|(t, k, _)| *t == table && k == key) => {
                Ok(Some(*job))
            }
            Loaded::Undecodable => {
                self.read_anew()?;
                Ok(None)
            }
            Loaded::Job(_) | Loaded::Missing => {
                self.tables.delete(table, key);
                Ok(None)
            }
        }
    }

    fn key_row(&self, row: &[u8]) -> Result<Option<KeyRow>, QueueError> {
        let value = self.tables.get(KEYS, row)?;
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
    }
}

/// A record of a shape that this build knows; none otherwise.
pub(super) fn decoded(value: &[u8]) -> Option<JobRecord> {
    serde_json::from_slice::<JobRecord>(value)
        .ok()
        .filter(|job| job.schema == super::job::SCHEMA)
}

fn encoded(value: &impl serde::Serialize) -> Result<Vec<u8>, QueueError> {
    serde_json::to_vec(value).map_err(|error| QueueError::Store(error.to_string()))
}
