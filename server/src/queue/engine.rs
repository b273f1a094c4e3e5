//! A queue over any store of tables: each call as one transaction, and what is kept in memory beside it.

mod listing;
mod loading;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use longhaul_durable::Scan;
use longhaul_protocol::{Durability, JobFault, JobId, JobStatus};
use tokio::task::JoinSet;
use uuid::Uuid;

use self::listing::{CURSOR_BYTES, listed};
use super::{
    Artifact, Claim, ClaimKey, Counts, Enqueued, Glance, JobRecord, JobState, Ledger, Limits,
    NewJob, Orders, Owner, Page, Progress, Queue, QueueError, Swept, UploadState,
    job::Event,
    mirror::Mirror,
    tables::{JOBS, Rows, SHARED, Store, Worth, owner_prefix, place, status_byte},
    wake::Wake,
    work::{Work, decoded},
};

/// The longest page of a listing.
const LONGEST_PAGE: usize = 1000;
/// A queue over a store; [`super::MemoryQueue`] and [`super::SledQueue`] are this.
#[derive(Debug)]
pub struct Engine<S> {
    pub(super) store: Arc<S>,
    limits: Limits,
    mirror: Arc<Mutex<Mirror>>,
    wake: Arc<Wake>,
    /// The first `now` of this process.
    since: OnceLock<Timestamp>,
    /// Reads a long line beside the first requests.
    loading: Mutex<JoinSet<()>>,
}

impl<S: Store> Engine<S> {
    pub(super) fn over(store: S, limits: Limits) -> Self {
        Self {
            store: Arc::new(store),
            limits,
            mirror: Arc::new(Mutex::new(Mirror::of_nothing())),
            wake: Arc::default(),
            since: OnceLock::new(),
            loading: Mutex::default(),
        }
    }

    async fn work<R: Send + 'static>(
        &self,
        worth: Worth,
        limits: Limits,
        now: Timestamp,
        work: impl FnOnce(&mut Work<'_>) -> Result<R, QueueError> + Send + 'static,
    ) -> Result<R, QueueError> {
        self.since.get_or_init(|| now);
        self.mirror().saw(now);
        self.refresh().await?;
        let (mirror, wake) = (self.mirror.clone(), self.wake.clone());
        let jitter = rand::random();
        let outcome = self
            .store
            .change(
                worth,
                move |tables| {
                    let mut open = Work::begin(tables, limits, jitter, now)?;
                    let value = work(&mut open)?;
                    Ok((value, open.end()?))
                },
                move |(value, effects)| {
                    lock(&mirror).follow(effects, &wake);
                    value
                },
            )
            .await;
        if matches!(outcome, Err(QueueError::Store(_))) {
            self.mirror().stale = true;
        }
        outcome
    }

    async fn event(
        &self,
        worth: Worth,
        job: JobId,
        event: Event,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError> {
        let happened = self
            .work(worth, self.limits, now, move |work| work.happen(job, event))
            .await;
        match happened {
            // A job that is gone was certainly lost by its worker.
            Err(QueueError::Unknown) => Err(QueueError::LeaseLost),
            other => other,
        }
    }

    async fn read(&self, jobs: Vec<JobId>) -> Result<Vec<JobRecord>, QueueError> {
        let moment = self.mirror().moment();
        let found = self
            .store
            .look(move |rows| {
                let mut found = Vec::new();
                for id in jobs {
                    let value = rows.get(JOBS, id.0.as_bytes())?;
                    found.extend(value.and_then(|value| decoded(&value)));
                }
                Ok(found)
            })
            .await?;
        let mut mirror = self.mirror();
        for job in &found {
            mirror.keep_read(job.clone(), moment);
        }
        Ok(found)
    }

    fn mirror(&self) -> MutexGuard<'_, Mirror> {
        lock(&self.mirror)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl<S: Store> Queue for Engine<S> {
    fn durability(&self) -> Durability {
        self.store.durability()
    }

    async fn enqueue(&self, job: NewJob, now: Timestamp) -> Result<Enqueued, QueueError> {
        self.work(Worth::Durable, self.limits, now, move |work| {
            work.enqueue(job)
        })
        .await
    }

    async fn claim(
        &self,
        worker: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<Claim>, QueueError> {
        {
            let mut mirror = self.mirror();
            mirror.saw(now);
            if !mirror.may_claim(now) {
                return Ok(None);
            }
        }
        let token = Uuid::new_v4();
        let event = Event::Claim {
            worker: worker.to_owned(),
            token,
            lease,
        };
        let claimed = self
            .work(Worth::Durable, self.limits, now, move |work| {
                work.claim(&event)
            })
            .await?;
        Ok(claimed.map(|job| Claim {
            key: ClaimKey {
                job: job.id,
                attempt: job.attempt,
                token,
            },
            job,
        }))
    }

    async fn heartbeat(
        &self,
        claim: ClaimKey,
        progress: Progress,
        upload: Option<UploadState>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Orders, QueueError> {
        // Progress may be lost; an upload that is not written down could never be aborted.
        let worth = if upload.is_some() {
            let known = self
                .mirror()
                .record(claim.job)
                .and_then(|job| job.upload.clone());
            if known == upload {
                Worth::Relaxed
            } else {
                Worth::Durable
            }
        } else {
            Worth::Relaxed
        };
        let event = Event::Heartbeat {
            claim,
            progress,
            upload,
            lease,
        };
        let job = self.event(worth, claim.job, event, now).await?;
        Ok(match job.state {
            JobState::Processing {
                cancel_requested: true,
                ..
            } => Orders::Cancel,
            _ => Orders::Continue,
        })
    }

    async fn complete(
        &self,
        claim: ClaimKey,
        artifact: Artifact,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let event = Event::Complete { claim, artifact };
        self.event(Worth::Durable, claim.job, event, now).await?;
        Ok(())
    }

    async fn fail(
        &self,
        claim: ClaimKey,
        fault: JobFault,
        keep_upload: bool,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError> {
        let event = Event::Fail {
            claim,
            fault,
            keep_upload,
        };
        self.event(Worth::Durable, claim.job, event, now).await
    }

    async fn release(&self, claim: ClaimKey, now: Timestamp) -> Result<(), QueueError> {
        self.event(Worth::Durable, claim.job, Event::Release { claim }, now)
            .await?;
        Ok(())
    }

    async fn cancel(
        &self,
        owner: &Owner,
        job: JobId,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError> {
        let owner = owner.clone();
        self.work(Worth::Durable, self.limits, now, move |work| {
            work.happen_to(&owner, job, Event::Cancel)
        })
        .await
    }

    async fn retry(
        &self,
        owner: &Owner,
        job: JobId,
        now: Timestamp,
    ) -> Result<JobRecord, QueueError> {
        let owner = owner.clone();
        self.work(Worth::Durable, self.limits, now, move |work| {
            work.happen_to(&owner, job, Event::Retry)
        })
        .await
    }

    async fn peek(&self, job: JobId) -> Result<Option<JobRecord>, QueueError> {
        if let Some(known) = self.mirror().record(job) {
            return Ok(Some(JobRecord::clone(known)));
        }
        Ok(self.read(vec![job]).await?.into_iter().next())
    }

    async fn is_shared(&self, artifact: &str) -> Result<bool, QueueError> {
        let sharers = Scan::prefix(artifact.as_bytes()).limit(1);
        self.store
            .look(move |rows| Ok(!rows.scan(SHARED, &sharers)?.is_empty()))
            .await
    }

    async fn reclaim(&self, now: Timestamp) -> Result<Vec<JobId>, QueueError> {
        self.work(Worth::Durable, self.limits, now, |work: &mut Work<'_>| {
            Work::reclaim(work)
        })
        .await
    }

    async fn get(
        &self,
        owner: &Owner,
        jobs: &[JobId],
        polled: bool,
        now: Timestamp,
    ) -> Result<Vec<Option<JobRecord>>, QueueError> {
        self.since.get_or_init(|| now);
        let absent: Vec<_> = {
            let mirror = self.mirror();
            let absent = |id: &&JobId| mirror.record(**id).is_none();
            jobs.iter().filter(absent).copied().collect()
        };
        let read = if absent.is_empty() {
            Vec::new()
        } else {
            self.read(absent).await?
        };
        let mut mirror = self.mirror();
        mirror.saw(now);
        let mut answers = Vec::with_capacity(jobs.len());
        for id in jobs {
            let known = mirror.record(*id).cloned();
            let job = known
                .as_deref()
                .or_else(|| read.iter().find(|job| job.id == *id))
                .filter(|job| job.owner == *owner);
            answers.push(job.map(|job| {
                if polled {
                    mirror.poll(job, now);
                }
                mirror.seen(job)
            }));
        }
        Ok(answers)
    }

    fn glance(&self, owner: &Owner, job: JobId, now: Timestamp) -> Option<Glance> {
        self.since.get_or_init(|| now);
        let mut mirror = self.mirror();
        let job = mirror.glance(owner, job, now)?;
        mirror.saw(now);
        let position = place(&job).and_then(|place| mirror.rank(place));
        Some(Glance { job, position })
    }

    async fn list(
        &self,
        owner: &Owner,
        status: Option<JobStatus>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, QueueError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let prefix = owner_prefix(owner);
        let wanted = status.map(status_byte);
        let mut scan = Scan::prefix(&prefix);
        if let Some(cursor) = cursor {
            let mut end = [0; CURSOR_BYTES];
            hex::decode_to_slice(cursor, &mut end)
                .map_err(|_| QueueError::Conflict("the cursor is not from this listing"))?;
            scan = scan.after(&[prefix, end.to_vec()].concat());
        }
        let (mut jobs, next) = self
            .store
            .look(move |rows: &dyn Rows| {
                let (keys, next) = listed(rows, scan, wanted, limit)?;
                let mut jobs = Vec::with_capacity(keys.len());
                for key in keys {
                    if let Some(id) = super::tables::id_of(&key)
                        && let Some(value) = rows.get(JOBS, id.0.as_bytes())?
                    {
                        jobs.extend(decoded(&value));
                    }
                }
                Ok((jobs, next))
            })
            .await?;
        let mirror = self.mirror();
        for job in &mut jobs {
            job.polled_at = mirror.polled_at(job);
        }
        Ok(Page { jobs, next })
    }

    async fn position(&self, job: JobId) -> Result<Option<u64>, QueueError> {
        let known = self.mirror().record(job).and_then(|job| place(job));
        let place = match known {
            Some(place) => Some(place),
            None if self.mirror().record(job).is_some() => None,
            None => self.read(vec![job]).await?.first().and_then(place),
        };
        Ok(place.and_then(|place| self.mirror().rank(place)))
    }

    async fn sweep(
        &self,
        limits: &Limits,
        batch: usize,
        now: Timestamp,
    ) -> Result<Swept, QueueError> {
        let since = *self.since.get_or_init(|| now);
        let unasked = (self.mirror()).unasked(limits.abandon, since, now, batch);
        let (mirror, jobs) = (self.mirror.clone(), unasked.clone());
        let swept = self
            .work(Worth::Durable, *limits, now, move |work| {
                work.sweep(batch, &jobs, |job| lock(&mirror).polled_at(job).max(since))
            })
            .await;
        let (swept, again) = match swept {
            Ok((swept, asked)) => (Ok(swept), asked),
            Err(error) => (Err(error), unasked),
        };
        let mut mirror = self.mirror();
        for (at, job) in again {
            mirror.ask_again(at, job);
        }
        swept
    }

    async fn counts(&self) -> Result<Counts, QueueError> {
        Ok(self.mirror().tally().counts())
    }

    async fn ledger(&self, now: Timestamp) -> Result<Ledger, QueueError> {
        Ok(self.mirror().ledger(now))
    }

    async fn set_paused(&self, paused: bool, now: Timestamp) -> Result<(), QueueError> {
        self.work(Worth::Durable, self.limits, now, move |work| {
            work.set_paused(paused);
            Ok(())
        })
        .await
    }

    async fn claimable(&self) {
        loop {
            let arrived = self.wake.work();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let wait = self.mirror().until_claimable();
            match wait {
                Some(Duration::ZERO) => return,
                Some(wait) => tokio::select! {
                    () = arrived => {}
                    () = tokio::time::sleep(wait) => return,
                },
                None => arrived.await,
            }
        }
    }

    async fn changed(&self, job: JobId, seen: u64) {
        loop {
            let rung = self.wake.job(job);
            tokio::pin!(rung);
            rung.as_mut().enable();
            let known = self.mirror().record(job).map(|job| job.revision);
            let revision = match known {
                Some(revision) => Some(revision),
                None => match self.read(vec![job]).await {
                    Ok(found) => found.first().map(|job| job.revision),
                    // The caller asks for the job next, and learns why.
                    Err(_) => return,
                },
            };
            if revision != Some(seen) {
                return;
            }
            rung.await;
        }
    }
}
