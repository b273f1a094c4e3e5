//! `GET /v1/queue`, `POST /v1/queue/pause` and `/resume`: the operator's view and hand.
//!
//! Numbers alone: no owner, job or file is ever named here.

use axum::{Json, extract::State};
use longhaul_protocol::{QueueCounts, QueueLedger, QueueView};

use super::{Api, openapi::refusals, problem::Refusal};

refusals!(Forbidden: Forbidden);

/// How many jobs are where.
#[utoipa::path(
    get,
    path = "/v1/queue",
    operation_id = "queue",
    tag = "operators",
    security(("admin" = [])),
    responses(
        (status = 200, body = QueueView, description = "The queue as it is now"),
        Forbidden,
    ),
)]
pub(crate) async fn show(State(api): State<Api>) -> Result<Json<QueueView>, Refusal> {
    api.queue_view().await.map(Json)
}

/// No job is claimed from now on, over restarts too; what runs goes on, and new jobs are taken.
#[utoipa::path(
    post,
    path = "/v1/queue/pause",
    operation_id = "pause",
    tag = "operators",
    security(("admin" = [])),
    responses(
        (status = 200, body = QueueView, description = "The queue as it is now"),
        Forbidden,
    ),
)]
pub(crate) async fn pause(State(api): State<Api>) -> Result<Json<QueueView>, Refusal> {
    api.set_paused(true).await.map(Json)
}

/// Jobs are claimed again.
#[utoipa::path(
    post,
    path = "/v1/queue/resume",
    operation_id = "resume",
    tag = "operators",
    security(("admin" = [])),
    responses(
        (status = 200, body = QueueView, description = "The queue as it is now"),
        Forbidden,
    ),
)]
pub(crate) async fn resume(State(api): State<Api>) -> Result<Json<QueueView>, Refusal> {
    api.set_paused(false).await.map(Json)
}

impl Api {
    async fn set_paused(&self, paused: bool) -> Result<QueueView, Refusal> {
        self.queue.set_paused(paused, self.clock.now()).await?;
        tracing::warn!(paused, "the queue was told");
        self.queue_view().await
    }

    async fn queue_view(&self) -> Result<QueueView, Refusal> {
        let now = self.clock.now();
        let counts = self.queue.counts().await?;
        let ledger = self.queue.ledger(now).await?;
        let waited = ledger
            .oldest_waiting
            .map(|since| now.duration_since(since).as_secs());
        Ok(QueueView {
            paused: ledger.paused,
            counts: QueueCounts {
                pending: counts.pending,
                processing: counts.processing,
                completed: counts.completed,
                failed: counts.failed,
            },
            oldest_wait_seconds: waited.map(|seconds| u64::try_from(seconds).unwrap_or(0)),
            workers: self.workers,
            busy_workers: ledger.workers,
            ledger: QueueLedger {
                accepted: ledger.accepted,
                completed: ledger.completed,
                failed: ledger.failed,
                cancelled: ledger.cancelled,
                live: ledger.live(),
                quarantined: ledger.quarantined,
                missing: ledger.missing(),
            },
        })
    }
}
