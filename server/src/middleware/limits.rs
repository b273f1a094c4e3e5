//! How long a request may be.
//!
//! hyper refuses what is far beyond these by itself, without a body: 100 header fields, and heads
//! of more than 400 KiB. What is nearer gets a problem that says why.

use axum::extract::Request;
use longhaul_protocol::ProblemCode;

use crate::api::problem::Refusal;

/// Path and query. A poll for 200 jobs has half of this, with each comma escaped.
const MAX_URI: usize = 16 << 10;
/// All header fields together.
const MAX_HEADERS: usize = 32 << 10;

/// Refuses a request whose head is too long.
pub(crate) fn short_head(request: &Request) -> Result<(), Refusal> {
    let uri = request.uri();
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > MAX_URI {
        let detail = format!("Path and query may have at most {MAX_URI} bytes.");
        return Err(Refusal::new(ProblemCode::UriTooLong, detail));
    }
    let fields = request.headers().iter();
    let headers: usize = fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > MAX_HEADERS {
        let detail = format!("All header fields together may have at most {MAX_HEADERS} bytes.");
        return Err(Refusal::new(ProblemCode::HeadersTooLarge, detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::StatusCode,
        response::{IntoResponse, Response},
    };

    use super::*;

    fn answer(request: http::request::Builder) -> StatusCode {
        let request = request.body(Body::empty()).expect("a request");
        match short_head(&request) {
            Ok(()) => Response::<Body>::default().status(),
            Err(refusal) => refusal.into_response().status(),
        }
    }

    #[test]
    fn a_head_beyond_the_limits_is_refused_and_one_within_is_not() {
        let uri = |length| http::Request::get(format!("/?{}", "q".repeat(length)));
        let with = |length| http::Request::get("/").header("x", "v".repeat(length));
        for (request, status) in [
            (uri(MAX_URI - 2), 200),
            (uri(MAX_URI - 1), 414),
            (with(MAX_HEADERS - 1), 200),
            (with(MAX_HEADERS), 431),
        ] {
            assert_eq!(answer(request), status);
        }
    }
}
