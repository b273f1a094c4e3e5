//! `/healthz` says that the process answers; `/readyz`, that it can do its work.

use std::time::Duration;

use axum::{Json, extract::State};
use longhaul_protocol::ProblemCode;
use serde_json::{Value, json};

use super::{Api, problem::Refusal};

/// A part that takes longer to answer does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The process answers.
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Queue and S3 answer, and the server is not about to stop.
pub(crate) async fn readyz(State(api): State<Api>) -> Result<Json<Value>, Refusal> {
    let not_ready = |what: &str| {
        Refusal::new(ProblemCode::NotReady, what.to_owned()).after(Duration::from_secs(5))
    };
    if api.draining.is_cancelled() {
        return Err(not_ready("The server is shutting down."));
    }
    match tokio::time::timeout(PATIENCE, api.queue.counts()).await {
        Ok(Ok(_)) => {}
        _ => return Err(not_ready("The queue does not answer.")),
    }
    match tokio::time::timeout(PATIENCE, api.artifacts.reach()).await {
        Ok(Ok(())) => Ok(Json(json!({ "status": "ready" }))),
        _ => Err(not_ready("The storage does not answer.")),
    }
}
