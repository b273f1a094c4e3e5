//! A job server and an S3 in one process, with a handle on everything that can go wrong.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use longhaul_protocol::{
    Crc64Nvme, Durability, FaultCode, FileEntry, FileId, FilesPage, IDEMPOTENCY_KEY, InitiateReply,
    InitiateRequest, JobFault, JobId, JobResult, JobStatus, JobView, JobsReply, Manifest, Problem,
    ProblemCode, Sha256, SignedUrl, SourceKind, Stage, Token, block_size_for,
};
use sha2::Digest as _;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::Instant};
use url::Url;
use uuid::Uuid;

/// The token that must never be seen in a log or an error.
pub(crate) const TOKEN: &str = "canary-token-9f3b";
/// What a signed link carries, and must never be seen either.
pub(crate) const SIGNATURE: &str = "canary-signature-77aa";

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) key: Option<Uuid>,
    pub(crate) at: Instant,
}

#[derive(Debug, Clone)]
struct Job {
    id: JobId,
    file: u64,
    status: JobStatus,
    progress: u8,
    fault: Option<JobFault>,
}

#[derive(Debug, Default)]
struct Inner {
    files: HashMap<u64, (String, Bytes)>,
    jobs: HashMap<JobId, Job>,
    by_key: HashMap<Uuid, JobId>,
    calls: Vec<Call>,
    /// Jobs complete when they are first looked at.
    hold_jobs: bool,
    /// The server is away, as a gateway tells it.
    down: bool,
    /// The next initiates are refused so.
    refusals: Vec<(ProblemCode, Option<u64>)>,
    /// Answers of initiates are lost after the job was made.
    lose_replies: u32,
    /// Links signed before this generation have run out.
    generation: u64,
    /// Bytes of objects that went out, over all replies.
    served: u64,
    open_pulls: HashMap<JobId, usize>,
    most_pulls: usize,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    address: SocketAddr,
    /// How many bytes of each object may go out in one reply before it waits.
    gate: watch::Sender<u64>,
    /// How often all replies were cut.
    cuts: watch::Sender<u64>,
}

/// The running fake; it stops when dropped.
pub(crate) struct Fake {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let shared = Arc::new(Shared {
            inner: Mutex::default(),
            address: listener.local_addr().expect("an address"),
            gate: watch::Sender::new(u64::MAX),
            cuts: watch::Sender::new(0),
        });
        let router = router(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, task }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().expect("no test panics with it")
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}", self.shared.address)
            .parse()
            .expect("a URL")
    }

    pub(crate) fn token(&self) -> Token {
        Token::new(TOKEN)
    }

    pub(crate) fn offer(&self, id: u64, name: &str, content: Vec<u8>) {
        self.inner()
            .files
            .insert(id, (name.to_owned(), content.into()));
    }

    /// Jobs stay pending until told otherwise.
    pub(crate) fn hold_jobs(&self) {
        self.inner().hold_jobs = true;
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.inner().down = down;
    }

    pub(crate) fn refuse_next(&self, code: ProblemCode, retry_after: Option<u64>) {
        self.inner().refusals.push((code, retry_after));
    }

    pub(crate) fn lose_replies(&self, count: u32) {
        self.inner().lose_replies = count;
    }

    pub(crate) fn forget_jobs(&self) {
        let mut inner = self.inner();
        inner.jobs.clear();
        inner.by_key.clear();
    }

    pub(crate) fn expire_links(&self) {
        self.inner().generation += 1;
    }

    /// Ends every reply that is under way, in the middle.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets only so many bytes of each reply out; `u64::MAX` opens the gate.
    pub(crate) fn gate(&self, bytes: u64) {
        self.shared.gate.send_replace(bytes);
    }

    pub(crate) fn move_job(&self, id: JobId, status: JobStatus, progress: u8) {
        let mut inner = self.inner();
        let job = inner.jobs.get_mut(&id).expect("a job");
        job.status = status;
        job.progress = progress;
    }

    /// Every job is done.
    pub(crate) fn complete_all(&self) {
        for job in self.inner().jobs.values_mut() {
            job.status = JobStatus::Completed;
            job.progress = 100;
        }
    }

    pub(crate) fn fail_job(&self, id: JobId, code: FaultCode, message: &str) {
        let mut inner = self.inner();
        let job = inner.jobs.get_mut(&id).expect("a job");
        job.status = JobStatus::Failed;
        job.fault = Some(JobFault {
            code,
            message: message.to_owned(),
            retryable: true,
        });
    }

    pub(crate) fn job_status(&self, id: JobId) -> Option<JobStatus> {
        self.inner().jobs.get(&id).map(|job| job.status)
    }

    pub(crate) fn jobs_made(&self) -> usize {
        self.inner().jobs.len()
    }

    pub(crate) fn calls(&self, method: &Method, path: &str) -> Vec<Call> {
        self.inner()
            .calls
            .iter()
            .filter(|call| call.method == *method && call.path.starts_with(path))
            .cloned()
            .collect()
    }

    pub(crate) fn served(&self) -> u64 {
        self.inner().served
    }

    pub(crate) fn most_pulls(&self) -> usize {
        self.inner().most_pulls
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/jobs/download", post(initiate))
        .route("/v1/jobs", get(jobs))
        .route("/v1/jobs/{id}", get(job).delete(cancel))
        .route("/v1/jobs/{id}/retry", post(retry))
        .route("/v1/jobs/{id}/manifest", get(manifest))
        .route("/v1/files", get(files))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), let_in))
        .route("/bucket/{id}", get(object))
        .route("/plain/{file}", get(plain))
        .with_state(shared)
}

type Fakes = State<Arc<Shared>>;

fn problem(code: ProblemCode, detail: &str) -> Response {
    let status = StatusCode::from_u16(code.status()).expect("a status");
    (status, Json(Problem::new(code, detail))).into_response()
}

async fn let_in(State(shared): Fakes, request: Request, next: Next) -> Response {
    let down = {
        let mut inner = shared.inner.lock().expect("alive");
        inner.calls.push(Call {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            key: request
                .headers()
                .get(IDEMPOTENCY_KEY)
                .and_then(|key| key.to_str().ok()?.parse().ok()),
            at: Instant::now(),
        });
        inner.down
    };
    if down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if bearer != Some(&format!("Bearer {TOKEN}")) {
        return problem(ProblemCode::Unauthorized, "no valid token");
    }
    next.run(request).await
}

async fn initiate(
    State(shared): Fakes,
    headers: HeaderMap,
    Json(request): Json<InitiateRequest>,
) -> Response {
    let mut inner = shared.inner.lock().expect("alive");
    if !inner.refusals.is_empty() {
        let (code, after) = inner.refusals.remove(0);
        let mut response = problem(code, "refused by the test");
        if let Some(after) = after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, after.into());
        }
        return response;
    }
    let Some(file) = request.file_id.map(FileId::get) else {
        return problem(ProblemCode::UrlNotAllowed, "URL jobs are off here");
    };
    if !inner.files.contains_key(&file) {
        return problem(
            ProblemCode::UnknownFile,
            &format!("there is no file {file} in the catalogue"),
        );
    }
    let key: Uuid = headers
        .get(IDEMPOTENCY_KEY)
        .and_then(|key| key.to_str().ok()?.parse().ok())
        .expect("each click has a key");
    let id = match inner.by_key.get(&key) {
        Some(id) => *id,
        None => {
            let id = JobId::random();
            inner.by_key.insert(key, id);
            inner.jobs.insert(
                id,
                Job {
                    id,
                    file,
                    status: JobStatus::Pending,
                    progress: 0,
                    fault: None,
                },
            );
            id
        }
    };
    if inner.lose_replies > 0 {
        inner.lose_replies -= 1;
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    let status = inner.jobs[&id].status;
    (
        StatusCode::ACCEPTED,
        Json(InitiateReply {
            job_id: id,
            status,
            check_url: format!("/v1/jobs/{id}"),
            durability: Durability::Memory,
        }),
    )
        .into_response()
}

fn etag_of(content: &[u8]) -> String {
    format!("\"{}\"", &sha_of(content).to_string()[..32])
}

pub(crate) fn sha_of(content: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(content).into())
}

fn crc_of(content: &[u8]) -> Crc64Nvme {
    Crc64Nvme(crc_fast::checksum(
        crc_fast::CrcAlgorithm::Crc64Nvme,
        content,
    ))
}

fn look(shared: &Shared, inner: &mut Inner, id: JobId) -> Option<JobView> {
    let hold = inner.hold_jobs;
    let generation = inner.generation;
    let job = inner.jobs.get_mut(&id)?;
    if !hold && job.status == JobStatus::Pending {
        job.status = JobStatus::Completed;
        job.progress = 100;
    }
    let job = job.clone();
    let (name, content) = inner.files.get(&job.file)?.clone();
    let now = jiff::Timestamp::now();
    let result = (job.status == JobStatus::Completed).then(|| JobResult {
        download_url: SignedUrl::new(
            format!(
                "http://{}/bucket/{id}?signature={SIGNATURE}&generation={generation}",
                shared.address
            )
            .parse()
            .expect("a URL"),
        ),
        expires_at: now + jiff::SignedDuration::from_secs(900),
        size: content.len() as u64,
        etag: etag_of(&content),
        sha256: sha_of(&content),
        crc64nvme: crc_of(&content),
        manifest_url: format!("/v1/jobs/{id}/manifest"),
        artifact_expires_at: now + jiff::SignedDuration::from_secs(86_400),
    });
    Some(JobView {
        job_id: job.id,
        status: job.status,
        progress: job.progress,
        result,
        error: job.fault,
        stage: match job.status {
            JobStatus::Pending => Stage::Queued,
            JobStatus::Processing => Stage::Uploading,
            JobStatus::Completed | JobStatus::Failed => Stage::Done,
        },
        bytes_done: content.len() as u64 * u64::from(job.progress) / 100,
        bytes_total: Some(content.len() as u64),
        queue_position: None,
        attempt: u32::from(job.status != JobStatus::Pending),
        max_attempts: 3,
        cancels_at: None,
        file_name: name,
        created_at: now,
        updated_at: now,
    })
}

async fn jobs(State(shared): Fakes, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut inner = shared.inner.lock().expect("alive");
    let Some(ids) = query.get("ids") else {
        return Json(serde_json::json!({ "jobs": [], "nextCursor": null })).into_response();
    };
    let mut reply = JobsReply {
        jobs: Vec::new(),
        missing: Vec::new(),
    };
    for id in ids.split(',') {
        let id: JobId = id.parse().expect("an id");
        match look(&shared, &mut inner, id) {
            Some(job) => reply.jobs.push(job),
            None => reply.missing.push(id),
        }
    }
    Json(reply).into_response()
}

async fn job(
    State(shared): Fakes,
    Path(id): Path<JobId>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let until = query
        .get("wait")
        .map(|seconds| Instant::now() + Duration::from_secs(seconds.parse().expect("seconds")));
    let mut first = None;
    loop {
        let seen = look(&shared, &mut shared.inner.lock().expect("alive"), id);
        let Some(job) = seen else {
            return problem(ProblemCode::UnknownJob, "no such job");
        };
        let state = (job.status, job.progress);
        let changed = first.is_some_and(|first| first != state);
        first = Some(state);
        if changed || job.status.is_final() || until.is_none_or(|until| until <= Instant::now()) {
            return Json(job).into_response();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn cancel(State(shared): Fakes, Path(id): Path<JobId>) -> Response {
    let mut inner = shared.inner.lock().expect("alive");
    let Some(job) = inner.jobs.get_mut(&id) else {
        return problem(ProblemCode::UnknownJob, "no such job");
    };
    job.status = JobStatus::Failed;
    job.fault = Some(JobFault {
        code: FaultCode::Cancelled,
        message: "cancelled".into(),
        retryable: true,
    });
    StatusCode::NO_CONTENT.into_response()
}

async fn retry(State(shared): Fakes, Path(id): Path<JobId>) -> Response {
    let mut inner = shared.inner.lock().expect("alive");
    let Some(job) = inner.jobs.get_mut(&id) else {
        return problem(ProblemCode::UnknownJob, "no such job");
    };
    if job.status != JobStatus::Failed {
        return problem(ProblemCode::Conflict, "it is not failed");
    }
    job.status = JobStatus::Pending;
    job.progress = 0;
    job.fault = None;
    let view = look(&shared, &mut inner, id);
    Json(view).into_response()
}

async fn manifest(State(shared): Fakes, Path(id): Path<JobId>) -> Response {
    let inner = shared.inner.lock().expect("alive");
    let Some((_, content)) = inner
        .jobs
        .get(&id)
        .and_then(|job| inner.files.get(&job.file))
    else {
        return problem(ProblemCode::UnknownJob, "no such job");
    };
    let block_size = block_size_for(content.len() as u64);
    Json(Manifest {
        size: content.len() as u64,
        etag: etag_of(content),
        block_size,
        crc64nvme: content.chunks(block_size as usize).map(crc_of).collect(),
        sha256: sha_of(content),
    })
    .into_response()
}

async fn files(
    State(shared): Fakes,
    Query(query): Query<HashMap<String, String>>,
) -> Json<FilesPage> {
    let inner = shared.inner.lock().expect("alive");
    let word = query.get("query").cloned().unwrap_or_default();
    let mut files: Vec<_> = inner
        .files
        .iter()
        .filter(|(_, (name, _))| name.contains(&word))
        .map(|(id, (name, content))| FileEntry {
            file_id: FileId::new(*id).expect("small"),
            name: name.clone(),
            size: Some(content.len() as u64),
            kind: SourceKind::Path,
            modified_at: None,
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Json(FilesPage {
        files,
        next_cursor: None,
    })
}

/// Counts the pulls of different objects that are open at the same time.
struct Open(Arc<Shared>, Option<JobId>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Ok(mut inner) = self.0.inner.lock() {
            if let Some(open) = self.1.and_then(|id| inner.open_pulls.get_mut(&id)) {
                *open -= 1;
            }
            inner.open_pulls.retain(|_, open| *open > 0);
        }
    }
}

async fn object(
    State(shared): Fakes,
    Path(id): Path<JobId>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (content, current) = {
        let mut inner = shared.inner.lock().expect("alive");
        let Some(job) = inner.jobs.get(&id) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let content = inner.files[&job.file].1.clone();
        *inner.open_pulls.entry(id).or_default() += 1;
        inner.most_pulls = inner.most_pulls.max(inner.open_pulls.len());
        (content, inner.generation)
    };
    let open = Open(Arc::clone(&shared), Some(id));
    if query.get("signature").map(String::as_str) != Some(SIGNATURE)
        || query.get("generation") != Some(&current.to_string())
    {
        return (
            StatusCode::FORBIDDEN,
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        )
            .into_response();
    }
    answer(&shared, &headers, content, open)
}

/// A file as any web server has it: without a job, a token or a signature.
async fn plain(State(shared): Fakes, Path(file): Path<u64>, headers: HeaderMap) -> Response {
    let found = shared
        .inner
        .lock()
        .expect("alive")
        .files
        .get(&file)
        .cloned();
    let Some((name, content)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = answer(&shared, &headers, content, Open(Arc::clone(&shared), None));
    let disposition = format!("attachment; filename=\"{name}\"");
    let disposition = disposition.parse().expect("a header");
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, disposition);
    response
}

fn answer(shared: &Shared, headers: &HeaderMap, content: Bytes, open: Open) -> Response {
    let etag = etag_of(&content);
    if headers
        .get(header::IF_MATCH)
        .is_some_and(|wanted| wanted.as_bytes() != etag.as_bytes())
    {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let size = content.len();
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes="))
        .and_then(|range| {
            let (from, to) = range.split_once('-')?;
            let from: usize = from.parse().ok()?;
            let to = to.parse().unwrap_or(size.saturating_sub(1));
            Some((from, to.min(size.saturating_sub(1))))
        });
    let mut response = Response::builder()
        .header(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, "bytes");
    let part = match range {
        Some((from, _)) if from >= size => {
            return response
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"))
                .body(Body::empty())
                .expect("a response");
        }
        Some((from, to)) => {
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, format!("bytes {from}-{to}/{size}"));
            content.slice(from..=to)
        }
        None => content,
    };
    response
        .header(header::CONTENT_LENGTH, part.len())
        .body(Body::from_stream(gated(
            open,
            part,
            shared.gate.subscribe(),
            shared.cuts.subscribe(),
        )))
        .expect("a response")
}

/// The bytes, as far as the gate lets them; the rest when it opens, unless it is cut before.
fn gated(
    open: Open,
    content: Bytes,
    gate: watch::Receiver<u64>,
    cuts: watch::Receiver<u64>,
) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::unfold(
        (open, content, 0u64, gate, cuts),
        |(open, mut content, sent, mut gate, mut cuts)| async move {
            if content.is_empty() {
                return None;
            }
            let allowed = tokio::select! {
                biased;
                _ = cuts.changed() => None,
                allowed = gate.wait_for(|allowed| *allowed > sent) => Some(*allowed.ok()?),
            };
            let Some(allowed) = allowed else {
                let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                return Some((Err(cut), (open, Bytes::new(), sent, gate, cuts)));
            };
            let step = (allowed - sent).min(64 << 10).min(content.len() as u64);
            let chunk = content.split_to(step as usize);
            open.0.inner.lock().ok()?.served += step;
            Some((Ok(chunk), (open, content, sent + step, gate, cuts)))
        },
    )
}
