//! How the engine reaches its sources: by which proxy, trusting whom, speaking which HTTP.

use std::{
    collections::HashSet,
    error::Error as StdError,
    io,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use reqwest::{
    Certificate, Client, ClientBuilder, dns::Resolve, header::HeaderMap, redirect::Policy,
};
use url::Url;

use crate::{
    Cookies, EngineConfig, Error, answer::Answer, direct::Direct, lookup::Lookup, probe::Fault,
};

/// Origins whose HTTP is remembered; beyond, all are forgotten and asked anew.
const MOST: usize = 1024;

/// How hyper-util says that a proxy wants other words; its types are not to be had.
const WORDS_OF_REFUSAL: [&str; 3] = [
    "authorization required",
    "credentials not accepted",
    "pass authentication",
];

/// How the engine reaches its sources.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Which proxy connects for it.
    pub proxy: Proxy,
    /// Certificate authorities that are trusted beside the system's, in PEM; several may stand in one.
    pub authorities: Vec<Vec<u8>>,
    /// Sent along where they belong, and kept up to date by what the sources set.
    pub cookies: Option<Cookies>,
}

/// Which proxy connects for the engine.
#[derive(Clone, Default)]
pub enum Proxy {
    /// The system's, as set in its settings or by `HTTPS_PROXY` and its kind.
    #[default]
    System,
    /// None.
    Direct,
    /// This one: `http`, `https`, `socks4`, `socks5`, or `socks5h`, which looks names up as well;
    /// user name and password stand in the URL.
    Url(Url),
}

impl std::fmt::Debug for Proxy {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Direct => f.write_str("Direct"),
            Self::Url(url) => write!(f, "{}://{:?}", url.scheme(), url.host_str()),
        }
    }
}

/// The HTTP clients of an engine.
///
/// HTTP/1.1 is what is wanted: each range has a connection, and so a TCP window, of its own, where
/// HTTP/2 would send all of them through one. Where a server speaks HTTP/2 alone, so do we.
#[derive(Debug)]
pub(crate) struct Clients {
    one: Lazy,
    two: Lazy,
    direct: Option<Direct>,
    /// Origins that speak HTTP/2 alone.
    only_two: Mutex<HashSet<String>>,
    /// Whether a proxy was named, which then is to blame for what it answers.
    proxied: bool,
}

/// A client that is made when it is first asked for: it reads the system's certificates, which
/// takes some milliseconds, and what goes the direct way never needs them.
type Lazy = LazyLock<Result<Client, String>, Box<dyn FnOnce() -> Result<Client, String> + Send>>;

impl Clients {
    /// Checks the network's settings; what the system holds is looked at when it is needed.
    pub(crate) fn new(config: &EngineConfig) -> Result<Self, Error> {
        let names: Arc<dyn Resolve> = match &config.guard {
            Some(guard) => Arc::new(guard.clone()),
            None => Arc::new(Lookup::default()),
        };
        let built = |builder: ClientBuilder| -> Lazy {
            LazyLock::new(Box::new(|| {
                builder.build().map_err(|error| said(&error.without_url()))
            }))
        };
        let one = builder(config, Arc::clone(&names))?.http1_only();
        let two = builder(config, Arc::clone(&names))?
            .http2_prior_knowledge()
            .http2_adaptive_window(true);
        Ok(Self {
            one: built(one),
            two: built(two),
            direct: Direct::new(config, names),
            only_two: Mutex::default(),
            proxied: matches!(config.network.proxy, Proxy::Url(_)),
        })
    }

    /// Sends a GET, by the way that leads there.
    pub(crate) async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Answer, Fault> {
        if let Some(direct) = self.direct.as_ref().filter(|direct| direct.leads_to(url)) {
            return direct.get(url, headers).await.map(Answer::from);
        }
        let send = |client: &Client| client.get(url.clone()).headers(headers.clone()).send();
        let reply = match send(self.of(url)?).await {
            Err(error) if self.speaks_only_two(url, &error) => send(self.of(url)?).await,
            reply => reply,
        };
        reply.map(Answer::from).map_err(|error| self.fault(error))
    }

    /// The client for a URL.
    fn of(&self, url: &Url) -> Result<&Client, Fault> {
        let client = match self.lock().contains(&key(url)) {
            true => &self.two,
            false => &self.one,
        };
        client
            .as_ref()
            .map_err(|what| Fault::Fatal(Error::Setup { what: what.clone() }))
    }

    /// Whether the failure means that the server speaks HTTP/2 alone; then it is remembered.
    fn speaks_only_two(&self, url: &Url, error: &reqwest::Error) -> bool {
        use rustls::{AlertDescription::NoApplicationProtocol, Error::AlertReceived};
        let refused = matches!(of_tls(error), Some(AlertReceived(NoApplicationProtocol)));
        if refused {
            tracing::debug!(host = url.host_str(), "it speaks HTTP/2 alone");
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            // Told once: were HTTP/2 refused as well, that would be the end.
            return known.insert(key(url));
        }
        false
    }

    /// A failure of reqwest, by what cures it, in words without the URL.
    fn fault(&self, error: reqwest::Error) -> Fault {
        let in_connecting = error.is_connect();
        let fault = crate::probe::of_request(error);
        match fault {
            Fault::Network(what) if in_connecting && self.proxied => {
                if WORDS_OF_REFUSAL.iter().any(|words| what.contains(words)) {
                    return Fault::Fatal(Error::Proxy {
                        what: "it wants another user name or password".to_owned(),
                        kept: 0,
                    });
                }
                Fault::Network(format!("the proxy: {what}"))
            }
            fault => fault,
        }
    }

    pub(crate) const fn is_proxied(&self) -> bool {
        self.proxied
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.only_two
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn key(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn builder(config: &EngineConfig, names: Arc<dyn Resolve>) -> Result<ClientBuilder, Error> {
    let network = &config.network;
    let setup = |what: String| Error::Setup { what };
    let mut builder = Client::builder().dns_resolver(names);
    match (&config.guard, &network.proxy) {
        // A proxy would connect to what the guard never saw.
        (Some(_), _) | (None, Proxy::Direct) => builder = builder.no_proxy(),
        (None, Proxy::System) => {}
        (None, Proxy::Url(url)) => {
            if !matches!(
                url.scheme(),
                "http" | "https" | "socks4" | "socks5" | "socks5h"
            ) {
                return Err(setup(format!("a {} proxy is not known", url.scheme())));
            }
            let proxy = reqwest::Proxy::all(url.clone())
                .map_err(|error| setup(format!("the proxy: {}", said(&error.without_url()))))?;
            builder = builder.proxy(proxy);
        }
    }
    let mut authorities = Vec::new();
    for pem in &network.authorities {
        let bundle = Certificate::from_pem_bundle(pem)
            .map_err(|error| setup(format!("a certificate authority: {}", said(&error))))?;
        if bundle.is_empty() {
            return Err(setup(
                "a certificate authority: no certificate is in it".to_owned(),
            ));
        }
        authorities.extend(bundle);
    }
    if let Some(cookies) = &network.cookies {
        builder = builder.cookie_provider(cookies.jar());
    }
    Ok(builder
        .tls_certs_merge(authorities)
        .user_agent(&config.user_agent)
        .tcp_nodelay(true)
        .connect_timeout(config.connect_timeout)
        .pool_max_idle_per_host(config.connections_per_host)
        .pool_idle_timeout(Duration::from_secs(30))
        // A Referer would carry the signed URL to whoever is redirected to.
        .referer(false)
        // Followed by hand: each hop is checked, and a header of one host is not another's.
        .redirect(Policy::none()))
}

/// The innermost cause: "connection refused" rather than "error sending request".
pub(crate) fn said(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

/// What TLS says, somewhere in an error's causes.
fn of_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error hides what it was made of from `source`.
        let inner = error.downcast_ref().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

/// A certificate that is not trusted: no other try cures it.
pub(crate) fn distrust(error: &reqwest::Error) -> Option<Fault> {
    match of_tls(error)? {
        rustls::Error::InvalidCertificate(why) => Some(Fault::Fatal(Error::Untrusted {
            what: why.to_string(),
            kept: 0,
        })),
        _ => None,
    }
}
