//! Which path leads to which call, and what stands before all of them.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{Extension, OriginalUri, Request},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use longhaul_protocol::ProblemCode;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    api::{
        Api, cancel, download, files, health, initiate, jobs, manifest, problem::Refusal, retry,
        web,
    },
    middleware::{Caller, Hosts, Rate, caller, host, rate},
};

/// Seed: no answer of the API is ever cached.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache, no-store, must-revalidate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// The whole of what the server answers.
pub(crate) fn router(api: Api, hosts: Hosts, known: Caller, limit: Rate) -> Router {
    let owned = Router::new()
        .route(
            "/v1/jobs/download",
            post(initiate::initiate).layer(from_fn_with_state(limit, rate)),
        )
        .route("/v1/jobs", get(jobs::many))
        .route("/v1/jobs/{id}", get(jobs::one).delete(cancel::cancel))
        .route("/v1/jobs/{id}/retry", post(retry::retry))
        .route("/v1/jobs/{id}/manifest", get(manifest::manifest))
        .route("/v1/downloads/signed/{id}", get(download::signed))
        .route("/v1/files", get(files::files))
        .layer(from_fn_with_state(known, caller));
    Router::new()
        .merge(owned)
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(elsewhere)
        .with_state(api)
        .layer(from_fn_with_state(hosts, host))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(every_answer))
}

/// What every answer carries, and the line that the log keeps of it.
async fn every_answer(
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
    let span = tracing::debug_span!("request", %id, %method, path, peer = ?peer.map(|p| p.0));
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
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

async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::new(
        ProblemCode::MethodNotAllowed,
        format!("{} does not take {method}.", uri.path()),
    )
}

/// Paths of the API that are none are problems; the rest is the web page's.
async fn elsewhere(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    if path.starts_with("/v1/") || !matches!(*method, Method::GET | Method::HEAD) {
        return Refusal::new(ProblemCode::NotFound, "Nothing is at this path.").into_response();
    }
    let (parts, _) = request.into_parts();
    web::page(parts.uri, parts.headers).await
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> http::Response<axum::body::Body> {
    tracing::error!("a call panicked");
    Refusal::new(
        ProblemCode::Internal,
        "This request met a fault of the server; its request id is in the log.",
    )
    .into_response()
}
