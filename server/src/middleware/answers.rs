//! What every answer carries, whatever gave it, and the line that the log keeps of it.

use std::net::SocketAddr;

use axum::{
    extract::{Extension, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

/// Seed: no answer of the API is ever cached.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache, no-store, must-revalidate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// What an answer carries unless it has its own. An answer of the API is no page: nothing in it
/// may run, and nobody may frame it. The page and the viewer bring their own policy.
const DEFAULTS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; sandbox",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Adds what every answer carries.
pub(crate) async fn every_answer(
    peer: Option<Extension<SocketAddr>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(&request);
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    // The path alone: a query may hold what no log should.
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let peer = peer.map(|peer| peer.0);
    // A poll says nothing at info, and is asked for thousands of times a second.
    let span = if method.is_safe() {
        tracing::debug_span!("request", %id, %method, path, ?peer)
    } else {
        tracing::info_span!("request", %id, %method, path, ?peer)
    };
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    for (name, value) in DEFAULTS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers.append(header::VARY, HeaderValue::from_static("authorization"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

/// The caller's own id where it is harmless, so that its log and ours can be held together.
fn request_id(request: &Request) -> String {
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID)
        .filter(|id| {
            id.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        })
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}
