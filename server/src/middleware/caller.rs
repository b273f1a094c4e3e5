//! Who asks: the owner that a bearer token names, and the address that the request comes from.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use longhaul_protocol::{ProblemCode, Token};
use subtle::ConstantTimeEq;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};

use super::Site;
use crate::{
    api::problem::Refusal,
    config::{Config, Tokens},
    queue::Owner,
};

/// Whoever asks where no tokens are configured.
const LOCAL: &str = "local";

/// How a caller is known.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Their tokens.
    tokens: Tokens,
    /// Whoever asks where there are none.
    local: Owner,
    /// The one that opens the queue's calls, where there is one.
    admin: Option<Token>,
    /// Whose word on addresses is taken.
    trusted_proxies: Vec<IpNet>,
    /// What clients call this server; none for what each request says.
    public_url: Option<Site>,
}

/// The address that a request comes from, as far as it can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub IpAddr);

/// Lets a request pass, or refuses it.
pub(crate) type Check = fn(&Caller, &mut Request) -> Result<(), Refusal>;

/// A [`Check`] that stands before calls.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    known: Arc<Caller>,
    check: Check,
}

/// Lets those pass to a call whom `check` lets pass.
pub(crate) fn checked(known: &Arc<Caller>, check: Check) -> ValidateRequestHeaderLayer<Checked> {
    let known = Arc::clone(known);
    ValidateRequestHeaderLayer::custom(Checked { known, check })
}

impl ValidateRequest<Body> for Checked {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request) -> Result<(), Response> {
        (self.check)(&self.known, request).map_err(IntoResponse::into_response)
    }
}

/// Puts the [`Owner`], the [`ClientAddress`] and the [`Site`] into the request, or refuses it.
pub(crate) fn caller(known: &Caller, request: &mut Request) -> Result<(), Refusal> {
    let owner = known
        .owner(request.headers())
        .ok_or_else(Refusal::no_token)?
        .clone();
    let peer = request.extensions().get::<SocketAddr>().copied();
    let peer = peer
        .ok_or_else(|| Refusal::new(ProblemCode::Internal, "The server does not know who asks."))?;
    let trusted = &known.trusted_proxies;
    let address = client_address(peer.ip(), request.headers(), trusted);
    let site = known.public_url.clone().unwrap_or_else(|| {
        let through_proxy = is_in(trusted, &peer.ip().to_canonical());
        Site::of(request.uri(), request.headers(), through_proxy)
    });
    let known = request.extensions_mut();
    known.insert(owner);
    known.insert(ClientAddress(address));
    known.insert(site);
    Ok(())
}

/// Puts the [`Owner`] into the request where there is one: the call itself takes a signed link too.
pub(crate) fn perhaps_caller(known: &Caller, request: &mut Request) -> Result<(), Refusal> {
    if let Some(owner) = known.owner(request.headers()) {
        let owner = owner.clone();
        request.extensions_mut().insert(owner);
    }
    Ok(())
}

/// Lets the admin token pass, and nothing else.
pub(crate) fn admin(known: &Caller, request: &mut Request) -> Result<(), Refusal> {
    let sent = bearer(request.headers());
    let is_admin = match (&known.admin, sent) {
        (Some(admin), Some(sent)) => admin.expose().as_bytes().ct_eq(sent.as_bytes()).into(),
        _ => false,
    };
    if is_admin {
        return Ok(());
    }
    let is_known = sent.is_some_and(|sent| known.tokens.owner(sent).is_some());
    Err(if known.admin.is_none() || is_known {
        Refusal::new(
            ProblemCode::Forbidden,
            "Only the token of --admin-token-file opens the queue.",
        )
    } else {
        Refusal::no_token()
    })
}

impl Caller {
    /// What `config` says, for a server that is asked by these.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            tokens: config.tokens.clone(),
            local: Owner(LOCAL.into()),
            admin: config.admin_token.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            public_url: config.public_url.as_deref().map(Site::from),
        }
    }

    /// Whom the token names; whoever asks, where no tokens are configured.
    pub(super) fn owner(&self, headers: &HeaderMap) -> Option<&Owner> {
        if self.tokens.is_empty() {
            return Some(&self.local);
        }
        self.tokens.owner(bearer(headers)?)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = sent.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_in(networks: &[IpNet], address: &IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// The socket's address; where that is a trusted proxy, the right-most forwarded address that is
/// not one. What stands further left is what the client typed.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| is_in(trusted, address);
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let forwarded: Vec<_> = forwarded.map(str::trim).collect();
    let mut nearest = peer;
    for hop in forwarded.iter().rev() {
        // What is not an address ends the chain: nothing left of it can be believed.
        let Ok(address) = hop.parse::<IpAddr>() else {
            return nearest;
        };
        nearest = address.to_canonical();
        if !is_trusted(&nearest) {
            return nearest;
        }
    }
    if forwarded.is_empty()
        && let Some(real) = headers.get("x-real-ip")
        && let Some(real) = real.to_str().ok().and_then(|text| text.trim().parse().ok())
    {
        return IpAddr::to_canonical(&real);
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_address_is_believed_from_the_right_and_from_proxies_alone() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let cases = [
            ("1.2.3.4", "9.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, junk, 10.9.9.9", "10.9.9.9"),
            ("::ffff:10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
        ];
        for (peer, forwarded, expected) in cases {
            let mut headers = HeaderMap::new();
            if !forwarded.is_empty() {
                headers.insert("x-forwarded-for", forwarded.parse().expect("a header"));
            }
            let found = client_address(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded}");
        }
    }
}
