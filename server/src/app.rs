//! The server as one thing: started from a configuration, told to stop, awaited.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use longhaul_durable::Recovery;
use longhaul_protocol::{Clock, SystemClock};
use longhaul_store::{Credentials, Store};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{Api, Links, Parts},
    artifact::{Artifacts, Connection, StorageError},
    catalogue::Catalogue,
    config::{Config, ConfigError, External, QueueKind, StoreKind},
    metrics::Metrics,
    queue::{MemoryQueue, QueueError, SharedQueue, SledQueue},
    readiness::{Pulse, Readiness},
    router::{front, metrics_router},
    serving::{alone, serve},
    source::{Fetcher, UrlPolicy},
    upkeep::Upkeep,
    worker::{self, Flights, Stop, Tools},
};

/// The embedded store's bucket.
const BUCKET: &str = "longhaul";
const REGION: &str = "us-east-1";
/// What is left after the drain gets so long to give its leases back.
const RELEASE: Duration = Duration::from_secs(5);
/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Data(#[from] std::io::Error),
    /// Other servers cannot be asked.
    #[error("fetching cannot be set up: {0}")]
    Fetch(#[from] longhaul_transfer::Error),
    /// The queue cannot be opened.
    #[error("the queue cannot be opened: {0}")]
    Queue(#[from] QueueError),
    /// The embedded store cannot be opened.
    #[error("the embedded store cannot be opened: {0}")]
    Store(#[from] longhaul_store::Error),
    /// The bucket cannot be reached.
    #[error("the artifact store cannot be used: {0}")]
    Storage(#[from] StorageError),
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Where the API is.
    pub listen: SocketAddr,
    /// Where S3 is: what download URLs name.
    pub s3: String,
    /// What had to be done to open the queue, for the user to know.
    pub recovery: Option<Recovery>,
    queue: Opened,
    drain: Duration,
    work: Stop,
    serving: CancellationToken,
    storing: CancellationToken,
    workers: JoinSet<()>,
    servers: JoinSet<()>,
    stores: JoinSet<()>,
}

/// Starts the server; when this answers, it serves.
///
/// # Errors
/// [`StartError`], naming what cannot be used.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    tokio::fs::create_dir_all(&config.data_dir).await?;
    let catalogue = Arc::new(Catalogue::open(
        config.library.clone(),
        config.catalog.clone(),
        &|name| std::env::var(name).ok(),
    )?);
    let listener = listen(config.listen).await?;
    let address = listener.local_addr()?;

    let storing = CancellationToken::new();
    let mut stores = JoinSet::new();
    let metrics = Arc::new(Metrics::default());
    let (connection, store) = storage(&config, &storing, &mut stores).await?;
    let s3 = connection
        .public_endpoint
        .clone()
        .or_else(|| connection.endpoint.clone())
        .unwrap_or_else(|| "https://s3.amazonaws.com".into());
    let artifacts = Artifacts::connect(connection, Arc::clone(&metrics)).await?;

    let (opened, recovery) = Opened::open(&config).await?;
    let queue = opened.shared();
    if let Some(recovery) = &recovery {
        tracing::error!(message = recovery.message, "the queue was recovered");
    }
    // This process alone owns the queue: whoever held a lease before is dead.
    for job in queue.reclaim(clock.now()).await? {
        tracing::info!(%job, "taken back from a worker that is gone");
    }

    let work = Stop::default();
    let serving = CancellationToken::new();
    let pulse = Arc::new(Pulse::default());
    let flights = Arc::<Flights>::default();
    let origins = UrlPolicy {
        private: config.allow_private_origins,
    };
    let urls = config.allow_urls.then_some(origins);
    let fetcher = Fetcher::new(&config.data_dir, origins)?;
    let spool = fetcher.spool().clone();
    let tools = Tools {
        queue: Arc::clone(&queue),
        artifacts: artifacts.clone(),
        catalogue: Arc::clone(&catalogue),
        clock: Arc::clone(&clock),
        lease: config.lease,
        metrics: Arc::clone(&metrics),
        pulse: Arc::clone(&pulse),
        artifact_ttl: config.limits.artifact_ttl,
        fetcher,
        urls,
        flights: Arc::clone(&flights),
    };
    let upkeep = Upkeep {
        queue: Arc::clone(&queue),
        artifacts: artifacts.clone(),
        store,
        limits: config.limits,
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&metrics),
        flights,
        spool,
    };
    let left = upkeep.left_behind().await;
    let readiness = Arc::new(Readiness {
        queue: Arc::clone(&queue),
        artifacts: artifacts.clone(),
        data_dir: config.data_dir.clone(),
        pulse,
        stall: config.stall_after,
        clock: Arc::clone(&clock),
        last: Mutex::default(),
    });
    let mut workers = JoinSet::new();
    workers.spawn(worker::run(tools, config.workers, work.clone()));
    workers.spawn(upkeep.run(left, work.claims.clone()));

    let api = Api::from(Parts {
        queue,
        artifacts,
        catalogue,
        clock,
        delivery: config.delivery,
        links: Links::new(config.presign_ttl),
        presign_ttl: config.presign_ttl,
        artifact_ttl: config.limits.artifact_ttl,
        abandon_after: config.limits.abandon,
        max_attempts: config.max_attempts,
        workers: config.workers as u64,
        max_wait: config.max_wait,
        blocking_wait: config.blocking_wait,
        urls,
        draining: work.claims.clone(),
        metrics,
        readiness,
        admin_token: config.admin_token.clone(),
    });
    let mut servers = JoinSet::new();
    if let Some(address) = config.metrics_listen {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let router = metrics_router(api.clone());
        let answer = move |peer, request| alone(router.clone(), peer, request);
        servers.spawn(serve(answer, listener, &config, serving.clone()));
        tracing::info!(%address, "metrics");
    }
    let front = front(api, &config, address);
    let answer = move |peer, request| front.answer(peer, request);
    servers.spawn(serve(answer, listener, &config, serving.clone()));
    tracing::info!(%address, s3, "serving");
    Ok(Running {
        listen: address,
        s3,
        recovery,
        queue: opened,
        drain: config.drain,
        work,
        serving,
        storing,
        workers,
        servers,
        stores,
    })
}

impl Running {
    /// Drains: no new jobs or claims, running attempts get the configured time, then their leases
    /// are given back; the API answers until then.
    pub async fn shutdown(mut self) {
        tracing::info!("draining");
        self.work.claims.cancel();
        if tokio::time::timeout(self.drain, ended(&mut self.workers))
            .await
            .is_err()
        {
            tracing::info!("the drain is over; running jobs are given back");
            self.work.attempts.cancel();
            if tokio::time::timeout(RELEASE, ended(&mut self.workers))
                .await
                .is_err()
            {
                tracing::warn!("some leases were not given back, and will run out");
            }
        }
        self.workers.shutdown().await;
        self.serving.cancel();
        ended(&mut self.servers).await;
        self.storing.cancel();
        ended(&mut self.stores).await;
        self.queue.close().await;
        tracing::info!("stopped");
    }
}

async fn ended(tasks: &mut JoinSet<()>) {
    while let Some(task) = tasks.join_next().await {
        if let Err(error) = task {
            tracing::error!(%error, "a task died");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

/// Finds the bucket; the embedded one is opened and served first.
async fn storage(
    config: &Config,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<(Connection, Option<Store>), StartError> {
    let address = match &config.store {
        StoreKind::External(external) => return Ok((elsewhere(config, external), None)),
        StoreKind::Embedded { listen } => *listen,
    };
    // New at each start: nobody but this server ever signs for the store.
    let credentials = Credentials::random();
    let keys = (
        credentials.access_key.clone(),
        credentials.secret_key.clone(),
    );
    let options = longhaul_store::Options {
        credentials,
        region: REGION.into(),
    };
    let store = Store::open(&store_dir(&config.data_dir), options).await?;
    let listener = listen(address).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let (serving, stop) = (store.clone(), stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.serve(listener, stop).await {
            tracing::error!(%error, "the embedded store stopped");
        }
    });
    let connection = Connection {
        endpoint: Some(endpoint),
        public_endpoint: config.s3_public_endpoint.clone(),
        bucket: BUCKET.into(),
        region: Some(REGION.into()),
        path_style: true,
        credentials: Some(keys),
        create: true,
        embedded: true,
        artifact_ttl: config.limits.artifact_ttl,
    };
    Ok((connection, Some(store)))
}

/// An S3 that is not ours.
pub(crate) fn elsewhere(config: &Config, store: &External) -> Connection {
    Connection {
        endpoint: store.endpoint.clone(),
        public_endpoint: config.s3_public_endpoint.clone(),
        bucket: store.bucket.clone(),
        region: store.region.clone(),
        path_style: store.path_style,
        credentials: None,
        // A bucket of AWS's costs money, and its name is the whole world's: its owner makes it.
        create: store.endpoint.is_some(),
        embedded: false,
        artifact_ttl: config.limits.artifact_ttl,
    }
}

fn store_dir(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("store")
}

/// The queue as it was opened, to be closed at the end.
#[derive(Debug, Clone)]
enum Opened {
    Memory(Arc<MemoryQueue>),
    Sled(Arc<SledQueue>),
}

impl Opened {
    async fn open(config: &Config) -> Result<(Self, Option<Recovery>), QueueError> {
        match config.queue {
            QueueKind::Memory => Ok((
                Self::Memory(Arc::new(MemoryQueue::new(config.limits))),
                None,
            )),
            QueueKind::Sled => {
                let folder = config.data_dir.join("queue");
                let (queue, recovery) = SledQueue::open(&folder, config.limits).await?;
                Ok((Self::Sled(Arc::new(queue)), recovery))
            }
        }
    }

    fn shared(&self) -> SharedQueue {
        match self {
            Self::Memory(queue) => Arc::clone(queue) as SharedQueue,
            Self::Sled(queue) => Arc::clone(queue) as SharedQueue,
        }
    }

    async fn close(&self) {
        if let Self::Sled(queue) = self
            && let Err(error) = queue.close().await
        {
            tracing::error!(%error, "the queue's last writes failed");
        }
    }
}
