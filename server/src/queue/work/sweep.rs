//! What outlived its time: leases, hangs, jobs nobody asks for, artifacts, records, keys.

use std::time::Duration;

use jiff::Timestamp;
use longhaul_durable::{Entry, Scan, Table};
use longhaul_protocol::JobId;

use super::{KEY_TTL, Loaded, Work};
use crate::queue::{
    Artifact, ClaimKey, JobRecord, JobState, QueueError, Swept, UploadState,
    job::{Event, later},
    tables::{
        ARTIFACTS, ENDED, KEY_AGES, KEYS, ORPHANS, POLLED, PROCESSING, SHARED, id_of, time_key,
    },
};

impl Work<'_> {
    /// Ends what outlived its time. `polled` gives when a job was last asked for, as far as is known.
    pub(in crate::queue) fn sweep(
        &mut self,
        batch: usize,
        polled: impl Fn(&JobRecord) -> Timestamp,
    ) -> Result<Swept, QueueError> {
        let mut swept = Swept::default();
        self.sweep_claimed(batch, &mut swept)?;
        if !self.limits.abandon.is_zero() {
            self.sweep_abandoned(batch, polled, &mut swept)?;
        }
        for (key, _) in self.before(ARTIFACTS, self.limits.artifact_ttl, batch)? {
            let Some(job) = self.indexed(ARTIFACTS, &key)? else {
                continue;
            };
            if let JobState::Completed { artifact, .. } = &job.state {
                if !self.is_shared(artifact, job.id)? {
                    swept.expired.push((job.id, artifact.clone()));
                }
                self.apply(job, Event::ArtifactExpired)?;
            }
        }
        for (key, _) in self.before(ENDED, self.limits.job_ttl, batch)? {
            let Some(job) = self.indexed(ENDED, &key)? else {
                continue;
            };
            // Kept shorter than its artifact: both go.
            if let JobState::Completed { artifact, .. } = &job.state {
                if swept.expired.len() >= batch {
                    continue;
                }
                if !self.is_shared(artifact, job.id)? {
                    swept.expired.push((job.id, artifact.clone()));
                }
            }
            swept.forgotten.push(job.id);
            self.forget(job);
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
        Ok(swept)
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
        batch: usize,
        polled: impl Fn(&JobRecord) -> Timestamp,
        swept: &mut Swept,
    ) -> Result<(), QueueError> {
        for (key, _) in self.before(POLLED, self.limits.abandon, batch)? {
            let Some(job) = self.indexed(POLLED, &key)? else {
                continue;
            };
            let id = job.id;
            let at = polled(&job);
            if later(at, self.limits.abandon) <= self.now {
                self.apply(job, Event::Abandoned)?;
                swept.abandoned.push(id);
            } else {
                // Only now is it written down: once for each time that it would be abandoned.
                let mut asked = job.clone();
                asked.polled_at = at;
                self.save(Some(job), asked)?;
            }
        }
        Ok(())
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
