//! `GET /metrics`: for those on this machine, and for whoever has the admin token.

use std::net::SocketAddr;

use axum::{
    extract::{Extension, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use longhaul_protocol::{ProblemCode, Token};
use subtle::ConstantTimeEq;

use super::{Api, problem::Refusal};
use crate::metrics::TEXT;

/// What a proxy adds: its own address is then not the client's.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// The counters as text: for this machine, and for the admin token from elsewhere.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operators",
    security((), ("admin" = [])),
    responses((status = 200, content_type = "application/openmetrics-text", body = String, description = "OpenMetrics, as Prometheus reads it")),
)]
pub(crate) async fn metrics(
    State(api): State<Api>,
    Extension(peer): Extension<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !is_local(peer, &headers) && !has_token(&headers, api.admin_token.as_ref()) {
        return Err(Refusal::new(
            ProblemCode::Unauthorized,
            "Metrics are for this machine, and for whoever sends the admin token as Authorization: Bearer.",
        ));
    }
    let now = api.clock.now();
    let ledger = api.queue.ledger(now).await?;
    let text = api
        .metrics
        .text(&ledger, now)
        .map_err(|_| Refusal::new(ProblemCode::Internal, "The metrics could not be written."))?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}

fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    peer.ip().to_canonical().is_loopback()
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

fn has_token(headers: &HeaderMap, admin: Option<&Token>) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match (sent, admin) {
        (Some((_, sent)), Some(admin)) => admin
            .expose()
            .as_bytes()
            .ct_eq(sent.trim().as_bytes())
            .into(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_on_this_machine_is_not_this_machine() {
        let local = SocketAddr::from(([127, 0, 0, 1], 9));
        let far = SocketAddr::from(([192, 0, 2, 1], 9));
        let mut headers = HeaderMap::new();
        assert!(is_local(local, &headers));
        assert!(!is_local(far, &headers));
        headers.insert("x-forwarded-for", "127.0.0.1".parse().expect("a header"));
        assert!(!is_local(local, &headers));
    }

    #[test]
    fn without_an_admin_token_none_is_right() {
        let admin = Token::new("a-token-of-the-admin");
        let mut headers = HeaderMap::new();
        assert!(!has_token(&headers, Some(&admin)));
        headers.insert(header::AUTHORIZATION, "Bearer ".parse().expect("a header"));
        assert!(!has_token(&headers, None));
        assert!(!has_token(&headers, Some(&admin)));
        let right = "bearer a-token-of-the-admin".parse().expect("a header");
        headers.insert(header::AUTHORIZATION, right);
        assert!(has_token(&headers, Some(&admin)));
    }
}
