//! Rows for which the server must be asked: a few at a time, and as the server bears it.

use std::time::Duration;

use longhaul_protocol::{DownloadId, JobId};
use tokio::time::Instant;

use super::{Done, Driver, Errand, ways::Way};
use crate::{
    api::{ApiError, locks_out},
    download::{Event, State},
    initiate,
    servers::ServerId,
    view::{DownloadFault, Fix},
};

/// Initiate calls at a time.
const AT_A_TIME: usize = 4;
/// The server makes at most so many files ahead of their being pulled; the rest of a long list
/// waits here, where it costs nothing and cannot expire.
const AHEAD: usize = 1000;
/// So many faults of the server's own over one row, and it is the row.
const FAULTY: u32 = 5;
/// Where the server says "wait" and not how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(2);

impl Driver {
    pub(super) fn ask_due(&mut self, now: Instant) {
        for server in self.ways.ids() {
            while self.ask_server_due(server, now) {}
        }
    }

    /// Asks for the next row of a server, where that is due; answers whether it was.
    fn ask_server_due(&mut self, server: ServerId, now: Instant) -> bool {
        let Some(way) = self.ways.get(server) else {
            return false;
        };
        if self.next_ask_of(server, way).is_none_or(|due| due > now) {
            return false;
        }
        let next = self
            .rows
            .to_ask(server)
            .find(|id| !way.asking.contains(id) && !self.telling.contains(id));
        let Some(record) = next
            .and_then(|id| self.rows.get(id))
            .map(|row| row.record.clone())
        else {
            return false;
        };
        let (id, api) = (record.id, way.api.get());
        if let Some(way) = self.ways.get_mut(server) {
            way.asking.insert(id);
        }
        self.spawn(Errand::Ask(server, id), async move {
            let outcome = initiate::ask(&api, &record).await;
            Done::Asked {
                server,
                id,
                began: now,
                outcome,
            }
        });
        true
    }

    /// When the next initiate may go out; none while there is nothing to ask for or no place.
    pub(super) fn next_ask(&self) -> Option<Instant> {
        let ids = self.ways.ids().into_iter();
        ids.filter_map(|id| self.next_ask_of(id, self.ways.get(id)?))
            .min()
    }

    fn next_ask_of(&self, server: ServerId, way: &Way) -> Option<Instant> {
        let free = way.is_open()
            && way.asking.len() < AT_A_TIME
            && self.rows.ahead(server) < AHEAD
            && self
                .rows
                .to_ask(server)
                .take(AT_A_TIME * 4 + self.telling.len())
                .any(|id| !way.asking.contains(&id) && !self.telling.contains(&id));
        if !free {
            return None;
        }
        if way.pace.is_well() {
            return Some(way.ask_from);
        }
        // After a failure one question at a time finds out whether the server is back.
        (way.asking.is_empty() && way.poll.is_none()).then(|| way.ask_from.max(way.pace.due()))
    }

    pub(super) fn asked(
        &mut self,
        server: ServerId,
        id: DownloadId,
        began: Instant,
        outcome: Result<JobId, ApiError>,
    ) {
        let Some(way) = self.ways.get_mut(server) else {
            return;
        };
        way.asking.remove(&id);
        let now = Instant::now();
        match outcome {
            Ok(job) => {
                way.pace.seen(now);
                self.accepted(server, id, job, now);
            }
            Err(ApiError::Busy {
                problem,
                retry_after,
            }) => {
                way.pace.seen(now);
                let wait = retry_after.unwrap_or(DEFAULT_WAIT);
                way.ask_from = way.ask_from.max(now + wait);
                tracing::info!(
                    code = problem.code.as_str(),
                    ?wait,
                    "the server asks to wait"
                );
            }
            Err(ApiError::Refused(problem)) if !locks_out(&problem) => {
                way.pace.seen(now);
                self.step(
                    id,
                    Event::Failed {
                        fault: DownloadFault {
                            code: problem.code.as_str().to_owned(),
                            message: problem.detail,
                            kept: self.kept(id),
                            fix: match problem.status {
                                403 | 408 | 409 => Fix::Retry,
                                _ => Fix::None,
                            },
                        },
                        job_failed: false,
                    },
                );
            }
            Err(error) => {
                way.pace.failed(now, began, &error, &mut self.random);
                if matches!(error, ApiError::Faulty { .. }) {
                    self.faulty(id, &error);
                }
            }
        }
    }

    fn accepted(&mut self, server: ServerId, id: DownloadId, job: JobId, now: Instant) {
        match self.rows.state(id) {
            Some(State::Queued) => {
                self.step(id, Event::Accepted(job));
                self.hurry_poll(server, now);
            }
            Some(State::Paused) => {
                // The answer to a question that was asked before the pause.
                self.rows.adopt(id, job);
                self.keep(id);
            }
            // Given up while the question was on its way: so is the job.
            Some(_) | None => self.tell_unwanted(server, id, job),
        }
    }

    fn faulty(&mut self, id: DownloadId, error: &ApiError) {
        let Some(row) = self.rows.get_mut(id) else {
            return;
        };
        row.faulty += 1;
        if row.faulty >= FAULTY {
            let fault = DownloadFault {
                code: "server_fault".to_owned(),
                message: format!(
                    "The server could not take this download: {error}. Nothing was lost; try again later."
                ),
                kept: self.kept(id),
                fix: Fix::Retry,
            };
            self.step(
                id,
                Event::Failed {
                    fault,
                    job_failed: false,
                },
            );
        }
    }

    /// Tells the server that a job is not wanted any more, in the background, a few times.
    pub(super) fn tell_unwanted(&mut self, server: ServerId, id: DownloadId, job: JobId) {
        let Some(api) = self.ways.get(server).map(|way| way.api.clone()) else {
            return;
        };
        self.telling.insert(id);
        self.spawn(Errand::Tell(id), async move {
            // Whoever cannot be told finds out: nobody asks for the job's status any more.
            for wait in [1, 4, 0] {
                match api.get().cancel(job).await {
                    Err(ApiError::Unreachable { .. } | ApiError::Busy { .. }) if wait > 0 => {
                        tokio::time::sleep(Duration::from_secs(wait)).await;
                    }
                    Err(error) => {
                        tracing::warn!(%job, %error, "a job could not be cancelled");
                        break;
                    }
                    Ok(()) => break,
                }
            }
            Done::Told { id }
        });
    }

    /// A fault of this program over one row.
    pub(super) fn fail_inside(&mut self, id: DownloadId) {
        let fault = DownloadFault {
            code: "internal".to_owned(),
            message: "Something went wrong in the download manager itself. What is on the disk is kept; try again.".to_owned(),
            kept: self.kept(id),
            fix: Fix::Retry,
        };
        self.step(
            id,
            Event::Failed {
                fault,
                job_failed: false,
            },
        );
    }

    /// Bytes of a row that are on the disk.
    pub(super) fn kept(&self, id: DownloadId) -> u64 {
        self.rows
            .get(id)
            .and_then(|row| row.record.pulled.as_ref())
            .map_or(0, |pulled| pulled.done)
    }
}
