//! What a server answers, whichever way it came.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use reqwest::Response;

use crate::{
    direct,
    probe::{self, Fault},
};

/// The head of a reply, and its body still to be read.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    length: Option<u64>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// By the HTTP client: over TLS, through proxies, in HTTP/2.
    Client(Box<Response>),
    /// By a connection of our own.
    Direct(Box<direct::Body>),
    /// Already here.
    Held(Bytes),
}

impl Answer {
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Bytes of the body, where its head says so.
    pub(crate) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes of the body, as they came; none at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match &mut self.body {
            Body::Client(response) => response.chunk().await.map_err(probe::of_request),
            Body::Direct(body) => body.chunk().await,
            Body::Held(bytes) => Ok((!bytes.is_empty()).then(|| std::mem::take(bytes))),
        }
    }
}

impl From<Response> for Answer {
    fn from(mut response: Response) -> Self {
        Self {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            length: response.content_length(),
            body: Body::Client(Box::new(response)),
        }
    }
}

impl From<http::Response<direct::Body>> for Answer {
    fn from(response: http::Response<direct::Body>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            length: body.length(),
            body: Body::Direct(Box::new(body)),
        }
    }
}

impl From<Bytes> for Answer {
    fn from(bytes: Bytes) -> Self {
        Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            length: u64::try_from(bytes.len()).ok(),
            body: Body::Held(bytes),
        }
    }
}
