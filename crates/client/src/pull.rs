//! One pull: a job's artifact becomes a file, by links that the server signs as often as needed; or
//! a URL does, by itself.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use async_trait::async_trait;
use longhaul_protocol::{FaultCode, JobFault, JobId, JobResult, JobStatus, Sha256, SignedUrl};
use longhaul_transfer::{
    Engine, Expected, Finished, Limit, Link, LinkError, LinkReason, LinkSource, Plain, Progress,
    Request, Sort, WhenTaken,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use crate::{
    api::{Api, ApiError},
    poll::is_unknown_job,
};

/// The way to the server, which may move (the embedded server gets a new port at each start)
/// while pulls run.
#[derive(Debug, Clone)]
pub(crate) struct SharedApi(Arc<RwLock<Arc<Api>>>);

impl SharedApi {
    pub(crate) fn new(api: Api) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(api))))
    }

    pub(crate) fn get(&self) -> Arc<Api> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, api: Api) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(api);
    }
}

/// What is to be pulled.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    pub(crate) what: What,
    pub(crate) folder: PathBuf,
    pub(crate) sort: Option<Sort>,
    pub(crate) when_taken: WhenTaken,
    pub(crate) wanted_sha256: Option<Sha256>,
    pub(crate) connections: u8,
    pub(crate) limit: Limit,
}

/// Where its bytes come from.
#[derive(Debug)]
pub(crate) enum What {
    /// The artifact of a job.
    Job(JobId),
    /// A URL of anybody's.
    Direct(Url),
}

/// How a pull ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The file is there.
    Finished(Box<Finished>),
    /// It was told to stop.
    Stopped,
    /// The server could not be asked; it says nothing about the file.
    ServerAway,
    /// The server does not know the job any more.
    Forgotten,
    /// The job's artifact is no longer to be had, or is another one than it was.
    JobChanged,
    /// The job failed.
    JobFailed(JobFault),
    /// The file is not the one that the user asked for.
    WrongDigest { wanted: Sha256, offered: Sha256 },
    /// The transfer failed.
    Failed(longhaul_transfer::Error),
}

/// Pulls one artifact. Ends early, with everything kept, once `stop` is cancelled.
pub(crate) async fn run(
    api: SharedApi,
    engine: Engine,
    order: Order,
    progress: watch::Sender<Progress>,
    stop: CancellationToken,
) -> End {
    let (links, request) = match &order.what {
        What::Direct(url) => (None, direct(&order, url)),
        What::Job(job) => {
            let prepared = tokio::select! {
                biased;
                () = stop.cancelled() => return End::Stopped,
                prepared = prepare(&api, &order, *job) => prepared,
            };
            match prepared {
                Ok((links, request)) => (Some(links), request),
                Err(end) => return end,
            }
        }
    };
    match engine.pull(request, &progress, stop.clone()).await {
        Ok(finished) => End::Finished(Box::new(finished)),
        Err(_) if stop.is_cancelled() => End::Stopped,
        Err(error) => links
            .and_then(|links| links.why())
            .unwrap_or(End::Failed(error)),
    }
}

fn direct(order: &Order, url: &Url) -> Request {
    let expected = Expected {
        sha256: order.wanted_sha256,
        ..Expected::default()
    };
    let source = Arc::new(Plain::new(SignedUrl::new(url.clone())));
    request(order, source, None, expected)
}

fn request(
    order: &Order,
    source: Arc<dyn LinkSource>,
    name: Option<String>,
    expected: Expected,
) -> Request {
    Request {
        id: order.id,
        source,
        mirrors: Vec::new(),
        folder: order.folder.clone(),
        sort: order.sort.clone(),
        settles: true,
        name,
        when_taken: order.when_taken,
        expected,
        connections: order.connections,
        limit: order.limit.clone(),
        headers: Default::default(),
    }
}

/// Asks the server what the artifact is, and how its blocks are checked.
async fn prepare(
    api: &SharedApi,
    order: &Order,
    job_id: JobId,
) -> Result<(Arc<JobLinks>, Request), End> {
    let server = api.get();
    let job = match server.job(job_id, None).await {
        Ok(answer) => answer.body,
        Err(error) => return Err(asked_in_vain(&error)),
    };
    let name = Some(job.file_name.clone()).filter(|name| !name.is_empty());
    let result = artifact_of(job)?;
    if let Some(wanted) = order.wanted_sha256.filter(|sha| *sha != result.sha256) {
        return Err(End::WrongDigest {
            wanted,
            offered: result.sha256,
        });
    }
    let manifest = match server.manifest(job_id).await {
        // A digest of the user's own is proven on the bytes. With a manifest the engine would take
        // the server's word that its file has this digest.
        Ok(_) if order.wanted_sha256.is_some() => None,
        Ok(manifest)
            if manifest.is_consistent()
                && manifest.size == result.size
                && manifest.etag == result.etag =>
        {
            Some(Arc::new(manifest))
        }
        Ok(_) => {
            tracing::warn!(job = %job_id, "the manifest does not fit the artifact; the whole is checked at the end");
            None
        }
        // Without a manifest the digests of the whole still prove the file.
        Err(ApiError::Refused(_)) => None,
        Err(error) => return Err(asked_in_vain(&error)),
    };
    let expected = Expected {
        size: Some(result.size),
        etag: Some(result.etag.clone()),
        sha256: order.wanted_sha256,
        crc64nvme: Some(result.crc64nvme),
        manifest,
    };
    let source = Arc::new(JobLinks {
        api: api.clone(),
        job: job_id,
        etag: result.etag.clone(),
        first: Mutex::new(Some(link_of(&result))),
        trouble: Mutex::new(None),
    });
    let request = request(order, source.clone(), name, expected);
    Ok((source, request))
}

fn asked_in_vain(error: &ApiError) -> End {
    match error {
        error if is_unknown_job(error) => End::Forgotten,
        _ => End::ServerAway,
    }
}

/// The artifact of a job that has one.
fn artifact_of(job: longhaul_protocol::JobView) -> Result<JobResult, End> {
    match (job.status, job.result, job.error) {
        (JobStatus::Completed, Some(result), _) => Ok(result),
        (JobStatus::Failed, _, Some(fault)) if fault.code != FaultCode::ArtifactExpired => {
            Err(End::JobFailed(fault))
        }
        // It is made again, or must be: the poller sees to it.
        _ => Err(End::JobChanged),
    }
}

fn link_of(result: &JobResult) -> Link {
    Link {
        url: result.download_url.clone(),
        expires_at: Some(result.expires_at),
    }
}

/// Links to one job's artifact: the server signs a fresh one at each question.
struct JobLinks {
    api: SharedApi,
    job: JobId,
    etag: String,
    /// The link that came with the answer which began the pull.
    first: Mutex<Option<Link>>,
    /// Why the last link could not be had, in the job's own terms.
    trouble: Mutex<Option<End>>,
}

impl JobLinks {
    fn why(&self) -> Option<End> {
        lock(&self.trouble).take()
    }

    fn refuse(&self, end: End, message: &str, retryable: bool) -> LinkError {
        *lock(&self.trouble) = Some(end);
        LinkError {
            message: message.to_owned(),
            retryable,
        }
    }
}

#[async_trait]
impl LinkSource for JobLinks {
    async fn link(&self, reason: LinkReason) -> Result<Link, LinkError> {
        let first = lock(&self.first).take();
        if let (LinkReason::Start, Some(link)) = (reason, first) {
            return Ok(link);
        }
        let job = match self.api.get().job(self.job, None).await {
            Ok(answer) => answer.body,
            Err(error) => {
                let end = asked_in_vain(&error);
                let again = matches!(end, End::ServerAway);
                return Err(self.refuse(end, &format!("no fresh link: {error}"), again));
            }
        };
        match artifact_of(job) {
            Ok(result) if result.etag == self.etag => {
                lock(&self.trouble).take();
                Ok(link_of(&result))
            }
            Ok(_) => Err(self.refuse(
                End::JobChanged,
                "the server has made the file anew since",
                false,
            )),
            Err(end) => Err(self.refuse(end, "the server does not have the file any more", false)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
