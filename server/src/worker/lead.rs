//! The job that leads a flight: it produces, for itself and for all who follow.

use std::{pin::pin, time::Duration};

use longhaul_protocol::{FaultCode, JobFault};

use super::{
    attempt::{Attempt, End, beats, insist, progress},
    flights::{Landing, Lead},
};
use crate::{
    artifact::{self, UploadError},
    queue::{Artifact, JobState, Orders, QueueError, UploadState},
    source::{Opened, Production, Sharing},
};

/// Those who follow get so long to take over what landed.
const TAKE_OVER: Duration = Duration::from_secs(30);

/// A fetch that is stopped gets so long to write down what it has.
const WRITE_DOWN: Duration = Duration::from_secs(2);

pub(super) async fn run(attempt: Attempt<'_>, opened: Opened, flight: Lead) {
    let lasting = opened.sharing == Sharing::Lasting;
    let spooled = opened.is_spooled();
    let led = attempt.produce(opened, &flight).await;
    let upload = flight.gauge().upload();
    if led.own {
        attempt.end(led.end, &flight, upload, lasting).await;
    } else {
        attempt
            .end_for_others(led.end, &flight, upload, lasting)
            .await;
    }
    if spooled {
        attempt.clear_spool().await;
    }
}

/// How a production ended, and whether the job that led it was still there.
struct Led {
    end: End,
    own: bool,
}

impl Attempt<'_> {
    /// The upload that an earlier attempt left, where it began with the same bytes; another is
    /// aborted.
    async fn left_behind(&self, production: &Production) -> Option<UploadState> {
        let left = self.claim.job.upload.clone()?;
        if left.print.is_some() && left.print == production.print {
            return Some(left);
        }
        if !self.tools.flights.owns(&left) {
            self.abort(&left).await;
        }
        None
    }

    async fn produce(&self, opened: Opened, flight: &Lead) -> Led {
        let gauge = flight.gauge();
        let mut making = pin!(self.make(opened, flight));
        let mut beats = beats(self.tools);
        let mut seen = progress(gauge, &self.tether.work);
        let (mut told, mut own) = (None, true);
        loop {
            tokio::select! {
                made = &mut making => {
                    let end = match made {
                        Ok(artifact) => End::Stored(artifact),
                        Err(fault) => End::Failed(fault),
                    };
                    // What a later attempt may go on with has to be written down first.
                    if let (End::Failed(_), true) = (&end, own)
                        && let Some(upload) = gauge.upload()
                        && told.as_ref() != Some(&upload)
                    {
                        let _ = self.beat(gauge, Some(upload)).await;
                    }
                    return Led { end, own };
                }
                () = self.stop.cancelled() => {
                    if own && let Some(upload) = gauge.upload() {
                        let _ = self.beat(gauge, Some(upload)).await;
                    }
                    if !gauge.uploading() {
                        // A fetch writes down how far it is before it stops.
                        self.tether.stop.cancel();
                        let _ = tokio::time::timeout(WRITE_DOWN, &mut making).await;
                    }
                    return Led { end: End::Released, own };
                }
                _ = beats.tick() => {}
            }
            let now = progress(gauge, &self.tether.work);
            if now != seen {
                self.tools.pulse.beat();
            }
            seen = now;
            flight.tell(now);
            if !own {
                if !flight.is_followed() {
                    return Led {
                        end: End::Cancelled,
                        own,
                    };
                }
                continue;
            }
            let upload = gauge
                .upload()
                .filter(|upload| told.as_ref() != Some(upload));
            match self.beat(gauge, upload.clone()).await {
                Ok(Orders::Continue) => told = upload.or(told),
                Ok(Orders::Cancel) => {
                    if !flight.is_followed() {
                        return Led {
                            end: End::Cancelled,
                            own,
                        };
                    }
                    // Only the leader's own job ends; the others are still waiting.
                    flight.detach();
                    let ended = insist(|| self.write_end(&End::Cancelled, false)).await;
                    self.count(&End::Cancelled, 0);
                    tracing::info!(ok = ended.is_ok(), "cancelled; the work goes on for others");
                    own = false;
                }
                Err(QueueError::LeaseLost | QueueError::Unknown) => {
                    if !flight.is_followed() || !self.was_ended().await {
                        return Led {
                            end: End::Lost,
                            own,
                        };
                    }
                    flight.detach();
                    own = false;
                }
                Err(error) => tracing::warn!(%error, "a heartbeat failed"),
            }
        }
    }

    /// What was fetched for a job that has ended is of no more use.
    async fn clear_spool(&self) {
        let job = self.claim.key.job;
        match self.tools.queue.peek(job).await {
            Ok(record) if record.as_ref().is_none_or(|job| job.status().is_final()) => {
                self.tools.fetcher.spool().remove(job).await;
            }
            _ => {}
        }
    }

    /// Whether the job was ended by somebody's wish, rather than taken from a worker that hangs.
    async fn was_ended(&self) -> bool {
        let job = self.tools.queue.peek(self.claim.key.job).await;
        matches!(
            job.ok().flatten().map(|job| job.state),
            Some(JobState::Failed {
                fault: JobFault {
                    code: FaultCode::Cancelled | FaultCode::Abandoned,
                    ..
                },
                ..
            })
        )
    }

    async fn make(&self, opened: Opened, flight: &Lead) -> Result<Artifact, JobFault> {
        let job = &self.claim.job;
        let production = opened
            .start(&self.tether, &self.tools.fetcher, job.id)
            .await
            .map_err(|error| error.fault())?;
        let resume = self.left_behind(&production).await;
        let key = artifact::key(job.id, job.attempt_ever());
        self.tools
            .artifacts
            .store(&key, &job.file_name, production, flight.gauge(), resume)
            .await
            .map_err(|error: UploadError| error.fault())
    }

    async fn end(&self, end: End, flight: &Lead, upload: Option<UploadState>, lasting: bool) {
        let artifact = match &end {
            End::Stored(artifact) => artifact.clone(),
            End::Failed(fault) => {
                flight.end(Landing::Failed(fault.clone()), None, false);
                return self.settle(end, upload, flight.gauge().stored()).await;
            }
            End::Cancelled | End::Lost | End::Released => {
                flight.end(Landing::Over, None, false);
                return self.settle(end, upload, flight.gauge().stored()).await;
            }
        };
        let ended = insist(|| self.write_end(&end, false)).await;
        self.count(&end, flight.gauge().stored());
        match ended {
            Ok(_) => {
                let job = self.claim.key.job;
                // One artifact has one end, whichever job offers it.
                let at = self.tools.queue.peek(job).await.ok().flatten();
                let at = at.map_or_else(|| self.tools.clock.now(), |job| job.updated_at);
                flight.end(Landing::Stored(shared(&artifact, at)), Some(job), lasting);
                self.tether.let_go().await;
                let sent = flight.gauge().sent();
                tracing::info!(bytes = artifact.size, sent, "stored");
            }
            Err(error) => {
                tracing::warn!(%error, "stored, but the job has moved on");
                self.hand_over(artifact, flight, lasting).await;
            }
        }
    }

    /// The leader's own job is over already.
    async fn end_for_others(
        &self,
        end: End,
        flight: &Lead,
        upload: Option<UploadState>,
        lasting: bool,
    ) {
        match end {
            End::Stored(artifact) => return self.hand_over(artifact, flight, lasting).await,
            End::Failed(fault) => flight.end(Landing::Failed(fault), None, false),
            End::Cancelled | End::Lost | End::Released => flight.end(Landing::Over, None, false),
        }
        self.tether.let_go().await;
        if let Some(upload) = upload {
            self.abort(&upload).await;
        }
    }

    /// Gives what was stored to those who follow; deletes it where there are none.
    async fn hand_over(&self, artifact: Artifact, flight: &Lead, lasting: bool) {
        let landing = Landing::Stored(shared(&artifact, self.tools.clock.now()));
        flight.end(landing, None, false);
        self.tether.let_go().await;
        match tokio::time::timeout(TAKE_OVER, flight.heir()).await {
            Ok(Some(heir)) => {
                flight.remember(heir, lasting);
                tracing::info!(job = %heir, "stored for another job");
            }
            Ok(None) => self.discard(&artifact).await,
            Err(_) => tracing::warn!("nobody says whether the artifact is wanted; it is kept"),
        }
    }
}

fn shared(artifact: &Artifact, at: jiff::Timestamp) -> Artifact {
    Artifact {
        stored_at: Some(at),
        ..artifact.clone()
    }
}
