//! What outlived its time: leases, hangs, jobs nobody asks for, artifacts, records, keys.

use std::time::Duration;

use jiff::Timestamp;
use longhaul_durable::{Entry, Scan, Table};
use longhaul_protocol::JobId;

use super::{KEY_TTL, Loaded, Work};
use crate::queue::{
    Artifact, ClaimKey, JobRecord, JobState, QueueError, Swept, UploadState,
    job::{Event, later},
    tables::{ARTIFACTS, ENDED, KEY_AGES, KEYS, ORPHANS, PROCESSING, SHARED, id_of, time_key},
};

impl Work<'_> {
    /// Ends what outlived its time. `unasked` are jobs that nobody seems to ask for, and `polled`
    /// gives when a job was last asked for, as far as is known. Besides, gives those that are asked
    /// for after all, with when.
    pub(in crate::queue) fn sweep(
        &mut self,
        batch: usize,
        unasked: &[(Timestamp, JobId)],
        polled: impl Fn(&JobRecord) -> Timestamp,
    ) -> Result<(Swept, Vec<(Timestamp, JobId)>), QueueError> {
        let mut swept = Swept::default();
        self.sweep_claimed(batch, &mut swept)?;
        let asked = self.sweep_abandoned(unasked, polled, &mut swept)?;
        let short = self.limits.job_ttl < self.limits.artifact_ttl;
        let kept = self.limits.artifact_ttl.min(self.limits.job_ttl);
        for (key, _) in self.before(ARTIFACTS, kept, batch)? {
            let Some(job) = self.indexed(ARTIFACTS, &key)? else {
                continue;
            };
            let JobState::Completed { artifact, at } = &job.state else {
                continue;
            };
            // A record kept shorter than its artifact: both go.
            if short && later(*at, self.limits.job_ttl) > self.now {
                continue;
            }
            if !self.is_shared(artifact, job.id)? {
                swept.expired.push((job.id, artifact.clone()));
            }
            if short {
                swept.forgotten.push(job.id);
                self.forget(job);
            } else {
                self.apply(job, Event::ArtifactExpired)?;
            }
        }
        let left = batch - swept.forgotten.len();
        for (key, _) in self.before(ENDED, self.limits.job_ttl, left)? {
            if let Some(job) = self.indexed(ENDED, &key)? {
                swept.forgotten.push(job.id);
                self.forget(job);
            }
        }
        for (key, row) in self.before(KEY_AGES, KEY_TTL, batch)? {
            self.tables.delete(KEY_AGES, &key);
            // Used again since, the row tells of the later use.
            if let Some(known) = self.key_row(&row)?
                && time_key(known.at, &row) == key
            {
                self.tables.delete(KEYS, &row);
            }
        }
        for (key, upload) in self.tables.scan(ORPHANS, &Scan::all().limit(batch))? {
            self.tables.delete(ORPHANS, &key);
            swept
                .orphaned_uploads
                .extend(serde_json::from_slice::<UploadState>(&upload));
        }
        Ok((swept, asked))
    }

    /// Whether another completed job offers the same artifact.
    fn is_shared(&self, artifact: &Artifact, by: JobId) -> Result<bool, QueueError> {
        let offers = |id: JobId| -> Result<bool, QueueError> {
            Ok(match self.load(id)? {
                Loaded::Job(job) if id != by => match &job.state {
                    JobState::Completed { artifact: its, .. } => its.key == artifact.key,
                    _ => false,
                },
                _ => false,
            })
        };
        if let Some(maker) = crate::artifact::job_of(&artifact.key)
            && offers(maker)?
        {
            return Ok(true);
        }
        let sharers = Scan::prefix(artifact.key.as_bytes());
        for (key, _) in self.tables.scan(SHARED, &sharers)? {
            if let Some(sharer) = id_of(&key)
                && offers(sharer)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn sweep_claimed(&mut self, batch: usize, swept: &mut Swept) -> Result<(), QueueError> {
        // As many as there are workers: read whole.
        for (key, _) in self.tables.scan(PROCESSING, &Scan::all())? {
            let Some(job) = self.indexed(PROCESSING, &key)? else {
                continue;
            };
            let id = job.id;
            let JobState::Processing {
                lease,
                progressed_at,
                ..
            } = &job.state
            else {
                continue;
            };
            if lease.until <= self.now && swept.lost_leases.len() < batch {
                self.apply(job, Event::LeaseExpired)?;
                swept.lost_leases.push(id);
            } else if later(*progressed_at, self.limits.hang) <= self.now
                && swept.hung.len() < batch
            {
                self.apply(job, Event::Hung)?;
                swept.hung.push(id);
            }
        }
        Ok(())
    }

    /// Gives every lease back, whoever holds it.
    pub(in crate::queue) fn reclaim(&mut self) -> Result<Vec<JobId>, QueueError> {
        let mut reclaimed = Vec::new();
        for (key, _) in self.tables.scan(PROCESSING, &Scan::all())? {
            let Some(job) = self.indexed(PROCESSING, &key)? else {
                continue;
            };
            let JobState::Processing { lease, .. } = &job.state else {
                continue;
            };
            let claim = ClaimKey {
                job: job.id,
                attempt: job.attempt,
                token: lease.token,
            };
            reclaimed.push(job.id);
            self.apply(job, Event::Release { claim })?;
        }
        Ok(reclaimed)
    }

    fn sweep_abandoned(
        &mut self,
        unasked: &[(Timestamp, JobId)],
        polled: impl Fn(&JobRecord) -> Timestamp,
        swept: &mut Swept,
    ) -> Result<Vec<(Timestamp, JobId)>, QueueError> {
        let mut asked = Vec::new();
        for (_, id) in unasked {
            // What has ended, or cannot be read, waits for nobody.
            let Loaded::Job(job) = self.load(*id)? else {
                continue;
            };
            if job.status().is_final() {
                continue;
            }
            let at = polled(&job);
            if later(at, self.limits.abandon) <= self.now {
                self.apply(*job, Event::Abandoned)?;
                swept.abandoned.push(*id);
            } else {
                asked.push((at, *id));
            }
        }
        Ok(asked)
    }

    /// Rows of a table by time that are older than this.
    fn before(&self, table: Table, age: Duration, batch: usize) -> Result<Vec<Entry>, QueueError> {
        let Ok(until) = self.now.saturating_sub(age) else {
            return Ok(Vec::new());
        };
        let end = time_key(later(until, Duration::from_micros(1)), &[]);
        self.tables
            .scan(table, &Scan::all().before(&end).limit(batch))
    }
}
