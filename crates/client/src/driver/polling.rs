//! The jobs that the server works on, asked after at the pace that it bears.

use std::time::Duration;

use longhaul_protocol::{DownloadId, ProblemCode};
use longhaul_protocol::{FaultCode, JobFault, JobId, JobStatus, JobView};
use tokio::time::Instant;

use super::{Done, Driver, Errand, ways::Way};
use crate::{
    api::ApiError,
    download::{Event, State},
    meter::Meter,
    poll::{self, Polled},
    servers::ServerId,
    view::{DownloadFault, Fix, MadeView},
};

/// So often a job is begun anew without the user's doing, since the last click.
pub(super) const MAX_RENEWALS: u32 = 3;
/// A new job is asked after so soon: small files are made at once.
const SOON: Duration = Duration::from_millis(20);

impl Driver {
    pub(super) fn poll_due(&mut self, now: Instant) {
        for server in self.ways.ids() {
            self.poll_server_due(server, now);
        }
    }

    fn poll_server_due(&mut self, server: ServerId, now: Instant) {
        let Some(way) = self.ways.get(server) else {
            return;
        };
        if let Some((poll, held)) = &way.poll {
            // A held answer is about one job alone; with another to watch, all are asked after.
            if *held && self.rows.preparing(server) != 1 {
                poll.abort();
            }
            return;
        }
        if self.next_poll_of(server, way).is_none_or(|due| due > now) {
            return;
        }
        let ids = self.rows.jobs_to_poll(server);
        let held = ids.len() == 1;
        let api = way.api.get();
        let handle = self.spawn(Errand::Poll(server), async move {
            Done::Polled {
                server,
                began: now,
                outcome: poll::ask(&api, &ids).await,
            }
        });
        if let Some(way) = self.ways.get_mut(server) {
            way.poll = Some((handle, held));
        }
    }

    /// When the next poll is due; none while one runs or there is nothing to ask after.
    pub(super) fn next_poll(&self) -> Option<Instant> {
        let ids = self.ways.ids().into_iter();
        ids.filter_map(|id| self.next_poll_of(id, self.ways.get(id)?))
            .min()
    }

    fn next_poll_of(&self, server: ServerId, way: &Way) -> Option<Instant> {
        if way.poll.is_some() || !way.is_open() {
            return None;
        }
        let watching = self.rows.preparing(server) > 0;
        // With nothing to watch or to ask for, one question finds out whether the server is there.
        let unsure = (!way.pace.has_met() || !way.pace.is_well())
            && self.rows.to_ask(server).next().is_none();
        (watching || (unsure && way.asking.is_empty())).then(|| way.pace.due())
    }

    /// A job was just accepted: it is looked at soon, unless the server asked for peace.
    pub(super) fn hurry_poll(&mut self, server: ServerId, now: Instant) {
        if let Some(way) = self.ways.get_mut(server) {
            way.pace.hurry(now + SOON);
        }
    }

    pub(super) fn polled(
        &mut self,
        server: ServerId,
        began: Instant,
        outcome: Result<Polled, ApiError>,
    ) {
        let Some(way) = self.ways.get_mut(server) else {
            return;
        };
        way.poll = None;
        let now = Instant::now();
        let polled = match outcome {
            Ok(polled) => polled,
            Err(error) => {
                tracing::debug!(%error, "a poll failed");
                way.pace.failed(now, began, &error, &mut self.random);
                return;
            }
        };
        way.pace.answered(now, polled.waited, polled.retry_after);
        for job in polled.jobs {
            if let Some(id) = self.watched(job.job_id) {
                self.seen_job(id, job, now);
            }
        }
        for job in polled.missing {
            if let Some(id) = self.watched(job) {
                self.renew(id, true, || {
                    fault(
                        ProblemCode::UnknownJob.as_str(),
                        "The server forgets this download again and again. Nothing was lost here; try again later.",
                        Fix::Retry,
                    )
                });
            }
        }
    }

    /// The row that still waits for a job: it may have been paused or given up meanwhile.
    fn watched(&self, job: JobId) -> Option<DownloadId> {
        let id = self.rows.row_of(job)?;
        matches!(self.rows.state(id), Some(State::Preparing)).then_some(id)
    }

    fn seen_job(&mut self, id: DownloadId, mut job: JobView, now: Instant) {
        let Some(row) = self.rows.get_mut(id) else {
            return;
        };
        let made = made_of(&job);
        let meter = row
            .meter
            .get_or_insert_with(|| Meter::new(now, job.bytes_done));
        meter.sample(now, job.bytes_done);
        let name = Some(job.file_name).filter(|name| !name.is_empty());
        let record = &mut row.record;
        let size = job.bytes_total.or(record.size);
        let started = job.status != JobStatus::Pending
            && !record
                .moments
                .iter()
                .any(|moment| moment.kind == crate::view::MomentKind::Started);
        let news = record.made.as_ref() != Some(&made)
            || record.size != size
            || (name.is_some() && record.name != name);
        if name.is_some() {
            record.name = name;
        }
        record.size = size;
        record.made = Some(made);
        let wanted = record.wanted_sha256;
        if news {
            self.touch(id);
        }
        if started && job.status != JobStatus::Failed {
            self.step(id, Event::Started);
        }
        match (job.status, job.result.take(), job.error.take()) {
            (JobStatus::Completed, Some(result), _) => {
                if let Some(wanted) = wanted.filter(|sha| *sha != result.sha256) {
                    self.wrong_digest(id, wanted, result.sha256);
                } else {
                    self.step(id, Event::Stored { size: result.size });
                }
            }
            (JobStatus::Failed, _, error) => self.job_failed(id, error),
            _ => {}
        }
    }

    /// The server's job failed. What only ran out of time is run again; the rest is told.
    pub(super) fn job_failed(&mut self, id: DownloadId, error: Option<JobFault>) {
        let error = error.unwrap_or_else(|| JobFault {
            code: FaultCode::Unknown,
            message: "The server could not make the file, and does not say why.".to_owned(),
            retryable: true,
        });
        let again = match error.code {
            FaultCode::Abandoned | FaultCode::ArtifactExpired => true,
            // The cancellation of an earlier click that this one has taken back.
            FaultCode::Cancelled => self.take_expected_cancel(id),
            _ => false,
        };
        let told = || {
            fault(
                &code_text(error.code),
                &error.message,
                if error.retryable {
                    Fix::Retry
                } else {
                    Fix::None
                },
            )
        };
        if again {
            self.renew(id, false, told);
        } else {
            let fault = self.with_kept(id, told());
            self.step(
                id,
                Event::Failed {
                    fault,
                    job_failed: true,
                },
            );
        }
    }

    /// Has the server asked again, or fails with `otherwise` once that has been done too often.
    pub(super) fn renew(
        &mut self,
        id: DownloadId,
        forgotten: bool,
        otherwise: impl FnOnce() -> DownloadFault,
    ) {
        let Some(row) = self.rows.get(id) else { return };
        if row.record.renewals < MAX_RENEWALS {
            tracing::info!(download = %id, forgotten, "asking the server anew");
            self.step(id, Event::Renew { forgotten });
            return;
        }
        let fault = self.with_kept(id, otherwise());
        self.step(
            id,
            Event::Failed {
                fault,
                job_failed: true,
            },
        );
    }

    fn take_expected_cancel(&mut self, id: DownloadId) -> bool {
        self.rows
            .get_mut(id)
            .is_some_and(|row| std::mem::take(&mut row.record.expects_cancelled))
    }

    pub(super) fn with_kept(&self, id: DownloadId, mut fault: DownloadFault) -> DownloadFault {
        fault.kept = self.kept(id);
        fault
    }

    pub(super) fn wrong_digest(
        &mut self,
        id: DownloadId,
        wanted: longhaul_protocol::Sha256,
        offered: longhaul_protocol::Sha256,
    ) {
        let fault = fault(
            "digest_mismatch",
            &format!(
                "The server's file is not the one asked for: its sha256 is {offered}, not {wanted}. Nothing was put under its name."
            ),
            Fix::None,
        );
        let fault = self.with_kept(id, fault);
        self.step(
            id,
            Event::Failed {
                fault,
                job_failed: false,
            },
        );
    }
}

fn fault(code: &str, message: &str, fix: Fix) -> DownloadFault {
    DownloadFault {
        code: code.to_owned(),
        message: message.to_owned(),
        kept: 0,
        fix,
    }
}

/// A fault code as the server wrote it.
fn code_text(code: FaultCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text,
        _ => "unknown".to_owned(),
    }
}

fn made_of(job: &JobView) -> MadeView {
    MadeView {
        percent: job.progress.min(100),
        stage: job.stage,
        done: job.bytes_done,
        total: job.bytes_total,
        queue_position: job.queue_position,
        attempt: job.attempt,
        max_attempts: job.max_attempts,
    }
}
