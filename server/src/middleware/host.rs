//! `Host` must name this server, even without an Origin: a page that rebinds its own name to a
//! loopback address gets no further (DNS rebinding). Writes from other sites' pages are refused.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header, uri::Authority},
};
use longhaul_protocol::ProblemCode;

use crate::api::problem::Refusal;

/// Names that this server answers for, and the sites whose pages may change something.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    /// None where it is reached by names it cannot know.
    names: Option<Arc<[String]>>,
    origins: Arc<[String]>,
}

impl Hosts {
    /// A loopback listener answers for the loopback's names and for `allowed`; another for
    /// `allowed`, or for all where there are none: there, tokens are asked for.
    #[must_use]
    pub(crate) fn new(listen: SocketAddr, allowed: &[String], origins: &[String]) -> Self {
        Self {
            names: Self::names(listen, allowed).map(Arc::from),
            origins: origins.into(),
        }
    }

    fn names(listen: SocketAddr, allowed: &[String]) -> Option<Vec<String>> {
        let mut names: Vec<_> = allowed.iter().map(|name| name.to_lowercase()).collect();
        if listen.ip().is_loopback() {
            let port = listen.port();
            for name in ["localhost", "127.0.0.1", "[::1]"] {
                names.push(format!("{name}:{port}"));
                if port == 80 {
                    names.push(name.to_owned());
                }
            }
            names.push(listen.to_string());
        } else if names.is_empty() {
            return None;
        }
        Some(names)
    }

    fn admits(&self, host: &str) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        // As most clients write it; what follows is for those who do not.
        if names.iter().any(|name| name == host) {
            return true;
        }
        let host = host.to_lowercase();
        let bare = host
            .parse::<Authority>()
            .map_or_else(|_| host.clone(), |authority| authority.host().to_owned());
        // An allowed name without a port is allowed on every port.
        names.iter().any(|name| *name == host || *name == bare)
    }
}

impl Hosts {
    /// Whether the page is of a site that was named. Pages cannot choose their `Origin`.
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        text(headers, header::ORIGIN)
            .is_some_and(|origin| self.origins.iter().any(|known| known == origin))
    }
}

/// Refuses requests for other hosts, and writes from other sites.
pub(crate) fn host(hosts: &Hosts, request: &Request) -> Result<(), Refusal> {
    let named = request
        .uri()
        .authority()
        .map(Authority::as_str)
        .or_else(|| text(request.headers(), header::HOST));
    if !named.is_some_and(|named| hosts.admits(named)) {
        return Err(Refusal::new(
            ProblemCode::MisdirectedRequest,
            "This server does not answer for the host that the request names. \
             Behind a proxy, name its host by --allowed-hosts.",
        ));
    }
    let writes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if writes && is_cross_site(request.headers()) && !hosts.lets_in(request.headers()) {
        return Err(Refusal::new(
            ProblemCode::CrossSite,
            "A page of another site may not change anything here.",
        ));
    }
    Ok(())
}

/// The browser says so itself (Fetch Metadata); an older one by an Origin that is not this host.
fn is_cross_site(headers: &HeaderMap) -> bool {
    match text(headers, header::HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "cross-site",
        None => match text(headers, header::ORIGIN) {
            None => false,
            Some(origin) => {
                let host = text(headers, header::HOST).unwrap_or_default();
                origin
                    .split_once("://")
                    .is_none_or(|(_, origin)| origin != host)
            }
        },
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_server_answers_for_the_loopback_alone() {
        let hosts = Hosts::new(
            ([127, 0, 0, 1], 3000).into(),
            &["Files.example".into()],
            &[],
        );
        for good in [
            "127.0.0.1:3000",
            "LOCALHOST:3000",
            "[::1]:3000",
            "files.example",
            "files.example:443",
        ] {
            assert!(hosts.admits(good), "{good}");
        }
        for bad in [
            "evil.example:3000",
            "127.0.0.1",
            "127.0.0.1:3001",
            "",
            "127.0.0.1.evil:3000",
        ] {
            assert!(!hosts.admits(bad), "{bad}");
        }
    }

    #[test]
    fn an_origin_that_is_not_this_host_is_another_site() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs
                .iter()
                .map(|(name, value)| {
                    (
                        header::HeaderName::from_static(name),
                        header::HeaderValue::from_static(value),
                    )
                })
                .collect()
        };
        assert!(!is_cross_site(&headers(&[])));
        assert!(is_cross_site(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!is_cross_site(&headers(&[(
            "sec-fetch-site",
            "same-origin"
        )])));
        assert!(is_cross_site(&headers(&[
            ("origin", "null"),
            ("host", "h:1")
        ])));
        assert!(is_cross_site(&headers(&[
            ("origin", "http://evil"),
            ("host", "h:1")
        ])));
        assert!(!is_cross_site(&headers(&[
            ("origin", "http://h:1"),
            ("host", "h:1")
        ])));
    }
}
