//! The names of the first draft: `POST /v1/download/initiate`, `GET /v1/download/status/{jobId}`,
//! and `POST /v1/download/start`, which holds its request until the file is made.
//!
//! They answer as their successors do, and say on each answer that they are deprecated (RFC 9745).

use axum::{
    extract::{Extension, Path, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use longhaul_protocol::{InitiateReply, InitiateRequest, JobId, JobView, ProblemCode};
use tokio::time::Instant;

use super::{
    Api,
    extract::{Fields, Named},
    initiate, jobs,
    openapi::refusals,
    problem::Refusal,
};
use crate::{
    middleware::Site,
    queue::{JobState, Owner},
};

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// Since 2026-11-01, as RFC 9745 §2.1 writes a date.
const SINCE: HeaderValue = HeaderValue::from_static("@1793491200");

/// As `POST /v1/jobs/download`.
#[utoipa::path(
    post,
    path = "/v1/download/initiate",
    operation_id = "oldInitiate",
    tag = "deprecated",
    params(("Idempotency-Key" = Option<Uuid>, Header, description = "As of `POST /v1/jobs/download`")),
    request_body(content = InitiateRequest, description = "At most 16 KiB"),
    security(("token" = [])),
    responses(
        (status = 202, body = InitiateReply, description = "The job is accepted, and as durable as `durability` says",
            headers(
                ("Location" = String, description = "Where to ask for its status"),
                ("Retry-After" = u32, description = "Seconds until the first look"),
            )),
        initiate::Refused,
    ),
)]
pub(crate) async fn initiate(
    api: State<Api>,
    owner: Extension<Owner>,
    request: Request,
) -> Result<Response, Refusal> {
    initiate::initiate(api, owner, request).await
}

/// As `GET /v1/jobs/{jobId}`.
#[utoipa::path(
    get,
    path = "/v1/download/status/{id}",
    operation_id = "oldStatus",
    tag = "deprecated",
    params(("id" = JobId, Path, description = "The job"), jobs::Wait),
    security(("token" = [])),
    responses(
        (status = 200, body = JobView, description = "The job as it is now", headers(("Retry-After" = u32, description = "Seconds until a look is worth it; absent once the job has ended"))),
        jobs::Unknown,
    ),
)]
pub(crate) async fn status(
    api: State<Api>,
    owner: Extension<Owner>,
    site: Extension<Site>,
    id: Named,
    query: Fields<jobs::Wait>,
) -> Result<Response, Refusal> {
    jobs::one(api, owner, site, id, query).await
}

refusals!(Waited: JobFailed, TookTooLong);

/// Waits for the file, and answers 303 to it; a job that takes longer goes on by itself.
#[utoipa::path(
    post,
    path = "/v1/download/start",
    operation_id = "oldStart",
    tag = "deprecated",
    params(("Idempotency-Key" = Option<Uuid>, Header, description = "As of `POST /v1/jobs/download`")),
    request_body(content = InitiateRequest, description = "At most 16 KiB"),
    security(("token" = [])),
    responses(
        (status = 303, description = "To the file", headers(("Location" = String, description = "Where it is"))),
        initiate::Refused,
        Waited,
    ),
)]
pub(crate) async fn start(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    request: Request,
) -> Result<Response, Refusal> {
    let deadline = Instant::now() + api.blocking_wait;
    let mut job = initiate::accept(&api, owner.clone(), request).await?;
    while !job.status().is_final() && Instant::now() < deadline {
        if api.draining.is_cancelled() {
            return Err(initiate::draining().about(job.id));
        }
        job = jobs::wait_for_news(&api, &owner, job, deadline).await?;
    }
    match &job.state {
        JobState::Completed { artifact, .. } => {
            let signed = api.download_url(&site, &job, artifact).await?;
            let mut location = HeaderValue::from_str(signed.url.expose().as_str())
                .map_err(|_| super::manifest::not_completed())?;
            location.set_sensitive(true);
            Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
        }
        JobState::Failed { fault, .. } => {
            let detail = format!("Job {} failed: {}", job.id, fault.message);
            Err(Refusal::new(ProblemCode::JobFailed, detail).about(job.id))
        }
        _ => Err(still_made(job.id)),
    }
}

fn still_made(job: JobId) -> Refusal {
    let detail = format!(
        "The file is not made yet. Job {job} goes on; GET /v1/jobs/{job} tells how far it is."
    );
    Refusal::new(ProblemCode::TookTooLong, detail).about(job)
}

/// Says on each answer what to call instead.
pub(crate) async fn deprecated(id: Option<Path<String>>, request: Request, next: Next) -> Response {
    let successor = match id.and_then(|Path(text)| text.parse::<JobId>().ok()) {
        Some(id) => format!("</v1/jobs/{id}>; rel=\"successor-version\""),
        None if request.uri().path().starts_with("/v1/download/status/") => {
            "</v1/jobs>; rel=\"successor-version\"".to_owned()
        }
        None => "</v1/jobs/download>; rel=\"successor-version\"".to_owned(),
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(DEPRECATION, SINCE);
    if let Ok(link) = HeaderValue::try_from(successor) {
        headers.insert(header::LINK, link);
    }
    response
}
