//! What every answer carries, whatever gave it, and the line that the log keeps of it.

use std::{net::SocketAddr, sync::LazyLock};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use tracing::Span;
use uuid::{Builder, fmt::Hyphenated};

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

/// [`DEFAULTS`], and that nothing is cached.
static COMMON: LazyLock<HeaderMap> = LazyLock::new(|| {
    let defaults = DEFAULTS
        .into_iter()
        .map(|(name, value)| (name, HeaderValue::from_static(value)));
    defaults
        .chain([(header::CACHE_CONTROL, NO_STORE)])
        .collect()
});

/// A request on its way to an answer, by the name that its answer and the log have for it.
#[derive(Debug)]
pub(crate) struct Asked {
    id: HeaderValue,
    /// What every line of the log tells of the request that it is about.
    pub span: Span,
}

impl Asked {
    /// A request comes from `peer`.
    pub(crate) fn of(peer: SocketAddr, request: &Request) -> Self {
        let id = request_id(request.headers());
        let text = || id.to_str().unwrap_or_default();
        let method = request.method();
        // The path alone: a query may hold what no log should.
        let path = || request.uri().path();
        let peer = Some(peer);
        // A poll says nothing at info, and is asked for thousands of times a second.
        let span = if method.is_safe() {
            tracing::debug_span!("request", id = %text(), %method, path = path(), ?peer)
        } else {
            tracing::info_span!("request", id = %text(), %method, path = path(), ?peer)
        };
        Self { id, span }
    }

    /// Adds to an answer what every one carries.
    pub(crate) fn answered(self, mut response: Response) -> Response {
        let status = response.status().as_u16();
        self.span.in_scope(|| tracing::debug!(status, "answered"));
        dress(response.headers_mut(), self.id);
        response
    }
}

fn dress(headers: &mut HeaderMap, id: HeaderValue) {
    // Copied whole: to look for each of them in an answer costs more.
    let own = std::mem::replace(headers, COMMON.clone());
    let mut last = None;
    for (name, value) in own {
        if let Some(name) = name {
            headers.insert(name.clone(), value);
            last = Some(name);
        } else if let Some(name) = &last {
            headers.append(name, value);
        }
    }
    headers.append(header::VARY, HeaderValue::from_static("authorization"));
    headers.insert(REQUEST_ID, id);
}

/// The caller's own id where it is harmless, so that its log and ours can be held together.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_harmless = |id: &[u8]| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id
                .iter()
                .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
    };
    match headers.get(REQUEST_ID) {
        Some(id) if is_harmless(id.as_bytes()) => id.clone(),
        _ => fresh_id(),
    }
}

/// By this thread's generator: asking the system for each costs a call of it.
fn fresh_id() -> HeaderValue {
    let id = Builder::from_random_bytes(rand::random()).into_uuid();
    let mut text = [0; Hyphenated::LENGTH];
    let text = id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered_to(id: Option<&'static str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert(REQUEST_ID, HeaderValue::from_static(id));
        }
        let id = request_id(&headers);
        id.to_str().expect("text").to_owned()
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_gives_way_to_a_fresh_one() {
        const LONGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for kept in ["a", "Run-7_b.2", LONGEST] {
            assert_eq!(answered_to(Some(kept)), kept);
        }
        let too_long: &'static str = format!("{LONGEST}x").leak();
        for given in [None, Some(""), Some("a b"), Some("a\"b"), Some(too_long)] {
            let id: uuid::Uuid = answered_to(given).parse().expect("a UUID");
            assert_eq!(id.get_version_num(), 4, "{given:?}");
        }
        assert_ne!(answered_to(None), answered_to(None));
    }

    #[test]
    fn an_answer_keeps_what_it_says_of_itself() {
        let request = Request::new(axum::body::Body::empty());
        let peer = SocketAddr::from(([127, 0, 0, 1], 9));
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        headers.insert(REQUEST_ID, HeaderValue::from_static("an-inner-one"));
        let response = Asked::of(peer, &request).answered(response);
        let headers = response.headers();
        assert_eq!(headers[header::CACHE_CONTROL], "public");
        let vary: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(vary, ["origin", "authorization"]);
        assert_ne!(headers[REQUEST_ID], "an-inner-one");
        for (name, value) in DEFAULTS {
            assert_eq!(headers[name], value);
        }
    }
}
