//! How long a request may be, and how long it may take.
//!
//! hyper refuses what is far beyond these by itself, without a body: 100 header fields, and heads
//! of more than 400 KiB. What is nearer gets a problem that says why.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use longhaul_protocol::ProblemCode;

use crate::api::problem::Refusal;

/// Contract: no request but the deprecated one takes longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);
/// Path and query. A poll for 200 jobs has half of this, with each comma escaped.
const MAX_URI: usize = 16 << 10;
/// All header fields together.
const MAX_HEADERS: usize = 32 << 10;

/// Refuses a request whose head is too long.
pub(crate) async fn short_head(request: Request, next: Next) -> Response {
    let uri = request.uri();
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > MAX_URI {
        let detail = format!("Path and query may have at most {MAX_URI} bytes.");
        return Refusal::new(ProblemCode::UriTooLong, detail).into_response();
    }
    let fields = request.headers().iter();
    let headers: usize = fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > MAX_HEADERS {
        let detail = format!("All header fields together may have at most {MAX_HEADERS} bytes.");
        return Refusal::new(ProblemCode::HeadersTooLarge, detail).into_response();
    }
    next.run(request).await
}

/// Gives a call so long to begin its answer; the body of one is not counted.
pub(crate) async fn in_time(
    State(longest): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    match tokio::time::timeout(longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a call took too long and was given up");
            Refusal::new(
                ProblemCode::NotReady,
                "The server did not come to an answer in time; ask again.",
            )
            .after(Duration::from_secs(5))
            .into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        http::StatusCode,
        middleware::{from_fn, from_fn_with_state},
        routing::get,
    };
    use tower::ServiceExt;

    use super::*;

    async fn answer(router: Router, request: http::request::Builder) -> StatusCode {
        let request = request.body(Body::empty()).expect("a request");
        router.oneshot(request).await.expect("answers").status()
    }

    #[tokio::test]
    async fn a_head_beyond_the_limits_is_refused_and_one_within_is_not() {
        let router = Router::new()
            .route("/", get(|| async {}))
            .layer(from_fn(short_head));
        let uri = |length| http::Request::get(format!("/?{}", "q".repeat(length)));
        let with = |length| http::Request::get("/").header("x", "v".repeat(length));
        for (request, status) in [
            (uri(MAX_URI - 2), 200),
            (uri(MAX_URI - 1), 414),
            (with(MAX_HEADERS - 1), 200),
            (with(MAX_HEADERS), 431),
        ] {
            assert_eq!(answer(router.clone(), request).await, status);
        }
    }

    #[tokio::test]
    async fn a_call_that_never_answers_is_given_up() {
        let router = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(from_fn_with_state(Duration::from_millis(20), in_time));
        assert_eq!(answer(router, http::Request::get("/")).await, 503);
    }
}
