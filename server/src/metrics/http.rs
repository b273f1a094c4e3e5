//! How long each answer took, by the template of its route: never by its path, which holds ids.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};

use super::{Answer, Metrics};

/// Whatever no route of the API answers: the page and its parts.
const ELSEWHERE: &str = "elsewhere";

/// Notes a request's answer.
pub(crate) async fn measured(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(ELSEWHERE, MatchedPath::as_str)
        .to_owned();
    let method = named(request.method());
    let begun = Instant::now();
    let response = next.run(request).await;
    let answer = Answer {
        method,
        route,
        status: response.status().as_u16(),
    };
    metrics.answered(&answer, begun.elapsed());
    response
}

/// A client may send any word as its method: what is not known is one label.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
