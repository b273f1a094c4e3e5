//! `DELETE /v1/jobs/{id}`: a pending job ends at once, a processing one at its worker's next heartbeat.

use axum::{
    Json,
    extract::{Extension, Path, State},
};
use longhaul_protocol::JobView;

use super::{Api, jobs::job_id, problem::Refusal};
use crate::queue::Owner;

/// Cancels, and shows the job as it is now.
pub(crate) async fn cancel(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Refusal> {
    let job = api
        .queue
        .cancel(&owner, job_id(&id)?, api.clock.now())
        .await?;
    tracing::info!(job = %job.id, "cancel was asked for");
    Ok(Json(api.view(&job).await?))
}
