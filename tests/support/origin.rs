//! Another server, from which jobs fetch: one file, with ranges, as slow and as unwilling as wanted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use tokio::task::JoinSet;

use crate::serving::serve;

const CHUNK: usize = 64 << 10;

/// What `/keyed.bin` wants as its header `X-Key`.
pub const KEY: &str = "planted-key";

/// An origin that serves while it is held.
#[derive(Debug)]
pub struct Origin {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    state: Arc<Behaviour>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct Behaviour {
    bytes: Bytes,
    /// Between two chunks of a body.
    pause: Duration,
    /// Answered with 503 and a Retry-After: how many times yet.
    busy: AtomicUsize,
    sent: AtomicU64,
    asked: AtomicUsize,
}

impl Origin {
    /// Serves `bytes` at `/file.bin`, pausing between chunks of 64 KiB; the first `busy` requests
    /// are answered with 503. `/keyed.bin` is the same for whoever has the [`KEY`]. Any other path
    /// is 404, but `/forbidden`, which is 403.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(bytes: Vec<u8>, pause: Duration, busy: usize) -> Self {
        Self::start_at("127.0.0.1", bytes, pause, busy).await
    }

    /// The same at another of this machine's own addresses.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start_at(host: &str, bytes: Vec<u8>, pause: Duration, busy: usize) -> Self {
        let state = Arc::new(Behaviour {
            bytes: bytes.into(),
            pause,
            busy: AtomicUsize::new(busy),
            sent: AtomicU64::new(0),
            asked: AtomicUsize::new(0),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let (url, task) = serve(host, router).await;
        Self {
            url,
            state,
            _task: task,
        }
    }

    /// Bytes of bodies that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }

    /// Requests that came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(state): State<Arc<Behaviour>>, request: Request) -> Response {
    state.asked.fetch_add(1, Ordering::SeqCst);
    match request.uri().path() {
        "/file.bin" => {}
        "/keyed.bin" if request.headers().get("x-key").is_some_and(|key| key == KEY) => {}
        "/forbidden" | "/keyed.bin" => return StatusCode::FORBIDDEN.into_response(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    let left = state
        .busy
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
    if left.is_ok() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, "1")],
        )
            .into_response();
    }
    let size = state.bytes.len();
    let (start, end) = range(request.headers(), size);
    let headers = [
        (
            header::CONTENT_RANGE,
            format!("bytes {start}-{}/{size}", end - 1),
        ),
        (header::CONTENT_LENGTH, (end - start).to_string()),
        (header::ETAG, "\"only\"".to_owned()),
    ];
    let body = stream::unfold(start, move |at| {
        let state = Arc::clone(&state);
        async move {
            let next = end.min(at + CHUNK);
            if at == next {
                return None;
            }
            tokio::time::sleep(state.pause).await;
            state.sent.fetch_add((next - at) as u64, Ordering::SeqCst);
            Some((Ok::<_, std::io::Error>(state.bytes.slice(at..next)), next))
        }
    });
    (
        StatusCode::PARTIAL_CONTENT,
        headers,
        Body::from_stream(body),
    )
        .into_response()
}

fn range(headers: &HeaderMap, size: usize) -> (usize, usize) {
    let asked = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let (from, to) = asked
        .and_then(|text| text.strip_prefix("bytes=")?.split_once('-'))
        .unwrap_or(("0", ""));
    let start = from.parse().unwrap_or(0);
    let end = to.parse().map_or(size, |to: usize| to + 1);
    (start, end.min(size))
}
