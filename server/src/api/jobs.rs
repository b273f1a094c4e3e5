//! `GET /v1/jobs/{id}` and `GET /v1/jobs`: how far one job is, many jobs at once, and a listing.

use std::time::Duration;

use axum::{
    Json,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use longhaul_protocol::{JobId, JobStatus, JobsPage, JobsReply, ProblemCode};
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    Api,
    extract::{Fields, Named},
    pace::paced,
    problem::Refusal,
};
use crate::{
    middleware::Site,
    queue::{JobRecord, Owner},
};

/// Contract: so many jobs in one poll.
const MAX_IDS: usize = 200;
/// Contract: nobody waits longer.
const MAX_WAIT: u64 = 25;
const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 200;

/// Query of a single poll.
#[derive(Debug, Deserialize)]
pub(crate) struct Wait {
    wait: Option<String>,
}

/// One job. With `?wait=N`, when its status or progress changes, or after N seconds.
pub(crate) async fn one(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    Named(id): Named,
    Fields(query): Fields<Wait>,
) -> Result<Response, Refusal> {
    let wait = wait(query.wait.as_deref())?.min(api.max_wait);
    // Most polls are answered from memory, without waiting for anything.
    if wait.is_zero()
        && let Some(seen) = api.queue.glance(&owner, id, api.clock.now())
    {
        let view = api.view_at(&site, &seen.job, seen.position).await?;
        return Ok(paced(api.come_back(&seen.job, &view), Json(view)));
    }
    let mut job = api.find(&owner, id).await?;
    if !wait.is_zero() && !job.status().is_final() {
        job = wait_for_news(&api, &owner, job, Instant::now() + wait).await?;
    }
    let view = api.view(&site, &job).await?;
    Ok(paced(api.come_back(&job, &view), Json(view)))
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
        crate::queue::JobState::Processing { progress, .. } => progress.percent,
        _ => 0,
    };
    (job.status(), job.attempt, percent)
}

/// Query of a poll for many jobs, or of a listing.
#[derive(Debug, Deserialize)]
pub(crate) struct Many {
    ids: Option<String>,
    status: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// Many jobs in one poll (`ids`), or the caller's own, newest first, a page at a time.
pub(crate) async fn many(
    State(api): State<Api>,
    Extension(owner): Extension<Owner>,
    Extension(site): Extension<Site>,
    Fields(query): Fields<Many>,
) -> Result<Response, Refusal> {
    match &query.ids {
        Some(ids) => poll(&api, &owner, &site, ids).await,
        None => Ok(Json(page(&api, &owner, &site, &query).await?).into_response()),
    }
}

async fn poll(api: &Api, owner: &Owner, site: &Site, ids: &str) -> Result<Response, Refusal> {
    let ids: Vec<JobId> = ids
        .split(',')
        .filter(|id| !id.is_empty())
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
        if let Some(wait) = api.come_back(&job, &view) {
            soonest = Some(soonest.map_or(wait, |soonest| soonest.min(wait)));
        }
        reply.jobs.push(view);
    }
    Ok(paced(soonest, Json(reply)))
}

async fn page(api: &Api, owner: &Owner, site: &Site, query: &Many) -> Result<JobsPage, Refusal> {
    let status = match query.status.as_deref().filter(|status| !status.is_empty()) {
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
    let limit = limit(query.limit.as_deref(), DEFAULT_PAGE, MAX_PAGE)?;
    let page = api
        .queue
        .list(owner, status, query.cursor.as_deref(), limit)
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
    /// The caller's job, and a note that somebody still waits for it.
    pub(super) async fn find(&self, owner: &Owner, id: JobId) -> Result<JobRecord, Refusal> {
        let mut found = self.queue.get(owner, &[id], true, self.clock.now()).await?;
        found.pop().flatten().ok_or_else(Refusal::unknown_job)
    }
}

/// A page's length, from its query.
pub(super) fn limit(text: Option<&str>, default: usize, most: usize) -> Result<usize, Refusal> {
    match text.filter(|text| !text.is_empty()) {
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
