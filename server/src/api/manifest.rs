//! `GET /v1/jobs/{id}/manifest`: the artifact's check blocks.

use axum::{
    Json,
    extract::{Extension, State},
};
use longhaul_protocol::{JobId, Manifest, ProblemCode};

use super::{Api, extract::Named, openapi::refusals, problem::Refusal};
use crate::queue::{JobState, Owner};

refusals!(Refused: UnknownJob, Conflict);

/// Reads the check blocks of a completed job from beside its artifact.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}/manifest",
    operation_id = "manifest",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job")),
    security(("token" = [])),
    responses(
        (status = 200, body = Manifest, description = "The artifact's check blocks"),
        Refused,
    ),
)]
pub(crate) async fn manifest(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Named(id): Named,
) -> Result<Json<Manifest>, Refusal> {
    let job = api.find(&owner, id).await?;
    let JobState::Completed { artifact, .. } = &job.state else {
        return Err(not_completed());
    };
    Ok(Json(api.artifacts.manifest(artifact).await?))
}

pub(super) fn not_completed() -> Refusal {
    Refusal::new(
        ProblemCode::Conflict,
        "The job has no artifact: only a completed job has one.",
    )
}
