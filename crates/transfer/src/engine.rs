//! The engine: one HTTP client, one global limit and one count of connections a host, for all pulls.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Error, Finished, Guard, Network, Progress, Request, SegmentView, download, file,
    file::{Landings, Leftovers},
    hosts::Hosts,
    limit::Limit,
    network::Clients,
    probe::Asker,
};

/// Memory for small files, over all pulls, in KiB; what finds no room goes the usual way.
const SMALL_ROOM: usize = 16 << 10;

/// How the engine behaves towards all hosts.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Connections to one host at most, over all pulls. Each pull's first connection is not
    /// counted, so that no pull waits for another to end.
    pub connections_per_host: usize,
    /// A connection without a byte for this long is dropped and its rest asked for anew.
    pub stall_timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// Bytes per second over all pulls; unlimited where absent.
    pub limit: Option<u64>,
    /// Consecutive failures without one new byte after which a pull gives up.
    pub attempts: u32,
    /// The first wait after a failure; doubled with each further one, with full jitter.
    pub backoff: Duration,
    /// No wait is longer, unless the other side asked for it.
    pub backoff_cap: Duration,
    /// A `Retry-After` beyond this is cut to it.
    pub retry_after_cap: Duration,
    /// Redirects that are followed, one after the other.
    pub redirects: usize,
    /// Where it may connect to; anywhere where absent. With a guard the system's proxies are not
    /// used: they would connect to what the guard never saw.
    pub guard: Option<Guard>,
    /// How sources are reached.
    pub network: Network,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            user_agent: concat!("Longhaul/", env!("CARGO_PKG_VERSION")).to_owned(),
            connections_per_host: 32,
            stall_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(15),
            limit: None,
            attempts: 10,
            backoff: Duration::from_millis(250),
            backoff_cap: Duration::from_secs(30),
            retry_after_cap: Duration::from_secs(120),
            redirects: 10,
            guard: None,
            network: Network::default(),
        }
    }
}

/// Pulls files; a cheap handle, to be cloned.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) config: EngineConfig,
    pub(crate) asker: Asker,
    pub(crate) limit: Limit,
    pub(crate) hosts: Hosts,
    pub(crate) leftovers: Leftovers,
    pub(crate) landings: Arc<Landings>,
    /// Room for small files in memory, in KiB.
    pub(crate) room: Semaphore,
}

impl Engine {
    /// Sets up the network.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system's certificates or proxy settings cannot be used.
    pub fn new(config: EngineConfig) -> Result<Self, Error> {
        let clients = Arc::new(Clients::new(&config)?);
        Ok(Self(Arc::new(Parts {
            asker: Asker {
                clients,
                guard: config.guard.clone(),
                redirects: config.redirects,
                patience: config.connect_timeout + config.stall_timeout,
            },
            limit: Limit::new(config.limit),
            hosts: Hosts::new(config.connections_per_host),
            leftovers: Leftovers::default(),
            landings: Arc::default(),
            room: Semaphore::new(SMALL_ROOM),
            config,
        })))
    }

    /// Pulls one file to its final name and says on `progress` how far it is, at most ten times
    /// a second.
    ///
    /// When `stop` is cancelled the connections end, the control record is written and the answer
    /// is [`Error::Stopped`]; the same request then goes on from there, as it does after a crash.
    /// Dropping the future is as safe as a crash: it costs what was not yet recorded.
    ///
    /// # Errors
    /// What could not be cured by trying again, or was tried often enough; see [`Error`].
    pub async fn pull(
        &self,
        request: Request,
        progress: &watch::Sender<Progress>,
        stop: CancellationToken,
    ) -> Result<Finished, Error> {
        // Boxed: the state of a pull is large, and callers put it into theirs.
        Box::pin(download::pull(&self.0, request, progress, stop)).await
    }

    /// Removes what is kept in `folder` for a download that is given up. Nothing there is no error.
    ///
    /// # Errors
    /// [`Error::InUse`] while a pull runs, [`Error::Folder`] where removing fails.
    pub async fn discard(&self, folder: &Path, id: Uuid) -> Result<(), Error> {
        file::discard(folder, id).await
    }

    /// Removes the [record](crate::Finished::record) of a finished file, once the caller has noted
    /// the file. One that is gone is no error.
    ///
    /// # Errors
    /// [`Error::Folder`] where removing fails.
    pub async fn settle(&self, record: &Path, id: Uuid) -> Result<(), Error> {
        let record = record.to_owned();
        if let Some(folder) = record.parent() {
            self.0.leftovers.gone(folder, id);
        }
        file::blocking(move || file::settle(&record)).await
    }

    /// The map of what is kept in `folder` for a download that is not being pulled, as its control
    /// record has it; empty where there is nothing.
    ///
    /// # Errors
    /// [`Error::Folder`] where the folder cannot be read.
    pub async fn kept(&self, folder: &Path, id: Uuid) -> Result<Vec<SegmentView>, Error> {
        file::kept(folder, id).await
    }

    /// Sets the limit over all pulls, in bytes per second; takes effect at once.
    pub fn set_limit(&self, bytes_per_second: Option<u64>) {
        self.0.limit.set(bytes_per_second);
    }

    /// The limit over all pulls, for instance to let it [follow](Limit::follow) a plan.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.0.limit.clone()
    }
}
