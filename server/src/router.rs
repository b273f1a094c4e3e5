//! Which path leads to which call, and what stands before all of them.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{OriginalUri, Request},
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use longhaul_protocol::ProblemCode;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter},
    routes,
};

use crate::{
    api::{
        Api, cancel, docs, download, files, health, initiate, jobs, legacy, manifest, metrics,
        openapi, problem::Refusal, queue, retry, web,
    },
    config::Config,
    metrics::measured,
    middleware::{
        Caller, Hosts, LONGEST, Rate, Site, admin, caller, cors, every_answer, host, in_time,
        perhaps_caller, rate, short_head,
    },
};

/// The whole of what the server answers at this address.
pub(crate) fn router(api: Api, config: &Config, address: SocketAddr) -> Router {
    let metrics = Arc::clone(&api.metrics);
    let (calls, document) = described(config);
    let mut router = calls
        .with_state(api)
        .merge(docs::docs(&document))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(elsewhere);
    if !config.cors_origins.is_empty() {
        router = router.layer(cors(&config.cors_origins));
    }
    let hosts = Hosts::new(address, &config.allowed_hosts, &config.cors_origins);
    // As one layer, outermost first: each layer of a router is a box that each request clones, with
    // all those below it. Seven of them took half of the CPU of a status poll.
    router.layer((
        from_fn_with_state(metrics, measured),
        from_fn(every_answer),
        CatchPanicLayer::custom(panicked),
        from_fn(short_head),
        from_fn_with_state(hosts, host),
    ))
}

/// The calls that a server configured so offers, and the document that grows out of them.
pub(crate) fn described(config: &Config) -> (Router<Api>, OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::base())
        .merge(calls(config))
        .split_for_parts();
    openapi::finish(&mut document, config.allow_urls);
    (router, document)
}

fn calls(config: &Config) -> OpenApiRouter<Api> {
    let known = Caller {
        tokens: Arc::new(config.tokens.clone()),
        admin: config.admin_token.clone(),
        trusted_proxies: config.trusted_proxies.clone().into(),
        public_url: config.public_url.as_deref().map(Site::from),
    };
    let limit = Rate::new(config.initiate_rate);
    let owned = OpenApiRouter::new()
        .merge(limited(&limit, routes!(initiate::initiate)))
        .routes(routes!(jobs::many))
        .routes(routes!(jobs::one, cancel::cancel))
        .routes(routes!(retry::retry))
        .routes(routes!(manifest::manifest))
        .routes(routes!(files::files));
    let old = OpenApiRouter::new()
        .merge(limited(&limit, routes!(legacy::initiate)))
        .routes(routes!(legacy::status))
        .layer(from_fn(legacy::deprecated));
    let owned = owned.merge(old);
    let linked = OpenApiRouter::new().routes(routes!(download::signed));
    let operators = OpenApiRouter::new()
        .routes(routes!(queue::show))
        .routes(routes!(queue::pause))
        .routes(routes!(queue::resume));
    let in_time = || from_fn_with_state(LONGEST, in_time);
    let all = OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .layer(in_time())
        .merge(owned.layer((in_time(), from_fn_with_state(known.clone(), caller))))
        .merge(linked.layer((in_time(), from_fn_with_state(known.clone(), perhaps_caller))))
        .merge(operators.layer((in_time(), from_fn_with_state(known.clone(), admin))));
    if !config.blocking_start {
        return all;
    }
    // The one call that may take longer.
    let start = limited(&limit, routes!(legacy::start))
        .layer(from_fn(legacy::deprecated))
        .layer(from_fn_with_state(known, caller));
    all.merge(start)
}

/// `/metrics` alone, for an address of its own.
pub(crate) fn metrics_router(api: Api) -> Router {
    let (router, _) = OpenApiRouter::new()
        .routes(routes!(metrics::metrics))
        .split_for_parts();
    router.with_state(api).layer(from_fn(every_answer))
}

/// A call that begins a download: all of them share one limit.
fn limited(limit: &Rate, call: UtoipaMethodRouter<Api>) -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(call)
        .layer(from_fn_with_state(limit.clone(), rate))
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

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
