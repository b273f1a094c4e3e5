//! Where an engine may connect to: asked for each address that a name stands for, and for each that
//! a URL spells out, at every connection and every redirect.
//!
//! The addresses that were asked about are the ones connected to: a name is looked up once for a
//! connection, so that a second answer of its server (DNS rebinding) leads nowhere.

use std::{
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{Error, probe::Fault};

/// Says which addresses an engine may connect to.
#[derive(Clone)]
pub struct Guard {
    allows: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    names: Arc<dyn Names>,
}

/// Looks names up.
#[async_trait]
pub trait Names: Send + Sync {
    /// All addresses of a host.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own look-up.
#[derive(Debug)]
struct System;

#[async_trait]
impl Names for System {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

impl Guard {
    /// A guard that allows what `allows` does; names are the system's.
    pub fn new(allows: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self {
            allows: Arc::new(allows),
            names: Arc::new(System),
        }
    }

    /// The same, with names looked up elsewhere.
    #[must_use]
    pub fn with_names(self, names: Arc<dyn Names>) -> Self {
        Self { names, ..self }
    }

    /// A URL that spells an address out never comes to the look-up of names. The `url` crate has
    /// read `2130706433`, `0177.0.0.1`, `0x7f.1` and `127.1` as the address that they are.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Fault> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(refused("")),
        };
        if (self.allows)(address) {
            Ok(())
        } else {
            Err(refused(&address.to_string()))
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = guard.names.addresses(name.as_str()).await?;
            // One address that is not allowed spoils the name: an honest one has none.
            if let Some(address) = found.iter().find(|address| !(guard.allows)(**address)) {
                tracing::warn!(host = name.as_str(), %address, "not connected to");
                return Err(Box::new(NotAllowed {
                    host: name.as_str().to_owned(),
                }) as Box<dyn StdError + Send + Sync>);
            }
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

/// A name leads to where the engine may not connect.
#[derive(Debug, thiserror::Error)]
#[error("{host} leads to an address that may not be connected to")]
pub(crate) struct NotAllowed {
    host: String,
}

/// The guard's own words somewhere in an error's causes.
pub(crate) fn refusal(error: &(dyn StdError + 'static)) -> Option<Fault> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(NotAllowed { host }) = error.downcast_ref() {
            return Some(refused(host));
        }
        cause = error.source();
    }
    None
}

fn refused(host: &str) -> Fault {
    Fault::Fatal(Error::NotAllowed {
        host: host.to_owned(),
        kept: 0,
    })
}
