//! What the caller calls this server: the beginning of each absolute URL that an answer holds.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};
use url::Url;

/// Scheme, host and port, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site(Arc<str>);

impl Site {
    /// Of a request: its `Host`, which was held against the allowed ones before, and the scheme
    /// that a trusted proxy says the client used.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap, through_proxy: bool) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = uri.authority().map(http::uri::Authority::as_str);
        let host = named
            .or_else(|| text(header::HOST.as_str()))
            .unwrap_or("localhost");
        // The last one is the nearest proxy's own word.
        let said = text("x-forwarded-proto")
            .filter(|_| through_proxy)
            .and_then(|list| list.rsplit(',').next());
        let scheme = match said.map(str::trim) {
            Some("https") => "https",
            _ => "http",
        };
        Self(format!("{scheme}://{host}").into())
    }

    /// A path of this server, as the caller reaches it; none where `Host` cannot be part of a URL.
    pub(crate) fn at(&self, path: &str) -> Option<Url> {
        Url::parse(&format!("{}{path}", self.0)).ok()
    }
}

impl From<&str> for Site {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(forwarded: &str, through_proxy: bool) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("host", "files.example:8080".parse().expect("a header"));
        if !forwarded.is_empty() {
            headers.insert("x-forwarded-proto", forwarded.parse().expect("a header"));
        }
        let site = Site::of(&Uri::from_static("/v1/jobs"), &headers, through_proxy);
        site.at("/a").expect("a URL").to_string()
    }

    #[test]
    fn the_scheme_is_what_a_trusted_proxy_says_and_nobody_else() {
        assert_eq!(site("", true), "http://files.example:8080/a");
        assert_eq!(site("https", true), "https://files.example:8080/a");
        assert_eq!(site("http, https", true), "https://files.example:8080/a");
        assert_eq!(site("javascript", true), "http://files.example:8080/a");
        assert_eq!(site("https", false), "http://files.example:8080/a");
    }
}
