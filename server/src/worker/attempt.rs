//! One attempt at one job: produce, upload, heartbeat beside it, and one end.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use longhaul_protocol::{FaultCode, JobFault, Stage};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Tools;
use crate::{
    artifact::{self, Gauge, UploadError},
    metrics::Outcome,
    queue::{Artifact, Claim, JobSource, Orders, Progress, QueueError, UploadState},
    source::{self, Work},
};

/// Progress is told at least this often, so that a bar moves.
const BEAT: Duration = Duration::from_millis(500);
/// The last write of an attempt is tried this often before the lease is left to run out.
const LAST_TRIES: u32 = 5;

/// How an attempt ended.
enum End {
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

pub(super) async fn run(tools: &Tools, claim: Claim, stop: &CancellationToken) {
    let span = tracing::info_span!("attempt", job = %claim.key.job, attempt = claim.key.attempt);
    let begun = Instant::now();
    async {
        tracing::info!(file = claim.job.file_name, "attempt begins");
        tools.metrics.claimed(first_wait(tools, &claim));
        if let Some(left) = &claim.job.upload {
            abort(tools, left).await;
        }
        let gauge = Arc::new(Gauge::default());
        let end = drive(tools, &claim, &gauge, stop).await;
        let outcome = end.outcome();
        settle(tools, &claim, &gauge, end).await;
        tools
            .metrics
            .attempted(outcome, begun.elapsed(), gauge.stored());
    }
    .instrument(span)
    .await;
}

/// What the heartbeat reads of the source, once it is open.
type Source = std::sync::OnceLock<(Option<u64>, Arc<Work>)>;

async fn drive(tools: &Tools, claim: &Claim, gauge: &Arc<Gauge>, stop: &CancellationToken) -> End {
    let source = Source::new();
    let mut making = pin!(make(tools, claim, gauge, &source));
    let mut beats = tokio::time::interval(BEAT.min(tools.lease / 3));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told_upload = false;
    let mut reached = Reached::default();
    loop {
        tokio::select! {
            made = &mut making => return match made {
                Ok(artifact) => End::Stored(artifact),
                Err(fault) => End::Failed(fault),
            },
            () = stop.cancelled() => return End::Released,
            _ = beats.tick() => {}
        }
        let upload = if told_upload { None } else { gauge.upload() };
        told_upload |= upload.is_some();
        let progress = progress(gauge, &source);
        if reached.further(progress) {
            tools.pulse.beat();
        }
        let beat =
            tools
                .queue
                .heartbeat(claim.key, progress, upload, tools.lease, tools.clock.now());
        match beat.await {
            Ok(Orders::Continue) => {}
            Ok(Orders::Cancel) => return End::Cancelled,
            Err(QueueError::LeaseLost | QueueError::Unknown) => return End::Lost,
            // The lease outlives a few failed beats; if the queue stays away, it is lost.
            Err(error) => {
                told_upload = false;
                tracing::warn!(%error, "a heartbeat failed");
            }
        }
    }
}

/// How far an attempt has been seen.
#[derive(Default)]
struct Reached(u64, u8);

impl Reached {
    fn further(&mut self, progress: Progress) -> bool {
        let now = Self(progress.bytes_done, progress.percent);
        let further = now.0 > self.0 || now.1 > self.1;
        *self = now;
        further
    }
}

async fn make(
    tools: &Tools,
    claim: &Claim,
    gauge: &Arc<Gauge>,
    source: &Source,
) -> Result<Artifact, JobFault> {
    let item = match &claim.job.source {
        JobSource::File { file_id } => tools.catalogue.find(*file_id).await,
        JobSource::Url { .. } => None,
    };
    let item = item.ok_or_else(|| JobFault {
        code: FaultCode::SourceMissing,
        message: format!("{} is not offered any more", claim.job.file_name),
        retryable: false,
    })?;
    let production = source::produce(&item.recipe)
        .await
        .map_err(|error| error.fault())?;
    let _ = source.set((production.size, Arc::clone(&production.work)));
    let key = artifact::key(claim.key.job, claim.job.attempt_ever());
    tools
        .artifacts
        .store(&key, &claim.job.file_name, production, gauge)
        .await
        .map_err(|error: UploadError| error.fault())
}

fn progress(gauge: &Gauge, source: &Source) -> Progress {
    let bytes_done = gauge.stored();
    let (size, work) = match source.get() {
        Some((size, work)) => (*size, Some(work)),
        None => (None, None),
    };
    let percent = match size {
        Some(0) => 0,
        Some(size) => (u128::from(bytes_done) * 100 / u128::from(size)) as u8,
        None => work.and_then(|work| work.percent()).unwrap_or(0),
    };
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
        work: work.map_or(0, |work| work.done()),
    }
}

async fn settle(tools: &Tools, claim: &Claim, gauge: &Gauge, end: End) {
    let stored = matches!(end, End::Stored(_));
    let mut ended = write_end(tools, claim, &end).await;
    let mut tries = 1;
    while let Err(error) = &ended {
        if matches!(error, QueueError::LeaseLost | QueueError::Unknown) || tries == LAST_TRIES {
            break;
        }
        tracing::warn!(%error, "the attempt's end could not be written down; trying again");
        tokio::time::sleep(BEAT * tries).await;
        ended = write_end(tools, claim, &end).await;
        tries += 1;
    }
    if !stored && let Some(upload) = gauge.upload() {
        abort(tools, &upload).await;
    }
    match (end, ended) {
        (End::Stored(artifact), Ok(())) => tracing::info!(bytes = artifact.size, "stored"),
        (End::Stored(artifact), Err(error)) => {
            tracing::warn!(%error, "stored, but the job has moved on: the artifact is deleted");
            if let Err(error) = tools.artifacts.delete(&artifact).await {
                tracing::warn!(%error, "it could not be deleted; the bucket's lifecycle rule will");
            }
        }
        (End::Failed(fault), Ok(())) => {
            tracing::warn!(code = ?fault.code, message = fault.message, "attempt failed");
        }
        (End::Cancelled, Ok(())) => tracing::info!("cancelled"),
        (End::Released, Ok(())) => tracing::info!("given back"),
        (End::Lost, _) => tracing::warn!("the lease was lost; this attempt is over"),
        (_, Err(error)) => tracing::warn!(%error, "the attempt's end was not written down"),
    }
}

async fn write_end(tools: &Tools, claim: &Claim, end: &End) -> Result<(), QueueError> {
    let now = tools.clock.now();
    let queue = &tools.queue;
    match end {
        End::Stored(artifact) => queue.complete(claim.key, artifact.clone(), now).await,
        End::Failed(fault) => queue
            .fail(claim.key, fault.clone(), false, now)
            .await
            .map(drop),
        End::Cancelled => {
            let fault = JobFault {
                code: FaultCode::Cancelled,
                message: "the job was cancelled".into(),
                retryable: true,
            };
            queue.fail(claim.key, fault, false, now).await.map(drop)
        }
        End::Released => queue.release(claim.key, now).await,
        End::Lost => Ok(()),
    }
}

async fn abort(tools: &Tools, upload: &UploadState) {
    if let Err(error) = tools.artifacts.abort(upload).await {
        tracing::warn!(%error, "an unfinished upload could not be aborted; the upkeep will");
    }
}
