//! What may happen to a job, and what becomes of it: one function from the old record to the new.

use std::time::Duration;

use jiff::Timestamp;
use longhaul_protocol::{FaultCode, JobFault, Stage};
use uuid::Uuid;

use super::{Artifact, JobRecord, JobState, LeaseState, Progress, UploadState};
use crate::queue::{ClaimKey, Limits, QueueError};

/// The longest wait before a retry.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// Something that happens to a job.
#[derive(Debug, Clone)]
pub(in crate::queue) enum Event {
    /// A worker takes it.
    Claim {
        worker: String,
        token: Uuid,
        lease: Duration,
    },
    /// Its worker goes on.
    Heartbeat {
        claim: ClaimKey,
        progress: Progress,
        upload: Option<UploadState>,
        lease: Duration,
    },
    /// Its worker has stored the artifact.
    Complete { claim: ClaimKey, artifact: Artifact },
    /// Its worker gives the attempt up.
    Fail {
        claim: ClaimKey,
        fault: JobFault,
        keep_upload: bool,
    },
    /// Its worker gives the lease back.
    Release { claim: ClaimKey },
    /// Somebody wants it no more.
    Cancel,
    /// Somebody wants it again.
    Retry,
    /// Its lease ran out.
    LeaseExpired,
    /// It made no progress for the hang timeout.
    Hung,
    /// Nobody asked for it for so long.
    Abandoned,
    /// Its artifact's time is over.
    ArtifactExpired,
    /// Its wait before a retry is over.
    Due,
}

/// What becomes of a job.
#[derive(Debug, Clone)]
pub(in crate::queue) struct Change {
    /// The job from now on.
    pub(in crate::queue) record: JobRecord,
    /// An upload that nothing will take up again.
    pub(in crate::queue) orphan: Option<UploadState>,
}

/// Gives the job as the event leaves it, or why it cannot happen to it now. `jitter`, from 0 to 1,
/// is the part of the backoff that a retry waits.
pub(in crate::queue) fn apply(
    job: &JobRecord,
    event: Event,
    limits: &Limits,
    jitter: f64,
    now: Timestamp,
) -> Result<Change, QueueError> {
    let mut change = Change {
        record: job.clone(),
        orphan: None,
    };
    change.record.updated_at = now;
    change.record.revision = job.revision.saturating_add(1);
    match event {
        Event::Claim {
            worker,
            token,
            lease,
        } => change.claim(worker, token, lease, job.updated_at, now)?,
        Event::Heartbeat {
            claim,
            progress,
            upload,
            lease,
        } => {
            held(job, claim)?;
            change.heartbeat(job, progress, upload, lease, now);
        }
        Event::Complete { claim, artifact } => {
            held(job, claim)?;
            change.record.upload = None;
            change.record.state = JobState::Completed { artifact, at: now };
        }
        Event::Fail {
            claim,
            fault,
            keep_upload,
        } => {
            held(job, claim)?;
            change.attempt_failed(fault, keep_upload, limits, jitter, now);
        }
        Event::Release { claim } => {
            held(job, claim)?;
            change.release(now);
        }
        Event::Cancel => change.cancel(job, now)?,
        Event::Retry => change.retry(now)?,
        Event::LeaseExpired => match &job.state {
            JobState::Processing { lease, .. } if lease.until <= now => {
                let message = "the worker stopped answering";
                change.attempt_failed(
                    fault(FaultCode::WorkerLost, message),
                    true,
                    limits,
                    jitter,
                    now,
                );
            }
            _ => return Err(QueueError::Conflict("the job's lease has not run out")),
        },
        Event::Hung => match &job.state {
            JobState::Processing { progressed_at, .. }
                if later(*progressed_at, limits.hang) <= now =>
            {
                let message = format!("no progress for {} s", limits.hang.as_secs());
                change.attempt_failed(
                    fault(FaultCode::TimedOut, &message),
                    true,
                    limits,
                    jitter,
                    now,
                );
            }
            _ => return Err(QueueError::Conflict("the job does not hang")),
        },
        Event::Abandoned => {
            if job.status().is_final() {
                return Err(QueueError::Conflict("the job has ended"));
            }
            let message = format!(
                "nobody asked for the job's status for {} s",
                limits.abandon.as_secs()
            );
            change.end(fault(FaultCode::Abandoned, &message), now);
        }
        Event::ArtifactExpired => match &job.state {
            JobState::Completed { artifact, at }
                if later(artifact.since(*at), limits.artifact_ttl) <= now =>
            {
                let message = "the file was kept as long as promised and has been deleted";
                change.end(fault(FaultCode::ArtifactExpired, message), now);
            }
            _ => return Err(QueueError::Conflict("the job has no artifact that expired")),
        },
        Event::Due => match &job.state {
            // `updated_at` reaches `not_before`: that is what makes it ready. No client sees it.
            JobState::Pending { not_before, .. } if *not_before <= now => {
                change.record.revision = job.revision;
            }
            _ => return Err(QueueError::Conflict("the job does not wait for this time")),
        },
    }
    Ok(change)
}

/// A moment so much later, at most the last that can be told; in whole microseconds, as indexes sort.
pub(in crate::queue) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let exact = at.saturating_add(by).unwrap_or(Timestamp::MAX);
    Timestamp::from_microsecond(exact.as_microsecond()).unwrap_or(exact)
}

/// The fence: only the job's present claim may write.
fn held(job: &JobRecord, claim: ClaimKey) -> Result<(), QueueError> {
    match &job.state {
        JobState::Processing { lease, .. }
            if lease.token == claim.token
                && job.attempt == claim.attempt
                && job.id == claim.job =>
        {
            Ok(())
        }
        _ => Err(QueueError::LeaseLost),
    }
}

fn fault(code: FaultCode, message: &str) -> JobFault {
    JobFault {
        code,
        message: message.to_owned(),
        retryable: true,
    }
}

fn backoff(base: Duration, attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    base.saturating_mul(1 << doublings)
        .min(LONGEST_BACKOFF)
        .mul_f64(jitter.clamp(0.0, 1.0))
}

impl Change {
    fn claim(
        &mut self,
        worker: String,
        token: Uuid,
        lease: Duration,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        match &self.record.state {
            // Ready once is ready for good, even where the clock was set back since.
            JobState::Pending { not_before, .. } if *not_before <= now.max(before) => {}
            _ => return Err(QueueError::Conflict("the job is not to be claimed now")),
        }
        self.record.attempt += 1;
        self.record.state = JobState::Processing {
            lease: LeaseState {
                token,
                worker,
                until: later(now, lease),
                since: now,
            },
            progress: Progress {
                stage: Stage::Producing,
                bytes_done: 0,
                bytes_total: None,
                percent: 0,
                work: 0,
            },
            progressed_at: now,
            cancel_requested: false,
        };
        Ok(())
    }

    fn heartbeat(
        &mut self,
        job: &JobRecord,
        told: Progress,
        upload: Option<UploadState>,
        lease: Duration,
        now: Timestamp,
    ) {
        if let JobState::Processing {
            lease: hold,
            progress,
            progressed_at,
            ..
        } = &mut self.record.state
        {
            hold.until = hold.until.max(later(now, lease));
            let before = *progress;
            *progress = grown(before, told);
            let seen = Progress {
                work: before.work,
                ..*progress
            };
            let moved = Progress {
                bytes_total: before.bytes_total,
                ..*progress
            };
            if moved != before {
                *progressed_at = now;
            }
            if seen == before {
                self.record.updated_at = job.updated_at;
                self.record.revision = job.revision;
            }
        }
        if upload.is_some() {
            if self.record.upload != upload {
                self.orphan = self.record.upload.take();
            }
            self.record.upload = upload;
        }
    }

    /// Ends the attempt: another one where that can help, is wanted and is left, else the job.
    fn attempt_failed(
        &mut self,
        fault: JobFault,
        keep_upload: bool,
        limits: &Limits,
        jitter: f64,
        now: Timestamp,
    ) {
        let cancelled = self.cancel_requested();
        self.record.note_failure(&fault, now);
        if cancelled {
            self.end(cancelled_fault(), now);
        } else if fault.retryable
            && fault.code != FaultCode::Cancelled
            && self.record.attempt < self.record.max_attempts
        {
            let wait = backoff(limits.retry_base, self.record.attempt, jitter);
            self.record.state = JobState::Pending {
                not_before: later(now, wait),
                last_fault: Some(fault),
            };
            if !keep_upload {
                self.orphan = self.record.upload.take();
            }
        } else {
            self.end(fault, now);
        }
    }

    fn release(&mut self, now: Timestamp) {
        if self.cancel_requested() {
            self.end(cancelled_fault(), now);
            return;
        }
        self.record.attempt -= 1;
        self.record.state = JobState::Pending {
            // The place it had by its age, not the end of the queue.
            not_before: self.record.created_at.min(now),
            last_fault: None,
        };
    }

    fn cancel(&mut self, job: &JobRecord, now: Timestamp) -> Result<(), QueueError> {
        match &mut self.record.state {
            JobState::Pending { .. } => self.end(cancelled_fault(), now),
            JobState::Processing {
                cancel_requested, ..
            } => {
                if *cancel_requested {
                    self.record = job.clone();
                } else {
                    *cancel_requested = true;
                }
            }
            // Asked twice, it is as it was after the first time.
            JobState::Failed { fault, .. } if fault.code == FaultCode::Cancelled => {
                self.record = job.clone();
            }
            JobState::Failed { .. } => {
                return Err(QueueError::Conflict("the job has already failed"));
            }
            JobState::Completed { .. } => {
                return Err(QueueError::Conflict("the job has already completed"));
            }
        }
        Ok(())
    }

    fn retry(&mut self, now: Timestamp) -> Result<(), QueueError> {
        if !matches!(self.record.state, JobState::Failed { .. }) {
            return Err(QueueError::Conflict("only a failed job can be run again"));
        }
        self.record.earlier_attempts = self.record.attempt_ever();
        self.record.attempt = 0;
        self.record.polled_at = now;
        self.record.state = JobState::Pending {
            not_before: now,
            last_fault: None,
        };
        Ok(())
    }

    fn end(&mut self, fault: JobFault, now: Timestamp) {
        self.orphan = self.record.upload.take();
        self.record.state = JobState::Failed { fault, at: now };
    }

    const fn cancel_requested(&self) -> bool {
        matches!(
            self.record.state,
            JobState::Processing {
                cancel_requested: true,
                ..
            }
        )
    }
}

fn cancelled_fault() -> JobFault {
    JobFault {
        code: FaultCode::Cancelled,
        message: "the job was cancelled".to_owned(),
        retryable: true,
    }
}

/// Progress as it is shown: it never falls, whatever is told.
fn grown(before: Progress, told: Progress) -> Progress {
    const fn order(stage: Stage) -> u8 {
        match stage {
            Stage::Queued => 0,
            Stage::Producing => 1,
            Stage::Uploading => 2,
            Stage::Done => 3,
        }
    }
    Progress {
        stage: if order(told.stage) > order(before.stage) {
            told.stage
        } else {
            before.stage
        },
        bytes_done: told.bytes_done.max(before.bytes_done),
        bytes_total: told.bytes_total.or(before.bytes_total),
        percent: told.percent.min(100).max(before.percent),
        work: told.work.max(before.work),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
