//! `/healthz` says that the process answers; `/readyz`, that it can do its work.

use std::time::Duration;

use axum::{Json, extract::State};
use longhaul_protocol::ProblemCode;
use serde_json::{Value, json};

use super::{Api, problem::Refusal};

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
    api.readiness.check().await.map_err(not_ready)?;
    Ok(Json(json!({ "status": "ready" })))
}
