//! What an option's text means: each is read by one function, whose error names the option.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use longhaul_protocol::Token;
use url::Url;

use super::{ConfigError, Delivery, External, LogFormat, Options, QueueKind, StoreKind};

/// Shorter secrets can be guessed.
pub(super) const MIN_SECRET: usize = 16;

pub(super) fn value(key: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        key,
        why: why.into(),
    }
}

pub(super) fn queue(text: Option<&str>) -> Result<QueueKind, ConfigError> {
    match text {
        None | Some("sled") => Ok(QueueKind::Sled),
        Some("memory") => Ok(QueueKind::Memory),
        Some(other) => Err(value(
            "queue",
            format!("{other:?} is neither memory nor sled"),
        )),
    }
}

pub(super) fn store(options: &Options) -> Result<StoreKind, ConfigError> {
    match (&options.s3_endpoint, &options.s3_bucket) {
        (None, None) => Ok(StoreKind::Embedded {
            listen: options
                .s3_listen
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        }),
        (Some(_), None) => Err(value("s3-bucket", "an endpoint needs a bucket")),
        (endpoint, Some(bucket)) => Ok(StoreKind::External(External {
            endpoint: endpoint.clone(),
            bucket: bucket.clone(),
            region: options.s3_region.clone(),
            path_style: options.s3_path_style.unwrap_or(endpoint.is_some()),
        })),
    }
}

pub(super) fn folder(
    key: &'static str,
    path: Option<PathBuf>,
) -> Result<Option<PathBuf>, ConfigError> {
    path.map(|path| {
        fs::canonicalize(&path)
            .and_then(|found| {
                if found.is_dir() {
                    Ok(found)
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            })
            .map_err(|source| ConfigError::File { key, path, source })
    })
    .transpose()
}

pub(super) fn at_least_one<N: PartialOrd + From<u8>>(
    key: &'static str,
    n: N,
) -> Result<N, ConfigError> {
    if n >= N::from(1) {
        Ok(n)
    } else {
        Err(value(key, "must be at least 1"))
    }
}

pub(super) fn networks(text: Option<&str>) -> Result<Vec<IpNet>, ConfigError> {
    names(text)
        .into_iter()
        .map(|text| {
            text.parse()
                .or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()))
                .map_err(|_| value("trusted-proxy", format!("{text:?} is not a network")))
        })
        .collect()
}

pub(super) fn names(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

pub(super) fn rate(text: Option<&str>) -> Result<Option<u32>, ConfigError> {
    match text {
        None => Ok(Some(10)),
        Some("off") => Ok(None),
        Some(text) => match text.parse() {
            Ok(rate) if rate > 0 => Ok(Some(rate)),
            _ => Err(value(
                "initiate-rate",
                format!("{text:?} is neither a number from 1 nor off"),
            )),
        },
    }
}

pub(super) fn delivery(text: Option<&str>) -> Result<Delivery, ConfigError> {
    match text {
        None | Some("presigned") => Ok(Delivery::Presigned),
        Some("redirect") => Ok(Delivery::Redirect),
        Some("proxy") => Ok(Delivery::Proxy),
        Some(other) => Err(value(
            "delivery",
            format!("{other:?} is none of presigned, redirect and proxy"),
        )),
    }
}

/// Without a slash at its end: paths of the API are put behind it.
pub(super) fn public_url(url: Option<&str>) -> Result<Option<String>, ConfigError> {
    url.map(|text| match Url::parse(text) {
        Ok(url) if is_web(&url) && url.query().is_none() && url.fragment().is_none() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err(value(
            "public-url",
            format!("{text:?} is not the address of a site, such as https://files.example"),
        )),
    })
    .transpose()
}

/// Exact origins, as a browser writes them: `null`, which any sandboxed page has, is none.
pub(super) fn origins(text: Option<&str>) -> Result<Vec<String>, ConfigError> {
    names(text)
        .into_iter()
        .map(|text| match Url::parse(&text) {
            Ok(url) if is_web(&url) && url.origin().ascii_serialization() == text => Ok(text),
            _ => Err(value(
                "cors-origin",
                format!("{text:?} is not an origin, such as https://files.example"),
            )),
        })
        .collect()
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
}

/// A file that holds one secret and nothing else.
pub(super) fn secret(key: &'static str, path: Option<&Path>) -> Result<Option<Token>, ConfigError> {
    let Some(path) = path else { return Ok(None) };
    let text = fs::read_to_string(path).map_err(|source| ConfigError::File {
        key,
        path: path.to_owned(),
        source,
    })?;
    let text = text.trim();
    if text.len() < MIN_SECRET || text.contains(char::is_whitespace) {
        return Err(value(
            key,
            "the file must hold one word of at least 16 characters",
        ));
    }
    Ok(Some(Token::new(text)))
}

/// A queue that lives in this process can be worked at by nobody else.
pub(super) fn role(text: Option<&str>, queue: QueueKind) -> Result<(), ConfigError> {
    match text {
        None | Some("all") => Ok(()),
        Some(role @ ("api" | "worker")) => Err(value(
            "role",
            format!(
                "{role} needs a queue that several processes share; {} is this process's own: say all",
                match queue {
                    QueueKind::Memory => "memory",
                    QueueKind::Sled => "sled",
                }
            ),
        )),
        Some(other) => Err(value(
            "role",
            format!("{other:?} is none of all, api and worker"),
        )),
    }
}

/// On a loopback address all clients share one, and all are this machine's.
pub(super) fn per_address(
    text: Option<&str>,
    listen: IpAddr,
) -> Result<Option<usize>, ConfigError> {
    match text {
        None if listen.is_loopback() => Ok(None),
        None => Ok(Some(256)),
        Some("off") => Ok(None),
        Some(text) => match text.parse() {
            Ok(count) if count > 0 => Ok(Some(count)),
            _ => Err(value(
                "max-connections-per-address",
                format!("{text:?} is neither a number from 1 nor off"),
            )),
        },
    }
}

pub(super) fn log_format(text: Option<&str>) -> Result<LogFormat, ConfigError> {
    match text {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(value(
            "log-format",
            format!("{other:?} is neither text nor json"),
        )),
    }
}
