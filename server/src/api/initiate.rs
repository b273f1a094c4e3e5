//! `POST /v1/jobs/download`: a click becomes a job, at once.

use std::time::Duration;

use axum::{
    Json,
    body::Body,
    extract::{Extension, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use longhaul_protocol::{
    FileId, IDEMPOTENCY_KEY, InitiateReply, InitiateRequest, JobId, POLL_INTERVAL, ProblemCode,
};
use longhaul_serve::TooSlow;
use serde::de::{DeserializeOwned, IgnoredAny};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::{Uuid, fmt::Hyphenated};

use super::{Api, openapi::refusals, problem::Refusal};
use crate::{
    queue::{Enqueued, IdempotencyKey, JobRecord, JobSource, NewJob, Owner},
    source::UrlRefusal,
};

/// Contract: the body is at most this.
const MAX_BODY: usize = 16 << 10;
/// A body that is too large is still read up to here, so that the refusal reaches the client.
const MAX_DISCARDED: usize = 4 << 20;
/// What a file system takes, and short enough to travel in a signed URL.
const MAX_NAME: usize = 255;
const DEFAULT_PRIORITY: u8 = 5;

refusals!(Refused: MalformedJson, BadRequest, UnknownFile, RequestTimeout, BodyTooLarge, UnsupportedMediaType,
    InvalidRequest, UrlNotAllowed, IdempotencyKeyReused, RateLimited, QueueFull, Draining);

/// Answers 202 with the job's id once the job is as durable as the queue makes it.
#[utoipa::path(
    post,
    path = "/v1/jobs/download",
    operation_id = "initiate",
    tag = "jobs",
    params(("Idempotency-Key" = Option<Uuid>, Header, description = "The same key with the same body within 24 hours gives the same job")),
    request_body(content = InitiateRequest, description = "At most 16 KiB"),
    security(("token" = [])),
    responses(
        (status = 202, body = InitiateReply, description = "The job is accepted, and as durable as `durability` says",
            headers(
                ("Location" = String, description = "Where to ask for its status"),
                ("Retry-After" = u32, description = "Seconds until the first look"),
            )),
        Refused,
    ),
)]
pub(crate) async fn initiate(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, Refusal> {
    let job = accept(&api, owner, request).await?;
    let check_url = format!("/v1/jobs/{}", job.id);
    let reply = InitiateReply {
        job_id: job.id,
        status: job.status(),
        check_url: check_url.clone(),
        durability: api.queue.durability(),
    };
    let headers = [
        (header::LOCATION, check_url),
        (header::RETRY_AFTER, POLL_INTERVAL.as_secs().to_string()),
    ];
    Ok((StatusCode::ACCEPTED, headers, Json(reply)).into_response())
}

/// Makes a request a job, as durable as the queue makes it.
pub(super) async fn accept(
    api: &Api,
    owner: Owner,
    request: Request,
) -> Result<JobRecord, Refusal> {
    if api.draining.is_cancelled() {
        return Err(draining());
    }
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let key = idempotency_key(&parts.headers)?;
    let body = read(body).await?;
    let request: InitiateRequest = parse(&body)?;
    let job = new_job(api, owner, request, key).await?;
    let (Enqueued::Fresh(job) | Enqueued::Same(job)) =
        api.queue.enqueue(job, api.clock.now()).await?;
    tracing::info!(job = %job.id, file = job.file_name, "accepted");
    Ok(job)
}

pub(super) fn draining() -> Refusal {
    Refusal::new(
        ProblemCode::Draining,
        "The server is shutting down and takes no new jobs; ask again shortly.",
    )
    .after(Duration::from_secs(10))
}

async fn new_job(
    api: &Api,
    owner: Owner,
    request: InitiateRequest,
    key: Option<Uuid>,
) -> Result<NewJob, Refusal> {
    let fingerprint = fingerprint(&request);
    let wanted = wanted(api, &request)?;
    let priority = request.priority.unwrap_or(DEFAULT_PRIORITY);
    if priority > 9 {
        return Err(invalid("priority", "must be from 0 to 9"));
    }
    let (source, offered) = match wanted {
        Wanted::File(file_id) => {
            let item = api.catalogue.find(file_id).await.ok_or_else(|| {
                Refusal::new(
                    ProblemCode::UnknownFile,
                    format!(
                        "The catalogue has no file {file_id}. GET /v1/files lists what there is."
                    ),
                )
            })?;
            (JobSource::File { file_id }, item.file_name.clone())
        }
        Wanted::Url(url) => {
            let offered = checked_name(name_in(&url)).unwrap_or_else(|_| "download".into());
            (JobSource::Url { url: url.into() }, offered)
        }
    };
    let file_name = match request.file_name {
        None => offered,
        Some(name) => checked_name(name)?,
    };
    Ok(NewJob {
        id: JobId::random(),
        owner,
        source,
        file_name,
        priority,
        max_attempts: api.max_attempts,
        idempotency: key.map(|key| IdempotencyKey { key, fingerprint }),
    })
}

enum Wanted {
    File(FileId),
    Url(Url),
}

fn wanted(api: &Api, request: &InitiateRequest) -> Result<Wanted, Refusal> {
    match (request.file_id, &request.url) {
        (Some(id), None) => Ok(Wanted::File(id)),
        (None, Some(url)) => match api.urls.map(|urls| urls.read(url)) {
            Some(Ok(url)) => Ok(Wanted::Url(url)),
            Some(Err(UrlRefusal::NotAUrl(why))) => Err(invalid("url", why)),
            Some(Err(UrlRefusal::NotAllowed(why))) => Err(Refusal::new(
                ProblemCode::UrlNotAllowed,
                format!("The URL {why}."),
            )),
            None => Err(Refusal::new(
                ProblemCode::UrlNotAllowed,
                "This server fetches no URLs; it offers the files of GET /v1/files.",
            )),
        },
        (Some(_), Some(_)) => Err(invalid("url", "cannot stand beside file_id")),
        (None, None) => Err(invalid("file_id", "is missing")),
    }
}

/// What the file at a URL is called, as far as its path says.
fn name_in(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut parts| parts.next_back());
    percent_encoding::percent_decode_str(last.unwrap_or_default())
        .decode_utf8_lossy()
        .into_owned()
}

/// A name is shown and travels in a header; where it lands is the client's to make safe. What could
/// not be a name on any system is refused here already.
fn checked_name(name: String) -> Result<String, Refusal> {
    let why = if name.trim().is_empty() {
        "must not be empty"
    } else if name.chars().count() > MAX_NAME {
        "must be at most 255 characters"
    } else if name.chars().any(char::is_control) {
        "must not hold control characters"
    } else if name.contains(['/', '\\']) || matches!(name.trim(), "." | "..") {
        "must be a name, not a path"
    } else {
        return Ok(name);
    };
    Err(invalid("fileName", why))
}

fn invalid(field: &str, why: &str) -> Refusal {
    Refusal::new(ProblemCode::InvalidRequest, format!("{field} {why}"))
}

/// The same request in another order of fields is the same request.
fn fingerprint(request: &InitiateRequest) -> String {
    let canonical = serde_json::to_vec(request).unwrap_or_default();
    hex::encode(Sha256::digest(canonical))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Uuid>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim_matches('"');
    text.parse::<Hyphenated>()
        .map(|key| Some(key.into_uuid()))
        .map_err(|_| invalid("Idempotency-Key", "must be a UUID"))
}

pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::new(
        ProblemCode::UnsupportedMediaType,
        "Send the body as application/json.",
    ))
}

async fn read(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cut_short(&error))?;
        if let Some(data) = frame.data_ref() {
            seen += data.len();
            if seen <= MAX_BODY {
                bytes.extend_from_slice(data);
            }
        }
        if seen > MAX_DISCARDED {
            break;
        }
    }
    if seen > MAX_BODY {
        return Err(Refusal::new(
            ProblemCode::BodyTooLarge,
            format!("The body may have at most {MAX_BODY} bytes."),
        ));
    }
    Ok(bytes)
}

fn cut_short(error: &axum::Error) -> Refusal {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return Refusal::new(
                ProblemCode::RequestTimeout,
                "The body did not come whole in time; no job was made.",
            );
        }
        cause = error.source();
    }
    Refusal::new(ProblemCode::BadRequest, "The body ended before its time.")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // serde takes an array for a struct, field by field; the contract does not.
    if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<IgnoredAny>(body).map_err(|error| malformed(&error))?;
        return Err(invalid("body", "must be an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let field = if path == "." { "body" } else { &path };
            invalid(field, &format!("is not valid: {inner}"))
        } else {
            malformed(&inner)
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Refusal {
    Refusal::new(
        ProblemCode::MalformedJson,
        format!("The body is not JSON: {error}"),
    )
}
