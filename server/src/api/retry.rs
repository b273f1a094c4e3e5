//! `POST /v1/jobs/{id}/retry`: a failed job goes back to pending, attempts reset.

use axum::{
    Json,
    extract::{Extension, State},
    http::StatusCode,
};
use longhaul_protocol::{JobId, JobView};

use super::{Api, extract::Named, openapi::refusals, problem::Refusal};
use crate::{middleware::Site, queue::Owner};

refusals!(Refused: UnknownJob, Conflict);

/// Runs a failed job again, and shows it as it is now.
#[utoipa::path(
    post,
    path = "/v1/jobs/{id}/retry",
    operation_id = "retry",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job")),
    security(("token" = [])),
    responses(
        (status = 202, body = JobView, description = "The job is pending again, its attempts counted anew"),
        Refused,
    ),
)]
pub(crate) async fn retry(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    Named(id): Named,
) -> Result<(StatusCode, Json<JobView>), Refusal> {
    let job = api.queue.retry(&owner, id, api.clock.now()).await?;
    tracing::info!(job = %job.id, "runs again");
    Ok((StatusCode::ACCEPTED, Json(api.view(&site, &job).await?)))
}
