//! A job that follows another's production: it keeps its lease, takes no worker, and ends with it.

use longhaul_protocol::{FaultCode, JobFault};
use tokio_util::sync::CancellationToken;

use super::{
    Tools, attempt,
    flights::{Landing, Seat},
};
use crate::queue::{Claim, Orders, QueueError};

/// Follows until the flight has ended, the job is cancelled, or the server stops.
pub(super) async fn run(tools: Tools, claim: Claim, seat: Seat, stop: CancellationToken) {
    let mut beats = attempt::beats(&tools);
    let mut told = None;
    let landing = loop {
        tokio::select! {
            landing = seat.landing() => break landing,
            () = stop.cancelled() => break Landing::Over,
            _ = beats.tick() => {}
        }
        let upload = seat.upload().filter(|upload| told.as_ref() != Some(upload));
        let beat = tools.queue.heartbeat(
            claim.key,
            seat.progress(),
            upload.clone(),
            tools.lease,
            tools.clock.now(),
        );
        match beat.await {
            Ok(Orders::Continue) => told = upload.or(told),
            // Only this job leaves; the flight goes on for the others.
            Ok(Orders::Cancel) => break Landing::Failed(cancelled()),
            Err(QueueError::LeaseLost | QueueError::Unknown) => return,
            Err(error) => tracing::warn!(%error, "a heartbeat failed"),
        }
    };
    let ended = attempt::insist(|| async {
        let now = tools.clock.now();
        match &landing {
            Landing::Stored(artifact) => {
                let completed = tools.queue.complete(claim.key, artifact.clone(), now);
                completed.await
            }
            Landing::Failed(fault) => {
                let failed = tools.queue.fail(claim.key, fault.clone(), false, now);
                failed.await.map(drop)
            }
            Landing::Over => tools.queue.release(claim.key, now).await,
        }
    })
    .await;
    match (landing, ended) {
        (Landing::Stored(_), Ok(())) => {
            seat.inherit(claim.key.job);
            tracing::info!("completed with the artifact of another job for the same source");
        }
        (Landing::Failed(fault), Ok(())) => tracing::info!(code = ?fault.code, "ended"),
        (Landing::Over, Ok(())) => tracing::info!("given back"),
        (_, Err(error)) => tracing::warn!(%error, "the job's end was not written down"),
    }
}

/// What a cancelled job ends with.
pub(super) fn cancelled() -> JobFault {
    JobFault {
        code: FaultCode::Cancelled,
        message: "the job was cancelled".into(),
        retryable: true,
    }
}
