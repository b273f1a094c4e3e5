//! Requests for ranges, and the comparison of each reply with what was asked.
//!
//! There is no HEAD: a presigned GET cannot be HEADed, and one-time links exist. The first ranged
//! GET is the probe, and its body is the first segment.

use std::{error::Error as _, time::Duration};

use reqwest::{
    Client, Response,
    header::{ACCEPT_ENCODING, HeaderMap, IF_MATCH, RANGE},
    redirect::Policy,
};
use url::Url;

use crate::{EngineConfig, Error, reply::judge};

const MAX_REDIRECTS: usize = 10;

/// The object that a pull is of: what every reply is held against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Object {
    /// Bytes; unknown for a stream that does not say.
    pub(crate) size: Option<u64>,
    /// Strong ETag, quotes included.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// Which bytes to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `bytes=0-`: the first question.
    All,
    /// `start..end`.
    Range { start: u64, end: u64 },
    /// No Range header: the whole as one stream.
    Whole,
}

/// What a reply turned out to be, its body still to be read.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Bytes of the object, from where was asked up to `end`.
    Bytes {
        body: Response,
        end: u64,
        object: Object,
    },
    /// The whole object, by a server that ignores ranges.
    Stream { body: Response, object: Object },
    /// An object without bytes.
    Empty { headers: HeaderMap, object: Object },
    /// Ranges are understood and unusable (no total); ask for the whole.
    AskWhole,
}

/// Why there is no usable reply, by what cures it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The caller asked to stop.
    Stopped,
    /// The link is no longer good (400, 401, 403).
    Expired { status: u16 },
    /// The object is another one now.
    Changed(String),
    /// Overloaded or failing (408, 429, 5xx): wait.
    Busy {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// Connecting or reading failed: try again.
    Network(String),
    /// The reply contradicts the question: try again, but not for long.
    Wrong(String),
    /// A range was asked for and the whole came.
    RangesIgnored,
    /// Nothing that the engine can do helps.
    Fatal(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

/// The HTTP client of an engine: HTTP/1.1 with a connection a range, kept alive.
pub(crate) fn client(config: &EngineConfig) -> Result<Client, Error> {
    let redirects = Policy::custom(|attempt| {
        if may_follow(attempt.previous(), attempt.url()) {
            attempt.follow()
        } else {
            attempt.error("too many redirects, or to where a pull must not follow")
        }
    });
    Client::builder()
        .user_agent(&config.user_agent)
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(config.connect_timeout)
        .pool_max_idle_per_host(config.connections_per_host)
        .pool_idle_timeout(Duration::from_secs(30))
        // A Referer would carry the signed URL to whoever is redirected to.
        .referer(false)
        .redirect(redirects)
        .build()
        .map_err(|error| Error::Setup {
            what: said(&error.without_url()),
        })
}

/// At most ten, only over HTTP, and never from an encrypted connection to an open one.
fn may_follow(previous: &[Url], next: &Url) -> bool {
    let downgrade = previous
        .last()
        .is_some_and(|from| from.scheme() == "https" && next.scheme() != "https");
    previous.len() <= MAX_REDIRECTS && !downgrade && is_http(next)
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Asks once. `known` is what later replies must match; nothing is known at the first.
pub(crate) async fn ask(
    client: &Client,
    url: &Url,
    asked: Asked,
    known: Option<&Object>,
    patience: Duration,
) -> Result<Reply, Fault> {
    if !is_http(url) {
        return Err(Fault::Fatal(Error::LinkRefused {
            reason: format!("a {} link is not followed", url.scheme()),
            retryable: false,
            kept: 0,
        }));
    }
    let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    match asked {
        Asked::All => request = request.header(RANGE, "bytes=0-"),
        Asked::Range { start, end } => {
            request = request.header(RANGE, format!("bytes={start}-{}", end.saturating_sub(1)));
        }
        Asked::Whole => {}
    }
    if let Some(etag) = known.and_then(|known| known.etag.as_deref()) {
        // If-Match, not If-Range: S3 documents it, and every S3 server tried ignores the other.
        request = request.header(IF_MATCH, etag);
    }
    let reply = tokio::time::timeout(patience, request.send())
        .await
        .map_err(|_| Fault::Network("no answer in time".to_owned()))?
        .map_err(of_request)?;
    judge(reply, asked, known)
}

/// A failure of reqwest, in words without the URL.
pub(crate) fn of_request(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    if error.is_redirect() {
        return Fault::Fatal(Error::Redirect { kept: 0 });
    }
    Fault::Network(said(&error))
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn said(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_encrypted_and_on_http() {
        let url = |text| Url::parse(text).expect("a URL");
        let (open, secure) = (url("http://h/"), url("https://h/"));
        assert!(may_follow(std::slice::from_ref(&open), &secure));
        assert!(may_follow(std::slice::from_ref(&secure), &secure));
        assert!(!may_follow(std::slice::from_ref(&secure), &open));
        assert!(!may_follow(&[open.clone(), secure.clone()], &open));
        assert!(!may_follow(
            std::slice::from_ref(&open),
            &url("file:///etc/passwd")
        ));
        assert!(may_follow(&vec![open.clone(); 10], &open));
        assert!(!may_follow(&vec![open.clone(); 11], &open));
    }
}
