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
    metrics::Routes,
    middleware::{
        Caller, Front, Hosts, InTime, LONGEST, Rate, admin, caller, checked, cors, perhaps_caller,
        rate,
    },
};

/// The whole of what the server answers at this address.
pub(crate) fn front(api: Api, config: &Config, address: SocketAddr) -> Front {
    let (calls, document) = described(config);
    let mut router = calls
        .with_state(api.clone())
        .merge(docs::docs(&document))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(elsewhere);
    // An answer to another site's page says more.
    let polls = config.cors_origins.is_empty();
    let polls = polls.then(|| Caller::new(config));
    if !config.cors_origins.is_empty() {
        router = router.layer(cors(&config.cors_origins));
    }
    let templates = document.paths.paths.keys().map(String::as_str);
    let routes = Routes::new(templates.chain(docs::PATHS));
    let hosts = Hosts::new(address, &config.allowed_hosts, &config.cors_origins);
    Front::new(api, router, routes, hosts, polls)
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
    let known = Arc::new(Caller::new(config));
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
    let in_time = InTime(LONGEST);
    let all = OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .layer(in_time)
        .merge(owned.layer((in_time, checked(&known, caller))))
        .merge(linked.layer((in_time, checked(&known, perhaps_caller))))
        .merge(operators.layer((in_time, checked(&known, admin))));
    if !config.blocking_start {
        return all;
    }
    // The one call that may take longer.
    let start = limited(&limit, routes!(legacy::start))
        .layer(from_fn(legacy::deprecated))
        .layer(checked(&known, caller));
    all.merge(start)
}

/// `/metrics` alone, for an address of its own.
pub(crate) fn metrics_router(api: Api) -> Router {
    let (router, _) = OpenApiRouter::new()
        .routes(routes!(metrics::metrics))
        .split_for_parts();
    router.with_state(api)
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

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
