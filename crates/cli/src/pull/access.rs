//! How `longhaul pull` reaches its sources: proxy, certificates, cookies, user name.

use std::path::Path;

use longhaul_protocol::SignedUrl;
use longhaul_transfer::{Cookies, Network, Proxy};
use url::Url;

use super::orders::Order;
use crate::{args::Access, outcome::Stop};

const PASSWORD: &str = "LONGHAUL_PASSWORD";

pub(super) fn network(access: &Access) -> Result<Network, Stop> {
    let proxy = match access.proxy.as_deref() {
        None | Some("") => Proxy::System,
        Some("none") => Proxy::Direct,
        // The URL is not shown: a password may stand in it.
        Some(url) => Proxy::Url(
            Url::parse(url).map_err(|error| Stop::usage(format!("the proxy's URL: {error}")))?,
        ),
    };
    let authorities = match &access.cacert {
        Some(file) => vec![read(file)?],
        None => Vec::new(),
    };
    let cookies = match &access.cookies {
        Some(file) => {
            let text = read(file)?;
            let cookies = Cookies::parse(&String::from_utf8_lossy(&text))
                .map_err(|error| Stop::usage(format!("{}: {error}", file.display())))?;
            Some(cookies)
        }
        None => None,
    };
    Ok(Network {
        proxy,
        authorities,
        cookies,
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(file).map_err(|error| Stop::usage(format!("{}: {error}", file.display())))
}

/// Puts the user name and the password into the URLs that have none; not into the mirrors'.
pub(super) fn sign_in(orders: &mut [Order], user: &str) -> Result<(), Stop> {
    let password = std::env::var(PASSWORD)
        .map_err(|_| Stop::usage(format!("--user needs the password in {PASSWORD}")))?;
    for order in orders {
        let mut url = order.url.expose().clone();
        if url.username().is_empty() && url.password().is_none() {
            let set = url
                .set_username(user)
                .and_then(|()| url.set_password(Some(&password)));
            set.map_err(|()| Stop::usage("a URL has no place for a user name"))?;
            order.url = SignedUrl::new(url);
        }
    }
    Ok(())
}
