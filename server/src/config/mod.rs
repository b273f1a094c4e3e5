//! What the server is told: one struct, parsed once, validated once, passed down.

mod options;
mod tokens;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use longhaul_protocol::Token;

pub use options::{Command, ConfigError, Options};
pub use tokens::Tokens;

use crate::queue::{Limits, Owner};

/// Where the queue lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// In this process: lost with it.
    Memory,
    /// In a sled database below the data folder.
    Sled,
}

/// Where artifacts live.
#[derive(Debug, Clone)]
pub enum StoreKind {
    /// The embedded store, below the data folder.
    Embedded {
        /// Where it listens.
        listen: SocketAddr,
    },
    /// An S3 of its own.
    External(External),
}

/// An S3 of its own. Credentials come from the AWS default chain.
#[derive(Debug, Clone)]
pub struct External {
    /// None for AWS itself.
    pub endpoint: Option<String>,
    /// The bucket; of AWS's it must exist.
    pub bucket: String,
    /// None to ask the AWS default chain.
    pub region: Option<String>,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
    pub path_style: bool,
}

/// Where download URLs lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// To S3 itself.
    Presigned,
    /// To this server, which sends each client on to a URL signed then.
    Redirect,
    /// To this server, which passes the bytes on.
    Proxy,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line.
    Json,
}

/// A server's configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Queue and embedded store live below it.
    pub data_dir: PathBuf,
    /// Each file below it is offered.
    pub library: Option<PathBuf>,
    /// Named entries are offered (TOML).
    pub catalog: Option<PathBuf>,
    /// Where the queue lives.
    pub queue: QueueKind,
    /// Where artifacts live.
    pub store: StoreKind,
    /// What presigned URLs name, where that is not the endpoint itself.
    pub s3_public_endpoint: Option<String>,
    /// Jobs at a time.
    pub workers: usize,
    /// Attempts that a job gets by itself.
    pub max_attempts: u32,
    /// A worker that is silent for so long has lost its job.
    pub lease: Duration,
    /// How long a download URL works.
    pub presign_ttl: Duration,
    /// The seed's limits.
    pub limits: Limits,
    /// Running jobs get so long at the end.
    pub drain: Duration,
    /// Who may ask; empty means whoever reaches the loopback address.
    pub tokens: Tokens,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Names that `Host` may have besides the listening address's own.
    pub allowed_hosts: Vec<String>,
    /// Initiations a minute for each client address; none for no limit.
    pub initiate_rate: Option<u32>,
    /// Where download URLs lead.
    pub delivery: Delivery,
    /// What clients call this server, without a slash at its end; none for what each request says.
    pub public_url: Option<String>,
    /// Opens the queue's calls; nothing does where there is none.
    pub admin_token: Option<Token>,
    /// Pages of these origins may call.
    pub cors_origins: Vec<String>,
    /// No request with `?wait` is held longer, whatever it asks for.
    pub max_wait: Duration,
    /// Whether the deprecated call that holds its request is offered.
    pub blocking_start: bool,
    /// How long it holds one.
    pub blocking_wait: Duration,
    /// Where metrics are served besides.
    pub metrics_listen: Option<SocketAddr>,
    /// Jobs may wait so long while no worker gets on.
    pub stall_after: Duration,
    /// Threads for connections alone; 0 to let them share those of all else.
    pub threads: usize,
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections at a time for each client address; none for no limit.
    pub connections_per_address: Option<usize>,
    /// How the log is written, where the log is this server's own.
    pub log_format: LogFormat,
    /// Whether jobs may name a URL to fetch.
    pub allow_urls: bool,
    /// Whether origins may be in this machine's own networks.
    pub allow_private_origins: bool,
}

impl Config {
    /// The app's own server: loopback, sled, embedded store, one random token, no rate limit.
    #[must_use]
    pub fn embedded(data_dir: PathBuf, library: Option<PathBuf>, token: Token) -> Self {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: local,
            data_dir,
            library,
            catalog: None,
            queue: QueueKind::Sled,
            store: StoreKind::Embedded { listen: local },
            s3_public_endpoint: None,
            workers: 2,
            max_attempts: 3,
            lease: Duration::from_secs(30),
            presign_ttl: Duration::from_secs(15 * 60),
            limits: Limits::default(),
            drain: Duration::from_secs(3),
            tokens: Tokens::one(Owner("local".into()), token),
            trusted_proxies: Vec::new(),
            allowed_hosts: Vec::new(),
            initiate_rate: None,
            delivery: Delivery::Presigned,
            public_url: None,
            admin_token: None,
            cors_origins: Vec::new(),
            max_wait: Duration::from_secs(25),
            blocking_start: false,
            threads: 0,
            blocking_wait: Duration::from_secs(90),
            metrics_listen: None,
            stall_after: Duration::from_secs(600),
            max_connections: 4096,
            connections_per_address: None,
            log_format: LogFormat::Text,
            allow_urls: false,
            allow_private_origins: false,
        }
    }
}
