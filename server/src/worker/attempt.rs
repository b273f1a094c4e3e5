//! One attempt at one job: open its source, produce and upload, heartbeat beside it, and one end.
//! Where another job is at the same source already, this one follows it.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use http::HeaderMap;
use longhaul_protocol::{FaultCode, JobFault, SignedUrl, Stage};
use sha2::{Digest, Sha256};
use tokio::{task::JoinSet, time::Interval};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Tools,
    flights::{Joined, Share},
    follow, lead,
};
use crate::{
    artifact::Gauge,
    metrics::Outcome,
    queue::{Artifact, Claim, JobSource, JobState, Orders, Progress, QueueError, UploadState},
    source::{self, Opened, Recipe, Sharing, Tether, UrlRecipe, Work},
};

/// Progress is told at least this often, so that a bar moves.
const BEAT: Duration = Duration::from_millis(500);
/// The last write of an attempt is tried this often before the lease is left to run out.
const LAST_TRIES: u32 = 5;

/// How an attempt ended.
pub(super) enum End {
    Stored(Artifact),
    Failed(JobFault),
    Cancelled,
    /// The job has moved on without this worker.
    Lost,
    /// The server stops: somebody else goes on.
    Released,
}

impl End {
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Stored(_) => Outcome::Stored,
            Self::Failed(_) => Outcome::Failed,
            Self::Cancelled => Outcome::Cancelled,
            Self::Lost => Outcome::Lost,
            Self::Released => Outcome::Released,
        }
    }
}

/// How long a job waited for its first attempt; none for a later one.
fn first_wait(tools: &Tools, claim: &Claim) -> Option<Duration> {
    let waited = tools.clock.now().duration_since(claim.job.created_at);
    (claim.job.attempt_ever() == 1).then(|| Duration::try_from(waited).unwrap_or_default())
}

/// A claim being worked on.
pub(super) struct Attempt<'a> {
    pub(super) tools: &'a Tools,
    pub(super) claim: Claim,
    pub(super) tether: Tether,
    pub(super) stop: &'a CancellationToken,
    pub(super) begun: Instant,
}

pub(super) async fn run(
    tools: &Tools,
    claim: Claim,
    stop: &CancellationToken,
    followers: &mut JoinSet<()>,
) {
    let span = tracing::info_span!("attempt", job = %claim.key.job, attempt = claim.key.attempt);
    let attempt = Attempt {
        tools,
        claim,
        tether: Tether::default(),
        stop,
        begun: Instant::now(),
    };
    attempt.run(followers, span.clone()).instrument(span).await;
}

impl Attempt<'_> {
    async fn run(self, followers: &mut JoinSet<()>, span: tracing::Span) {
        tracing::info!(file = self.claim.job.file_name, "attempt begins");
        let waited = first_wait(self.tools, &self.claim);
        self.tools.metrics.claimed(waited);
        let opened = match self.hold(&Gauge::default(), self.open()).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(fault)) => return self.settle(End::Failed(fault), None, 0).await,
            Err(end) => return self.settle(end, None, 0).await,
        };
        let share = self.share(&opened);
        if opened.sharing == Sharing::Lasting
            && let Some(artifact) = self.landed(&share).await
        {
            tracing::info!("the source has not changed: its artifact is offered again");
            return self.settle(End::Stored(artifact), None, 0).await;
        }
        match self.tools.flights.join(share, self.claim.key.job) {
            Joined::Leads(flight) => lead::run(self, opened, flight).await,
            Joined::Follows(seat) => {
                tracing::info!("another job is at this source: this one follows it");
                let following =
                    follow::run(self.tools.clone(), self.claim, seat, self.stop.clone());
                followers.spawn(following.instrument(span));
            }
        }
    }

    async fn open(&self) -> Result<Opened, JobFault> {
        let recipe = match &self.claim.job.source {
            JobSource::File { file_id } => {
                let item = self.tools.catalogue.find(*file_id).await;
                item.map(|item| item.recipe.clone())
            }
            // What it was checked for when it was taken holds for this server's present policy.
            JobSource::Url { url } => {
                let url = self.tools.urls.and_then(|urls| urls.read(url).ok());
                url.map(|url| {
                    Recipe::Url(UrlRecipe {
                        url: SignedUrl::new(url),
                        headers: HeaderMap::new(),
                    })
                })
            }
        };
        let recipe = recipe.ok_or_else(|| JobFault {
            code: FaultCode::SourceMissing,
            message: format!("{} is not offered any more", self.claim.job.file_name),
            retryable: false,
        })?;
        source::open(&recipe).await.map_err(|error| error.fault())
    }

    /// Whoever may read a file of the catalogue may read all of it; a URL is its owner's own.
    fn share(&self, opened: &Opened) -> Share {
        let mut digest = Sha256::new();
        match &self.claim.job.source {
            JobSource::File { file_id } => digest.update(format!("file {file_id} ")),
            JobSource::Url { url } => {
                let owner = &self.claim.job.owner.0;
                digest.update(format!("url {} {owner} {url} ", owner.len()));
            }
        }
        digest.update(&opened.print);
        hex::encode(digest.finalize())
    }

    /// The artifact that an earlier job for the same source still offers, with at least half of
    /// its time to come.
    async fn landed(&self, share: &Share) -> Option<Artifact> {
        let job = self.tools.flights.landed(share)?;
        let record = self.tools.queue.peek(job).await.ok().flatten()?;
        let JobState::Completed { artifact, at } = record.state else {
            return None;
        };
        let since = artifact.since(at);
        let worth =
            since.saturating_add(jiff::SignedDuration::try_from(self.tools.artifact_ttl / 2).ok()?);
        (worth.ok()? > self.tools.clock.now()).then_some(Artifact {
            stored_at: Some(since),
            ..artifact
        })
    }

    /// Keeps the lease while `work` is done; an error is the attempt's early end.
    async fn hold<T>(&self, gauge: &Gauge, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = pin!(work);
        let mut beats = beats(self.tools);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = self.stop.cancelled() => return Err(End::Released),
                _ = beats.tick() => {}
            }
            match self.beat(gauge, None).await {
                Ok(Orders::Continue) => {}
                Ok(Orders::Cancel) => return Err(End::Cancelled),
                Err(QueueError::LeaseLost | QueueError::Unknown) => return Err(End::Lost),
                // The lease outlives a few failed beats; if the queue stays away, it is lost.
                Err(error) => tracing::warn!(%error, "a heartbeat failed"),
            }
        }
    }

    pub(super) async fn beat(
        &self,
        gauge: &Gauge,
        upload: Option<UploadState>,
    ) -> Result<Orders, QueueError> {
        let told = self.tools.queue.heartbeat(
            self.claim.key,
            progress(gauge, &self.tether.work),
            upload,
            self.tools.lease,
            self.tools.clock.now(),
        );
        told.await
    }

    /// Writes down how the attempt ended, and sees to the upload that it leaves.
    pub(super) async fn settle(&self, end: End, upload: Option<UploadState>, stored: u64) {
        let resumable = upload.as_ref().is_some_and(|left| left.print.is_some());
        let ended = insist(|| self.write_end(&end, resumable)).await;
        self.tether.let_go().await;
        self.count(&end, stored);
        let kept = match (&end, &ended) {
            (End::Stored(_), _) => true,
            // Whoever has the job now may be at the upload already.
            (End::Lost, _) | (_, Err(_)) => resumable,
            (_, Ok(kept)) => *kept,
        };
        if !kept && let Some(upload) = upload {
            self.abort(&upload).await;
        }
        match (end, ended) {
            (End::Stored(artifact), Ok(_)) => tracing::info!(bytes = artifact.size, "stored"),
            (End::Stored(artifact), Err(error)) => {
                tracing::warn!(%error, "stored, but the job has moved on");
                self.discard(&artifact).await;
            }
            (End::Failed(fault), Ok(_)) => {
                tracing::warn!(code = ?fault.code, why = fault.message, "attempt failed");
            }
            (End::Cancelled, Ok(_)) => tracing::info!("cancelled"),
            (End::Released, Ok(_)) => tracing::info!("given back"),
            (End::Lost, _) => tracing::warn!("the lease was lost; this attempt is over"),
            (_, Err(error)) => tracing::warn!(%error, "the attempt's end was not written down"),
        }
    }

    /// Counts an end, and the bytes that were stored for it.
    pub(super) fn count(&self, end: &End, stored: u64) {
        let took = self.begun.elapsed();
        self.tools.metrics.attempted(end.outcome(), took, stored);
    }

    /// Answers whether the job still has use for its upload.
    pub(super) async fn write_end(&self, end: &End, resumable: bool) -> Result<bool, QueueError> {
        let now = self.tools.clock.now();
        let (queue, key) = (&self.tools.queue, self.claim.key);
        let fault = match end {
            End::Stored(artifact) => {
                queue.complete(key, artifact.clone(), now).await?;
                return Ok(false);
            }
            End::Failed(fault) => fault.clone(),
            End::Cancelled => follow::cancelled(),
            End::Released => {
                queue.release(key, now).await?;
                return Ok(resumable);
            }
            End::Lost => return Ok(resumable),
        };
        let job = queue.fail(key, fault, resumable, now).await?;
        Ok(job.upload.is_some())
    }

    /// Deletes an artifact that no job offers.
    pub(super) async fn discard(&self, artifact: &Artifact) {
        let job = crate::artifact::job_of(&artifact.key).unwrap_or(self.claim.key.job);
        // A later attempt that went on with the same upload offers the same object.
        match self.tools.queue.peek(job).await {
            Ok(Some(record)) => match &record.state {
                JobState::Completed { artifact: its, .. } if its.key == artifact.key => return,
                _ => {}
            },
            Ok(None) => {}
            Err(error) => {
                return tracing::warn!(%error, "it is left to the bucket's lifecycle rule");
            }
        }
        if artifact.stored_at.is_none()
            && let Err(error) = self.tools.artifacts.delete(artifact).await
        {
            tracing::warn!(%error, "it could not be deleted; the bucket's lifecycle rule will");
        }
    }

    pub(super) async fn abort(&self, upload: &UploadState) {
        if let Err(error) = self.tools.artifacts.abort(upload).await {
            tracing::warn!(%error, "an unfinished upload could not be aborted; the upkeep will");
        }
    }
}

/// When to tell how far it is.
pub(super) fn beats(tools: &Tools) -> Interval {
    let mut beats = tokio::time::interval(BEAT.min(tools.lease / 3));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    beats
}

/// Tries a last write a few times; a job that has moved on is not insisted on.
pub(super) async fn insist<T, F: Future<Output = Result<T, QueueError>>>(
    write: impl Fn() -> F,
) -> Result<T, QueueError> {
    let mut tries = 1;
    loop {
        match write().await {
            Err(error)
                if tries < LAST_TRIES
                    && !matches!(error, QueueError::LeaseLost | QueueError::Unknown) =>
            {
                tracing::warn!(%error, "an end could not be written down; trying again");
                tokio::time::sleep(BEAT * tries).await;
                tries += 1;
            }
            ended => return ended,
        }
    }
}

pub(super) fn progress(gauge: &Gauge, work: &Work) -> Progress {
    let bytes_done = gauge.stored();
    let size = gauge.size();
    let percent = match size {
        Some(0) => 0,
        Some(size) => (u128::from(bytes_done) * 100 / u128::from(size)) as u8,
        None => work.percent().unwrap_or(0),
    };
    // What is fetched first is half of the way.
    let percent = work
        .ahead()
        .map_or(percent, |ahead| ahead / 2 + percent.min(100) / 2);
    Progress {
        stage: if gauge.uploading() {
            Stage::Uploading
        } else {
            Stage::Producing
        },
        bytes_done,
        bytes_total: size,
        // The last percent is the commit's.
        percent: percent.min(99),
        work: work.steps(),
    }
}
