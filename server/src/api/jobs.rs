//! `GET /v1/jobs/{id}` and `GET /v1/jobs`: how far one job is, many jobs at once, and a listing.

use std::time::Duration;

use axum::{
    Json,
    extract::{Extension, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use longhaul_protocol::{JobId, JobStatus, JobView, JobsPage, JobsReply, ProblemCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::{
    Api,
    extract::{Fields, Named},
    openapi::refusals,
    pace::paced,
    problem::Refusal,
};
use crate::{
    middleware::Site,
    queue::{JobRecord, JobState, Owner},
};

/// Contract: so many jobs in one poll.
const MAX_IDS: usize = 200;
/// Contract: nobody waits longer.
const MAX_WAIT: u64 = 25;
const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 200;
/// Bytes that hold a job as JSON, unless it has ended.
const USUAL: usize = 512;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// A cursor's length: acceptance and id, in hex.
const CURSOR: usize = 48;

/// Query of a single poll.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// Answer when status or progress changes, or after so many seconds
    #[param(value_type = Option<u8>, maximum = 25, nullable = false)]
    wait: Option<String>,
}

refusals!(Unknown: UnknownJob);

/// One job. With `?wait=N`, when its status or progress changes, or after N seconds.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    operation_id = "job",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job"), Wait),
    security(("token" = [])),
    responses(
        (status = 200, body = JobView, description = "The job as it is now", headers(("Retry-After" = u32, description = "Seconds until a look is worth it; absent once the job has ended"))),
        Unknown,
    ),
)]
pub(crate) async fn one(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    Named(id): Named,
    Fields(query): Fields<Wait>,
) -> Result<Response, Refusal> {
    let wait = wait(query.wait.as_deref())?.min(api.max_wait);
    if wait.is_zero()
        && let Some(seen) = api.queue.glance(&owner, id, api.clock.now())
    {
        let view = api.view_at(&site, &seen.job, seen.position).await?;
        return Ok(api.answer(&seen.job, &view, api.clock.now()));
    }
    let mut job = api.find(&owner, id).await?;
    if !wait.is_zero() && !job.status().is_final() {
        job = wait_for_news(&api, &owner, job, Instant::now() + wait).await?;
    }
    let view = api.view(&site, &job).await?;
    Ok(api.answer(&job, &view, api.clock.now()))
}

/// [`one`] for whoever neither waits nor has a result to be signed: most polls, which memory alone
/// answers. None for all others, whatever they are.
pub(crate) fn at_once(api: &Api, owner: &Owner, id: JobId) -> Option<Response> {
    let now = api.clock.now();
    let seen = api.queue.glance(owner, id, now)?;
    if matches!(seen.job.state, JobState::Completed { .. }) {
        return None;
    }
    let view = api.shown(&seen.job, seen.position, None, now);
    Some(api.answer(&seen.job, &view, now))
}

/// The job once there is news of it, at the deadline, or as the server goes.
pub(super) async fn wait_for_news(
    api: &Api,
    owner: &Owner,
    mut job: JobRecord,
    deadline: Instant,
) -> Result<JobRecord, Refusal> {
    let first = sight(&job);
    while sight(&job) == first {
        let news = tokio::select! {
            () = api.queue.changed(job.id, job.revision) => true,
            () = tokio::time::sleep_until(deadline) => false,
            // Nobody is kept waiting by a server that goes.
            () = api.draining.cancelled() => false,
        };
        if !news {
            break;
        }
        job = api.find(owner, job.id).await?;
    }
    Ok(job)
}

/// What a change of is news to somebody who waits.
fn sight(job: &JobRecord) -> (JobStatus, u32, u8) {
    let percent = match &job.state {
        JobState::Processing { progress, .. } => progress.percent,
        _ => 0,
    };
    (job.status(), job.attempt, percent)
}

/// Query of a poll for many jobs, or of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Many {
    /// Jobs to poll together, parted by commas
    #[param(value_type = Option<Vec<JobId>>, style = Form, explode = false, min_items = 1, max_items = 200, nullable = false)]
    ids: Option<String>,
    /// Only jobs of this status
    #[param(value_type = Option<JobStatus>, nullable = false)]
    status: Option<String>,
    /// So many jobs at most; 50 where absent
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, nullable = false)]
    limit: Option<String>,
    /// `nextCursor` of the page before
    #[param(pattern = "^([0-9A-Fa-f]{48})?$", nullable = false)]
    cursor: Option<String>,
}

/// The answer of [`many`].
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Jobs {
    /// Of a poll with `ids`
    Polled(JobsReply),
    /// Of a listing
    Page(JobsPage),
}

/// Many jobs in one poll (`ids`), or the caller's own, newest first, a page at a time.
#[utoipa::path(
    get,
    path = "/v1/jobs",
    operation_id = "jobs",
    tag = "jobs",
    params(Many),
    security(("token" = [])),
    responses(
        (status = 200, body = Jobs, description = "With `ids`, those jobs; otherwise a page of the caller's own, newest first",
            headers(("Retry-After" = u32, description = "Seconds until a look is worth it; the smallest of the jobs' own, absent once all have ended"))),
    ),
)]
pub(crate) async fn many(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    Fields(query): Fields<Many>,
) -> Result<Response, Refusal> {
    // Beside ids the others say nothing, and are still held to be right.
    let asked = Asked::read(&query)?;
    match &query.ids {
        Some(ids) => poll(&api, &owner, &site, ids).await,
        None => {
            let page = page(&api, &owner, &site, &asked).await?;
            Ok(Json(Jobs::Page(page)).into_response())
        }
    }
}

/// What a listing is asked for.
struct Asked {
    status: Option<JobStatus>,
    limit: usize,
    cursor: Option<String>,
}

impl Asked {
    fn read(query: &Many) -> Result<Self, Refusal> {
        let status = match query.status.as_deref() {
            None => None,
            Some("pending") => Some(JobStatus::Pending),
            Some("processing") => Some(JobStatus::Processing),
            Some("completed") => Some(JobStatus::Completed),
            Some("failed") => Some(JobStatus::Failed),
            Some(_) => {
                return Err(invalid(
                    "status",
                    "must be pending, processing, completed or failed",
                ));
            }
        };
        let cursor = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
        let is_ours = |cursor: &str| {
            cursor.len() == CURSOR && cursor.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if cursor.is_some_and(|cursor| !is_ours(cursor)) {
            return Err(invalid("cursor", "is not one that this server gave"));
        }
        Ok(Self {
            status,
            limit: limit(query.limit.as_deref(), DEFAULT_PAGE, MAX_PAGE)?,
            cursor: cursor.map(str::to_owned),
        })
    }
}

async fn poll(api: &Api, owner: &Owner, site: &Site, ids: &str) -> Result<Response, Refusal> {
    let ids: Vec<JobId> = ids
        .split(',')
        .map(|id| {
            id.trim()
                .parse()
                .map_err(|_| invalid("ids", "must be job ids, parted by commas"))
        })
        .collect::<Result<_, _>>()?;
    if ids.len() > MAX_IDS {
        return Err(invalid(
            "ids",
            "holds more than 200 jobs; ask in several requests",
        ));
    }
    let found = api.queue.get(owner, &ids, true, api.clock.now()).await?;
    let mut reply = JobsReply {
        jobs: Vec::with_capacity(found.len()),
        missing: Vec::new(),
    };
    let mut soonest = None::<Duration>;
    for (id, job) in ids.into_iter().zip(found) {
        let Some(job) = job else {
            reply.missing.push(id);
            continue;
        };
        let view = api.view(site, &job).await?;
        if let Some(wait) = api.come_back(&job, &view, api.clock.now()) {
            soonest = Some(soonest.map_or(wait, |soonest| soonest.min(wait)));
        }
        reply.jobs.push(view);
    }
    Ok(paced(soonest, Json(Jobs::Polled(reply))))
}

async fn page(api: &Api, owner: &Owner, site: &Site, asked: &Asked) -> Result<JobsPage, Refusal> {
    let page = api
        .queue
        .list(owner, asked.status, asked.cursor.as_deref(), asked.limit)
        .await
        .map_err(|error| match error {
            crate::queue::QueueError::Conflict(_) => {
                invalid("cursor", "is not one that this server gave")
            }
            other => other.into(),
        })?;
    let mut jobs = Vec::with_capacity(page.jobs.len());
    for job in &page.jobs {
        jobs.push(api.view(site, job).await?);
    }
    Ok(JobsPage {
        jobs,
        next_cursor: page.next,
    })
}

impl Api {
    fn answer(&self, job: &JobRecord, view: &JobView, now: Timestamp) -> Response {
        paced(self.come_back(job, view, now), written(view))
    }

    /// The caller's job, and a note that somebody still waits for it.
    pub(super) async fn find(&self, owner: &Owner, id: JobId) -> Result<JobRecord, Refusal> {
        let mut found = self.queue.get(owner, &[id], true, self.clock.now()).await?;
        found.pop().flatten().ok_or_else(Refusal::unknown_job)
    }
}

/// A job as JSON, in one piece of memory.
fn written(view: &JobView) -> Response {
    let mut text = Vec::with_capacity(USUAL);
    match serde_json::to_writer(&mut text, view) {
        Ok(()) => ([(header::CONTENT_TYPE, JSON)], text).into_response(),
        Err(_) => {
            Refusal::new(ProblemCode::Internal, "The job could not be written.").into_response()
        }
    }
}

/// A page's length, from its query.
pub(super) fn limit(text: Option<&str>, default: usize, most: usize) -> Result<usize, Refusal> {
    match text {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(invalid("limit", &format!("must be from 1 to {most}"))),
        },
    }
}

fn wait(text: Option<&str>) -> Result<Duration, Refusal> {
    match text.map(str::parse::<u64>) {
        None => Ok(Duration::ZERO),
        Some(Ok(seconds)) if seconds <= MAX_WAIT => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(invalid("wait", "must be whole seconds from 0 to 25")),
    }
}

fn invalid(field: &str, why: &str) -> Refusal {
    Refusal::new(ProblemCode::InvalidRequest, format!("{field} {why}"))
}
