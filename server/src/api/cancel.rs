//! `DELETE /v1/jobs/{id}`: a pending job ends at once, a processing one at its worker's next heartbeat.

use axum::{
    Json,
    extract::{Extension, State},
};
use longhaul_protocol::{JobId, JobView};

use super::{Api, extract::Named, openapi::refusals, problem::Refusal};
use crate::{middleware::Site, queue::Owner};

refusals!(Refused: UnknownJob, Conflict);

/// Cancels, and shows the job as it is now.
#[utoipa::path(
    delete,
    path = "/v1/jobs/{id}",
    operation_id = "cancel",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job")),
    security(("token" = [])),
    responses(
        (status = 200, body = JobView, description = "The job as it is now: a running one ends at its worker's next heartbeat"),
        Refused,
    ),
)]
pub(crate) async fn cancel(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    Named(id): Named,
) -> Result<Json<JobView>, Refusal> {
    let job = api.queue.cancel(&owner, id, api.clock.now()).await?;
    tracing::info!(job = %job.id, "cancel was asked for");
    Ok(Json(api.view(&site, &job).await?))
}
