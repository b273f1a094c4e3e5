//! Options as they are typed: by flag, by environment, by `longhaul.toml`, in that order of weight.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::{Parser, ValueEnum, builder::BoolishValueParser};
use serde::{Deserialize, de};

use super::{
    Config, Tokens,
    values::{
        at_least_one, delivery, folder, log_format, names, networks, origins, per_address,
        public_url, queue, rate, role, secret, store, value,
    },
};
use crate::queue::Limits;

/// A configuration that cannot be used. Each names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is wrong.
    #[error("{key}: {why}")]
    Value {
        /// The option's name.
        key: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A file that an option names cannot be used.
    #[error("{key}: {} cannot be read: {source}", path.display())]
    File {
        /// The option's name.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A length of time such as `30s`, `5m`, `24h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// What is done instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Command {
    /// Try everything that a start needs.
    Check,
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $env:literal, $value:literal;)*) => {
        /// The job server: makes files, stores them in S3, and answers who asks how far they are.
        ///
        /// Each option is also a variable in the environment and a key in longhaul.toml; a flag
        /// weighs more than a variable, and a variable more than the file.
        #[derive(Debug, Clone, Default, Parser, Deserialize)]
        #[command(name = "longhaul-server", version)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Options {
            /// The configuration file; longhaul.toml here, where there is one.
            #[arg(long, env = "LONGHAUL_CONFIG", value_name = "FILE")]
            #[serde(skip)]
            pub config: Option<PathBuf>,
            /// Try everything that a start needs, say so, and end: 0 all well, 1 not, 2 bad configuration.
            #[arg(value_enum, value_name = "check")]
            #[serde(skip)]
            pub command: Option<Command>,
            /// Print one JSON line on standard output when it serves.
            #[arg(long)]
            #[serde(skip)]
            pub print_ready: bool,
            $($(#[$doc])* #[arg(long, env = $env, value_name = $value)] pub $name: Option<$type>,)*
        }

        impl Options {
            fn or(self, other: Self) -> Self {
                Self {
                    config: self.config,
                    command: self.command,
                    print_ready: self.print_ready,
                    $($name: self.$name.or(other.$name),)*
                }
            }
        }
    };
}

options! {
    /// Where the API listens [default: 127.0.0.1:3000]
    listen: SocketAddr = "LONGHAUL_LISTEN", "ADDRESS";
    /// Where queue and embedded store live [default: longhaul-data]
    data_dir: PathBuf = "LONGHAUL_DATA_DIR", "DIR";
    /// Offer each file below this folder
    library: PathBuf = "LONGHAUL_LIBRARY", "DIR";
    /// Offer the entries of this file
    catalog: PathBuf = "LONGHAUL_CATALOG", "FILE";
    /// Where jobs are kept: memory or sled [default: sled]
    queue: String = "LONGHAUL_QUEUE", "QUEUE";
    /// An S3 endpoint other than AWS's
    s3_endpoint: String = "LONGHAUL_S3_ENDPOINT", "URL";
    /// The bucket; with neither endpoint nor bucket the embedded store serves
    s3_bucket: String = "LONGHAUL_S3_BUCKET", "NAME";
    /// The bucket's region
    s3_region: String = "LONGHAUL_S3_REGION", "REGION";
    /// Address objects as endpoint/bucket/key [default: true with --s3-endpoint]
    s3_path_style: bool = "LONGHAUL_S3_PATH_STYLE", "BOOL";
    /// What download URLs name instead of the endpoint
    s3_public_endpoint: String = "LONGHAUL_S3_PUBLIC_ENDPOINT", "URL";
    /// Where the embedded store listens [default: 127.0.0.1:0]
    s3_listen: SocketAddr = "LONGHAUL_S3_LISTEN", "ADDRESS";
    /// Jobs at a time [default: 2]
    workers: usize = "LONGHAUL_WORKERS", "N";
    /// An attempt without progress for so long has failed [default: 5m]
    hang_timeout: Period = "LONGHAUL_HANG_TIMEOUT", "TIME";
    /// Attempts that a job gets by itself [default: 3]
    max_attempts: u32 = "LONGHAUL_MAX_ATTEMPTS", "N";
    /// A worker that is silent for so long has lost its job [default: 30s]
    lease: Period = "LONGHAUL_LEASE", "TIME";
    /// How long a download URL works [default: 15m]
    presign_ttl: Period = "LONGHAUL_PRESIGN_TTL", "TIME";
    /// How long an artifact is kept [default: 24h]
    artifact_ttl: Period = "LONGHAUL_ARTIFACT_TTL", "TIME";
    /// How long a job's record is kept after its end [default: 7d]
    job_ttl: Period = "LONGHAUL_JOB_TTL", "TIME";
    /// A job that nobody asks for is given up after this; 0s for never [default: 10m]
    abandon_after: Period = "LONGHAUL_ABANDON_AFTER", "TIME";
    /// How long running jobs may go on after SIGTERM [default: 30s]
    drain: Period = "LONGHAUL_DRAIN", "TIME";
    /// Waiting jobs at most [default: 1000000]
    max_pending: u64 = "LONGHAUL_MAX_PENDING", "N";
    /// Bearer tokens, a line each: NAME TOKEN
    tokens: PathBuf = "LONGHAUL_TOKENS", "FILE";
    /// Believe X-Forwarded-For from these networks, parted by commas
    trusted_proxy: String = "LONGHAUL_TRUSTED_PROXY", "CIDR";
    /// Answer for these host names too, parted by commas
    allowed_hosts: String = "LONGHAUL_ALLOWED_HOSTS", "NAMES";
    /// Initiations a minute for each client address, or off [default: 10]
    initiate_rate: String = "LONGHAUL_INITIATE_RATE", "N|off";
    /// Where download URLs lead: presigned (to S3), redirect or proxy (to this server) [default: presigned]
    delivery: String = "LONGHAUL_DELIVERY", "WAY";
    /// What clients call this server; without it, what their requests say
    public_url: String = "LONGHAUL_PUBLIC_URL", "URL";
    /// A file with the token that opens the queue's calls
    admin_token_file: PathBuf = "LONGHAUL_ADMIN_TOKEN_FILE", "FILE";
    /// Pages of these origins may call, parted by commas
    cors_origin: String = "LONGHAUL_CORS_ORIGIN", "ORIGINS";
    /// The longest that a request with ?wait is held [default: 25s]
    max_wait: Period = "LONGHAUL_MAX_WAIT", "TIME";
    /// Offer the deprecated POST /v1/download/start, which holds its request until the file is made
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    blocking_start: bool = "LONGHAUL_BLOCKING_START", "BOOL";
    /// The longest that it does so [default: 90s]
    blocking_wait: Period = "LONGHAUL_BLOCKING_WAIT", "TIME";
    /// What this process does: all, api or worker [default: all]
    role: String = "LONGHAUL_ROLE", "ROLE";
    /// Serve /metrics on an address of its own too
    metrics_listen: SocketAddr = "LONGHAUL_METRICS_LISTEN", "ADDRESS";
    /// Not ready when jobs wait for so long while no worker gets on [default: 10m]
    stall_after: Period = "LONGHAUL_STALL_AFTER", "TIME";
    /// Connections at a time [default: 4096]
    max_connections: usize = "LONGHAUL_MAX_CONNECTIONS", "N";
    /// Connections at a time for each client address, or off; trusted proxies have no such limit
    /// [default: 256, off on a loopback address]
    max_connections_per_address: String = "LONGHAUL_MAX_CONNECTIONS_PER_ADDRESS", "N|off";
    /// How the log is written: text or json [default: text]
    log_format: String = "LONGHAUL_LOG_FORMAT", "FORMAT";
    /// Fetch URLs for jobs that name one
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    allow_urls: bool = "LONGHAUL_ALLOW_URLS", "BOOL";
    /// Fetch from this machine and its own networks, too
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    allow_private_origins: bool = "LONGHAUL_ALLOW_PRIVATE_ORIGINS", "BOOL";
}

/// The file that is read where it exists and no other is named.
const DEFAULT_FILE: &str = "longhaul.toml";
/// S3's bound: a presigned URL lives seven days at most.
const MAX_PRESIGN: Duration = Duration::from_secs(7 * 24 * 3600);
/// Contract: nobody waits longer, in seconds.
const MAX_WAIT: u64 = 25;
/// Contract: nor does who asks for a file itself; proxies such as Cloudflare's hang up after 100 s.
const MAX_BLOCKING: u64 = 90;

impl Options {
    /// Adds the configuration file, fills in the defaults, and checks everything.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let file = self.read_file()?;
        let o = self.or(file);
        let period = |given: Option<Period>, default: u64| {
            given.map_or(Duration::from_secs(default), |period| period.0)
        };
        let listen = o
            .listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000)));
        let queue = queue(o.queue.as_deref())?;
        role(o.role.as_deref(), queue)?;
        let config = Config {
            listen,
            queue,
            store: store(&o)?,
            data_dir: o.data_dir.unwrap_or_else(|| "longhaul-data".into()),
            library: folder("library", o.library)?,
            catalog: o.catalog,
            s3_public_endpoint: o.s3_public_endpoint,
            workers: at_least_one("workers", o.workers.unwrap_or(2))?,
            max_attempts: at_least_one("max-attempts", o.max_attempts.unwrap_or(3))?,
            lease: period(o.lease, 30),
            presign_ttl: period(o.presign_ttl, 15 * 60),
            limits: Limits {
                hang: period(o.hang_timeout, 300),
                abandon: period(o.abandon_after, 600),
                artifact_ttl: period(o.artifact_ttl, 24 * 3600),
                job_ttl: period(o.job_ttl, 7 * 24 * 3600),
                max_pending: o.max_pending.unwrap_or(Limits::default().max_pending),
                ..Limits::default()
            },
            drain: period(o.drain, 30),
            tokens: o
                .tokens
                .map_or_else(|| Ok(Tokens::default()), |path| Tokens::read(&path))?,
            trusted_proxies: networks(o.trusted_proxy.as_deref())?,
            allowed_hosts: names(o.allowed_hosts.as_deref()),
            initiate_rate: rate(o.initiate_rate.as_deref())?,
            delivery: delivery(o.delivery.as_deref())?,
            public_url: public_url(o.public_url.as_deref())?,
            admin_token: secret("admin-token-file", o.admin_token_file.as_deref())?,
            cors_origins: origins(o.cors_origin.as_deref())?,
            max_wait: period(o.max_wait, MAX_WAIT),
            threads: serving_threads(),
            blocking_start: o.blocking_start.unwrap_or(false),
            blocking_wait: period(o.blocking_wait, MAX_BLOCKING),
            metrics_listen: o.metrics_listen,
            stall_after: period(o.stall_after, 600),
            max_connections: at_least_one("max-connections", o.max_connections.unwrap_or(4096))?,
            connections_per_address: per_address(
                o.max_connections_per_address.as_deref(),
                listen.ip(),
            )?,
            log_format: log_format(o.log_format.as_deref())?,
            allow_urls: o.allow_urls.unwrap_or(false),
            allow_private_origins: o.allow_private_origins.unwrap_or(false),
        };
        check(&config)?;
        Ok(config)
    }

    fn read_file(&self) -> Result<Self, ConfigError> {
        let path = match &self.config {
            Some(path) => path.clone(),
            None if Path::new(DEFAULT_FILE).exists() => DEFAULT_FILE.into(),
            None => return Ok(Self::default()),
        };
        let text = fs::read_to_string(&path).map_err(|source| ConfigError::File {
            key: "config",
            path,
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Value {
            key: "config",
            why: error.to_string(),
        })
    }
}

fn check(config: &Config) -> Result<(), ConfigError> {
    if config.tokens.is_empty() && !config.listen.ip().is_loopback() {
        return Err(value(
            "listen",
            format!(
                "{} is reachable by others, which needs tokens: name a file by --tokens",
                config.listen
            ),
        ));
    }
    if let Some(address) = config.metrics_listen
        && !address.ip().is_loopback()
        && config.admin_token.is_none()
    {
        return Err(value(
            "metrics-listen",
            format!("{address} is reachable by others, which needs --admin-token-file"),
        ));
    }
    if config.presign_ttl.is_zero() || config.presign_ttl > MAX_PRESIGN {
        return Err(value(
            "presign-ttl",
            "must be from 1s to 7d, S3's own bound",
        ));
    }
    if config.lease < Duration::from_secs(1) {
        return Err(value("lease", "must be at least 1s"));
    }
    if config.max_wait > Duration::from_secs(MAX_WAIT) {
        return Err(value("max-wait", "must be at most 25s"));
    }
    if config.blocking_wait > Duration::from_secs(MAX_BLOCKING) {
        return Err(value("blocking-wait", "must be at most 90s"));
    }
    if config.limits.hang.is_zero() {
        return Err(value("hang-timeout", "must be more than 0s"));
    }
    Ok(())
}

/// Half of the machine answers; the other half makes files, and writes down what was answered.
fn serving_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::QueueKind;

    fn resolve(args: &[&str]) -> Result<Config, ConfigError> {
        Options::parse_from(std::iter::once(&"longhaul-server").chain(args)).resolve()
    }

    fn key_of(error: &ConfigError) -> &'static str {
        match error {
            ConfigError::Value { key, .. } | ConfigError::File { key, .. } => key,
        }
    }

    #[test]
    fn the_defaults_are_the_contracts() {
        let config = resolve(&[]).expect("defaults are valid");
        assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(config.queue, QueueKind::Sled);
        assert_eq!(config.presign_ttl, Duration::from_secs(900));
        assert_eq!(config.limits.artifact_ttl, Duration::from_secs(86_400));
        assert_eq!(config.limits.job_ttl, Duration::from_secs(604_800));
        assert_eq!(config.initiate_rate, Some(10));
    }

    #[test]
    fn a_wrong_value_is_named_by_its_key() {
        for (args, key) in [
            (vec!["--queue", "carrier-pigeon"], "queue"),
            (vec!["--workers", "0"], "workers"),
            (vec!["--listen", "0.0.0.0:3000"], "listen"),
            (vec!["--s3-endpoint", "http://127.0.0.1:1"], "s3-bucket"),
            (vec!["--presign-ttl", "8d"], "presign-ttl"),
            (vec!["--initiate-rate", "many"], "initiate-rate"),
            (vec!["--trusted-proxy", "10.0.0.0/99"], "trusted-proxy"),
            (vec!["--library", "/nowhere/at/all"], "library"),
            (vec!["--delivery", "by-hand"], "delivery"),
            (vec!["--public-url", "files.example"], "public-url"),
            (vec!["--cors-origin", "null"], "cors-origin"),
            (vec!["--cors-origin", "*"], "cors-origin"),
            (vec!["--cors-origin", "https://a.example/"], "cors-origin"),
            (vec!["--admin-token-file", "/nowhere"], "admin-token-file"),
            (vec!["--max-wait", "26s"], "max-wait"),
            (vec!["--role", "worker"], "role"),
            (vec!["--role", "chief"], "role"),
            (vec!["--log-format", "xml"], "log-format"),
            (vec!["--metrics-listen", "0.0.0.0:9"], "metrics-listen"),
            (vec!["--max-connections", "0"], "max-connections"),
            (
                vec!["--max-connections-per-address", "0"],
                "max-connections-per-address",
            ),
            (vec!["--config", "/nowhere/longhaul.toml"], "config"),
        ] {
            assert_eq!(key_of(&resolve(&args).expect_err("refused")), key);
        }
    }

    #[test]
    fn a_flag_weighs_more_than_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("l.toml");
        fs::write(&file, "workers = 7\npresign-ttl = \"5s\"\n").expect("written");
        let file = file.to_str().expect("unicode");
        let config = resolve(&["--config", file, "--workers", "3"]).expect("valid");
        assert_eq!(config.workers, 3);
        assert_eq!(config.presign_ttl, Duration::from_secs(5));
        fs::write(file, "wrokers = 7\n").expect("written");
        let error = resolve(&["--config", file])
            .expect_err("misspelt")
            .to_string();
        assert!(error.contains("wrokers"), "{error}");
    }
}
