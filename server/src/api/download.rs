//! `GET /v1/downloads/signed/{jobId}`: a stable address of a job's artifact. It leads on to S3, or
//! passes the bytes on where S3 is out of the client's reach.

use axum::{
    body::Body,
    extract::{Extension, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use longhaul_protocol::{JobId, ProblemCode};

use super::{
    Api,
    conditions::{Wanted, wanted},
    extract::{Fields, Named},
    links::Seal,
    manifest::not_completed,
    openapi::refusals,
    problem::Refusal,
};
use crate::{
    artifact::attachment,
    config::Delivery,
    queue::{Artifact, JobRecord, JobState, Owner},
};

refusals!(Refused: UnknownJob, Conflict, LinkExpired, PreconditionFailed, RangeNotSatisfiable);

/// Answers 307 to the artifact, or the artifact itself. A link that was signed for the job opens
/// it as its owner's token does.
#[utoipa::path(
    get,
    path = "/v1/downloads/signed/{id}",
    operation_id = "download",
    tag = "downloads",
    params(("id" = JobId, Path, description = "The job"), Seal),
    security(("token" = []), ("link" = [])),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>, description = "By `--delivery proxy`: the artifact"),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>, description = "The part of it that `Range` names"),
        (status = 304, description = "It is the one that `If-None-Match` names"),
        (status = 307, description = "To a URL of the artifact that was signed just now",
            headers(("Location" = String, description = "The URL; it carries its own permission"))),
        Refused,
    ),
)]
pub(crate) async fn signed(
    State(api): State<Api>,
    owner: Option<Extension<Owner>>,
    Named(id): Named,
    Fields(seal): Fields<Seal>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let job = opened(&api, owner.map(|owner| owner.0), id, &seal).await?;
    let JobState::Completed { artifact, .. } = &job.state else {
        return Err(not_completed());
    };
    match api.delivery {
        Delivery::Presigned | Delivery::Redirect => redirect(&api, &job, artifact).await,
        Delivery::Proxy => proxy(&api, &job, artifact, &method, &headers).await,
    }
}

async fn opened(
    api: &Api,
    owner: Option<Owner>,
    id: JobId,
    seal: &Seal,
) -> Result<JobRecord, Refusal> {
    if seal.is_there() {
        api.links.check(id, seal, api.clock.now())?;
        return api.queue.peek(id).await?.ok_or_else(Refusal::unknown_job);
    }
    let owner = owner.ok_or_else(Refusal::no_token)?;
    api.find(&owner, id).await
}

async fn redirect(api: &Api, job: &JobRecord, artifact: &Artifact) -> Result<Response, Refusal> {
    let signed = api
        .artifacts
        .presign(artifact, &job.file_name, api.presign_ttl, api.clock.now())
        .await?;
    let mut location =
        HeaderValue::from_str(signed.url.expose().as_str()).map_err(|_| not_completed())?;
    location.set_sensitive(true);
    Ok((
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, location)],
    )
        .into_response())
}

async fn proxy(
    api: &Api,
    job: &JobRecord,
    artifact: &Artifact,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let size = artifact.size;
    let (status, range) = match wanted(headers, &artifact.etag, size) {
        Wanted::Whole => (StatusCode::OK, None),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::NotModified => {
            let etag = [(header::ETAG, artifact.etag.clone())];
            return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
        }
        Wanted::Changed => {
            return Err(Refusal::new(
                ProblemCode::PreconditionFailed,
                "The artifact is not the one that If-Match names: it was made anew.",
            ));
        }
        Wanted::Unsatisfiable => {
            let refusal = Refusal::new(
                ProblemCode::RangeNotSatisfiable,
                format!("The artifact has {size} bytes, and none of this range."),
            );
            let whole = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((whole, refusal).into_response());
        }
    };
    let length = range
        .as_ref()
        .map_or(size, |range| range.end() - range.start() + 1);
    let mut response = if *method == Method::HEAD || length == 0 {
        Response::new(Body::empty())
    } else {
        Response::new(Body::new(
            api.artifacts.open(artifact, range.clone()).await?,
        ))
    };
    *response.status_mut() = status;
    let mut put = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    put(header::CONTENT_LENGTH, length.to_string());
    put(header::ETAG, artifact.etag.clone());
    put(header::ACCEPT_RANGES, "bytes".into());
    put(header::CONTENT_TYPE, "application/octet-stream".into());
    put(header::CONTENT_DISPOSITION, attachment(&job.file_name));
    if let Some(range) = range {
        let part = format!("bytes {}-{}/{size}", range.start(), range.end());
        put(header::CONTENT_RANGE, part);
    }
    Ok(response)
}
