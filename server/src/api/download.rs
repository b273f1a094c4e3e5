//! `GET /v1/downloads/signed/{jobId}`: a stable address that always leads to a fresh signed URL.

use axum::{
    extract::{Extension, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Api, extract::Named, manifest::not_completed, problem::Refusal};
use crate::queue::{JobState, Owner};

/// Answers 307 to the artifact itself.
pub(crate) async fn signed(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Named(id): Named,
) -> Result<Response, Refusal> {
    let job = api.find(&owner, id).await?;
    let JobState::Completed { artifact, .. } = &job.state else {
        return Err(not_completed());
    };
    let signed = api
        .artifacts
        .presign(artifact, &job.file_name, api.presign_ttl, api.clock.now())
        .await?;
    let mut location =
        HeaderValue::from_str(signed.url.expose().as_str()).map_err(|_| not_completed())?;
    location.set_sensitive(true);
    let headers = [
        (header::LOCATION, location),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    Ok((StatusCode::TEMPORARY_REDIRECT, headers).into_response())
}
