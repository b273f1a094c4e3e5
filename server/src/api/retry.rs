//! `POST /v1/jobs/{id}/retry`: a failed job goes back to pending, attempts reset.

use axum::{
    Json,
    extract::{Extension, Path, State},
    http::StatusCode,
};
use longhaul_protocol::JobView;

use super::{Api, jobs::job_id, problem::Refusal};
use crate::queue::Owner;

/// Runs a failed job again, and shows it as it is now.
pub(crate) async fn retry(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<JobView>), Refusal> {
    let job = api
        .queue
        .retry(&owner, job_id(&id)?, api.clock.now())
        .await?;
    tracing::info!(job = %job.id, "runs again");
    Ok((StatusCode::ACCEPTED, Json(api.view(&job).await?)))
}
