//! Which path leads to which call, and what stands before all of them.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{OriginalUri, Request},
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use longhaul_protocol::ProblemCode;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    api::{
        Api, cancel, download, files, health, initiate, jobs, legacy, manifest, metrics,
        problem::Refusal, retry, web,
    },
    config::Config,
    metrics::measured,
    middleware::{
        Caller, Hosts, LONGEST, Rate, Site, caller, cors, every_answer, host, in_time,
        perhaps_caller, rate, short_head,
    },
};

/// The whole of what the server answers at this address.
pub(crate) fn router(api: Api, config: &Config, address: SocketAddr) -> Router {
    let known = Caller {
        tokens: Arc::new(config.tokens.clone()),
        trusted_proxies: config.trusted_proxies.clone().into(),
        public_url: config.public_url.as_deref().map(Site::from),
    };
    let metrics = Arc::clone(&api.metrics);
    let mut router = calls(
        &known,
        &Rate::new(config.initiate_rate),
        config.blocking_start,
    )
    .method_not_allowed_fallback(method_not_allowed)
    .fallback(elsewhere)
    .with_state(api);
    if !config.cors_origins.is_empty() {
        router = router.layer(cors(&config.cors_origins));
    }
    let hosts = Hosts::new(address, &config.allowed_hosts, &config.cors_origins);
    router
        .layer(from_fn_with_state(hosts, host))
        .layer(from_fn(short_head))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(every_answer))
        .layer(from_fn_with_state(metrics, measured))
}

fn calls(known: &Caller, limit: &Rate, blocking_start: bool) -> Router<Api> {
    let limited = || from_fn_with_state(limit.clone(), rate);
    let owned = Router::new()
        .route(
            "/v1/jobs/download",
            post(initiate::initiate).layer(limited()),
        )
        .route("/v1/jobs", get(jobs::many))
        .route("/v1/jobs/{id}", get(jobs::one).delete(cancel::cancel))
        .route("/v1/jobs/{id}/retry", post(retry::retry))
        .route("/v1/jobs/{id}/manifest", get(manifest::manifest))
        .route("/v1/files", get(files::files));
    let initiate = post(legacy::initiate).layer(limited());
    let old = Router::new()
        .route("/v1/download/initiate", initiate)
        .route("/v1/download/status/{id}", get(legacy::status));
    let owned = owned.merge(old.layer(from_fn(legacy::deprecated)));
    let owned = owned.layer(from_fn_with_state(known.clone(), caller));
    let linked = Router::new()
        .route("/v1/downloads/signed/{id}", get(download::signed))
        .layer(from_fn_with_state(known.clone(), perhaps_caller));
    let open = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics));
    let all = owned.merge(linked).merge(open);
    let all = all.layer(from_fn_with_state(LONGEST, in_time));
    if !blocking_start {
        return all;
    }
    // The one call that may take longer.
    let start = Router::new()
        .route("/v1/download/start", post(legacy::start).layer(limited()))
        .layer(from_fn(legacy::deprecated))
        .layer(from_fn_with_state(known.clone(), caller));
    all.merge(start)
}

/// `/metrics` alone, for an address of its own.
pub(crate) fn metrics_router(api: Api) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .with_state(api)
        .layer(from_fn(every_answer))
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
