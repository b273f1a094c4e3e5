//! `/healthz` says that the process answers; `/readyz`, that it can do its work.

use std::time::Duration;

use axum::{Json, extract::State};
use longhaul_protocol::ProblemCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, problem::Refusal};

/// One word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
}

/// The process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    tag = "operators",
    responses((status = 200, body = Health, description = "The process answers")),
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Queue and S3 answer, and the server is not about to stop.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operators",
    responses((status = 200, body = Health, description = "It can do its work")),
)]
pub(crate) async fn readyz(State(api): State<Api>) -> Result<Json<Health>, Refusal> {
    let not_ready = |what: &str| {
        Refusal::new(ProblemCode::NotReady, what.to_owned()).after(Duration::from_secs(5))
    };
    if api.draining.is_cancelled() {
        return Err(not_ready("The server is shutting down."));
    }
    api.readiness.check().await.map_err(not_ready)?;
    Ok(Json(Health { status: "ready" }))
}
