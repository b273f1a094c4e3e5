//! Requests for ranges, and the comparison of each reply with what was asked.
//!
//! There is no HEAD: a presigned GET cannot be HEADed, and one-time links exist. The first ranged
//! GET is the probe, and its body is the first segment.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use bytes::{Bytes, BytesMut};
use percent_encoding::percent_decode_str;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, IF_MATCH, LOCATION, RANGE,
};
use url::Url;

use crate::{
    Error, Guard,
    answer::Answer,
    guard,
    network::{Clients, distrust, said},
    reply::judge,
};

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
        body: Answer,
        end: u64,
        object: Object,
    },
    /// The whole object, by a server that ignores ranges.
    Stream { body: Answer, object: Object },
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

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// How an engine asks: its clients, and where that may go.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) clients: Arc<Clients>,
    pub(crate) guard: Option<Guard>,
    pub(crate) redirects: usize,
    /// How long the head of a reply may take.
    pub(crate) patience: Duration,
}

impl Asker {
    /// Asks once, and follows where it is sent. `known` is what later replies must match; nothing
    /// is known at the first.
    pub(crate) async fn ask(
        &self,
        url: &Url,
        headers: &HeaderMap,
        asked: Asked,
        known: Option<&Object>,
    ) -> Result<Reply, Fault> {
        if !is_http(url) {
            return Err(Fault::Fatal(Error::LinkRefused {
                reason: format!("a {} link is not followed", url.scheme()),
                retryable: false,
                kept: 0,
            }));
        }
        let reply = tokio::time::timeout(self.patience, self.send(url, headers, asked, known))
            .await
            .map_err(|_| Fault::Network("no answer in time".to_owned()))??;
        judge(reply, asked, known)
    }

    async fn send(
        &self,
        url: &Url,
        headers: &HeaderMap,
        asked: Asked,
        known: Option<&Object>,
    ) -> Result<Answer, Fault> {
        let mut at = url.clone();
        for _ in 0..=self.redirects {
            if let Some(guard) = &self.guard {
                guard.check(&at)?;
            }
            let headers = head(url, &at, headers, asked, known);
            let reply = self.clients.get(&without_user(&at), headers).await?;
            if reply.status() == 407 && self.clients.is_proxied() {
                return Err(Fault::Fatal(Error::Proxy {
                    what: "it wants another user name or password".to_owned(),
                    kept: 0,
                }));
            }
            if !matches!(reply.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(reply);
            }
            at = next(&at, &reply).ok_or(Fault::Fatal(Error::Redirect { kept: 0 }))?;
        }
        Err(Fault::Fatal(Error::Redirect { kept: 0 }))
    }
}

/// The headers of a question to `at`, to which a question to `url` was led.
fn head(url: &Url, at: &Url, own: &HeaderMap, asked: Asked, known: Option<&Object>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // What is for one origin's eyes is not shown to another.
    if at.origin() == url.origin() {
        headers = own.clone();
        if let Some((name, password)) = user(url) {
            let credentials = BASE64.encode(format!("{name}:{}", password.unwrap_or_default()));
            if let Ok(mut value) = HeaderValue::try_from(format!("Basic {credentials}")) {
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let range = match asked {
        Asked::All => Some("bytes=0-".to_owned()),
        Asked::Range { start, end } => Some(format!("bytes={start}-{}", end.saturating_sub(1))),
        Asked::Whole => None,
    };
    if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
        headers.insert(RANGE, range);
    }
    // If-Match, not If-Range: S3 documents it, and every S3 server tried ignores the other.
    let etag = known.and_then(|known| known.etag.as_deref());
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(IF_MATCH, etag);
    }
    headers
}

/// The user name and password of a URL (RFC 3986, section 3.2.1), decoded.
fn user(url: &Url) -> Option<(String, Option<String>)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password = url.password().map(decoded);
    (!url.username().is_empty() || password.is_some()).then(|| (decoded(url.username()), password))
}

fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    // Only a URL without a host has no place for them, and that one cannot be asked.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Where a redirect leads: only over HTTP, never from an encrypted connection to an open one, and
/// with no name and password of somebody's.
fn next(from: &Url, reply: &Answer) -> Option<Url> {
    let location = reply.headers().get(LOCATION)?.to_str().ok()?;
    let to = from.join(location).ok()?;
    may_follow(from, &to).then_some(to)
}

fn may_follow(from: &Url, to: &Url) -> bool {
    let downgrade = from.scheme() == "https" && to.scheme() != "https";
    !downgrade && is_http(to) && to.username().is_empty() && to.password().is_none()
}

/// All of a body that is held in memory, which must be `length` bytes.
pub(crate) async fn whole(mut body: Answer, length: u64, stall: Duration) -> Result<Bytes, Fault> {
    let mut bytes = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
    loop {
        let chunk = tokio::time::timeout(stall, body.chunk())
            .await
            .map_err(|_| Fault::Network("the connection stalled".to_owned()))??;
        let Some(chunk) = chunk else { break };
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > length {
            break;
        }
    }
    match bytes.len() as u64 == length {
        true => Ok(bytes.freeze()),
        false => Err(Fault::Wrong(
            "another length came than was asked for".to_owned(),
        )),
    }
}

/// A failure of reqwest, in words without the URL.
pub(crate) fn of_request(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    guard::refusal(&error)
        .or_else(|| distrust(&error))
        .unwrap_or_else(|| Fault::Network(said(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_encrypted_and_on_http_and_takes_no_password() {
        let url = |text| Url::parse(text).expect("a URL");
        let (open, secure) = (url("http://h/"), url("https://h/"));
        assert!(may_follow(&open, &secure));
        assert!(may_follow(&secure, &secure));
        assert!(!may_follow(&secure, &open));
        for to in [
            "file:///etc/passwd",
            "ftp://h/",
            "gopher://h/",
            "http://u:p@h/",
        ] {
            assert!(!may_follow(&open, &url(to)), "{to}");
        }
    }
}
