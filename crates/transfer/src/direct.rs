//! The direct way to a server over plain http without a proxy: a connection is driven by the task
//! that wants its bytes, and by nothing else.
//!
//! A client that drives its connections in tasks of their own hands each chunk from one core to
//! another, and reads the next one into fresh memory meanwhile. Here one buffer a connection is
//! filled and emptied in turn, and stays in the core's cache. What HTTP is, hyper knows.

use std::{
    collections::HashMap,
    error::Error as StdError,
    future::Future as _,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body::Body as _;
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::http1::{self, Connection, SendRequest},
};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, dns},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use reqwest::{
    cookie::{CookieStore as _, Jar},
    dns::{Addrs, Resolve},
};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use crate::{EngineConfig, Proxy, guard, probe::Fault};

/// Of a connection: what a core's cache holds, and few calls of the system.
const BUFFER: usize = 128 << 10;

/// How long a connection that nobody uses is kept.
const KEPT: Duration = Duration::from_secs(30);

type Failure = Box<dyn StdError + Send + Sync>;

/// Connections of our own, and the way to make them.
#[derive(Debug, Clone)]
pub(crate) struct Direct(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: HttpConnector<Names>,
    /// The system's proxies, where those are asked for.
    proxies: Option<Matcher>,
    agent: HeaderValue,
    cookies: Option<Arc<Jar>>,
    connect_timeout: Duration,
    most_idle: usize,
    idle: Mutex<HashMap<String, Vec<(Instant, Line)>>>,
}

/// One connection.
#[derive(Debug)]
struct Line {
    ask: SendRequest<Empty<Bytes>>,
    connection: Connection<TokioIo<TcpStream>, Empty<Bytes>>,
}

/// A body that is still to come; the connection goes with it.
#[derive(Debug)]
pub(crate) struct Body {
    incoming: Incoming,
    line: Option<Line>,
    key: String,
    direct: Direct,
}

impl Direct {
    /// None where the engine's every way leads through a proxy.
    pub(crate) fn new(config: &EngineConfig, names: Arc<dyn Resolve>) -> Option<Self> {
        let proxies = match (&config.guard, &config.network.proxy) {
            (Some(_), _) | (None, Proxy::Direct) => None,
            (None, Proxy::System) => Some(Matcher::from_system()),
            (None, Proxy::Url(_)) => return None,
        };
        let mut connector = HttpConnector::new_with_resolver(Names(names));
        connector.set_nodelay(true);
        Some(Self(Arc::new(Inner {
            connector,
            proxies,
            agent: HeaderValue::from_str(&config.user_agent).ok()?,
            cookies: config.network.cookies.as_ref().map(crate::Cookies::jar),
            connect_timeout: config.connect_timeout,
            most_idle: config.connections_per_host,
            idle: Mutex::default(),
        })))
    }

    /// Whether it is the way to that URL.
    pub(crate) fn leads_to(&self, url: &Url) -> bool {
        url.scheme() == "http"
            && self.0.proxies.as_ref().is_none_or(|proxies| {
                let uri = url.as_str().parse::<Uri>();
                uri.is_ok_and(|uri| proxies.intercept(&uri).is_none())
            })
    }

    /// Sends a GET.
    pub(crate) async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Response<Body>, Fault> {
        let request = self.request(url, headers)?;
        let key = url.origin().ascii_serialization();
        if let Some(line) = self.idle(&key) {
            // A server may close what it thinks is idle while a request is on its way to it.
            match self.exchange(line, request.clone(), &key).await {
                Ok(response) => return Ok(self.learned(url, response)),
                Err(fault) => tracing::debug!(?fault, "a kept connection was of no use"),
            }
        }
        let line = self.connect(url).await?;
        let response = self.exchange(line, request, &key).await?;
        Ok(self.learned(url, response))
    }

    fn request(&self, url: &Url, headers: HeaderMap) -> Result<Request<Empty<Bytes>>, Fault> {
        let wrong = |_| Fault::Wrong("no request can be made of this URL".to_owned());
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut request = Request::get(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, self.0.agent.clone())
            .header(header::ACCEPT, "*/*")
            .body(Empty::new())
            .map_err(wrong)?;
        for (name, value) in headers {
            if let Some(name) = name {
                request.headers_mut().insert(name, value);
            }
        }
        if let Some(cookies) = self.0.cookies.as_ref().and_then(|jar| jar.cookies(url)) {
            request
                .headers_mut()
                .entry(header::COOKIE)
                .or_insert(cookies);
        }
        Ok(request)
    }

    /// Takes the cookies that came into the jar.
    fn learned(&self, url: &Url, response: Response<Body>) -> Response<Body> {
        if let Some(jar) = &self.0.cookies {
            let mut set = response.headers().get_all(header::SET_COOKIE).iter();
            jar.set_cookies(&mut set, url);
        }
        response
    }

    async fn connect(&self, url: &Url) -> Result<Line, Fault> {
        let uri = url[..url::Position::AfterPort]
            .parse::<Uri>()
            .map_err(|_| Fault::Wrong("no host is in this URL".to_owned()))?;
        let mut connector = self.0.connector.clone();
        let connected = tokio::time::timeout(self.0.connect_timeout, connector.call(uri))
            .await
            .map_err(|_| Fault::Network("no connection in time".to_owned()))?
            .map_err(|error| {
                guard::refusal(&error).unwrap_or_else(|| Fault::Network(said(&error)))
            })?;
        let (ask, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake(connected)
            .await
            .map_err(|error| Fault::Network(said(&error)))?;
        Ok(Line { ask, connection })
    }

    /// Sends the request on a connection, and takes the head of the reply.
    async fn exchange(
        &self,
        mut line: Line,
        request: Request<Empty<Bytes>>,
        key: &str,
    ) -> Result<Response<Body>, Fault> {
        let mut asked = Box::pin(line.ask.send_request(request));
        let answered = std::future::poll_fn(|cx| {
            if let Poll::Ready(answered) = asked.as_mut().poll(cx) {
                return Poll::Ready(Some(answered));
            }
            // Its end, good or bad, is told by the reply, if there is one.
            let has_ended = Pin::new(&mut line.connection).poll(cx).is_ready();
            match asked.as_mut().poll(cx) {
                Poll::Pending if has_ended => Poll::Ready(None),
                answered => answered.map(Some),
            }
        });
        let response = match answered.await {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(Fault::Network(said(&error))),
            None => return Err(Fault::Network("the connection was closed".to_owned())),
        };
        drop(asked);
        Ok(response.map(|incoming| Body {
            incoming,
            line: Some(line),
            key: key.to_owned(),
            direct: self.clone(),
        }))
    }

    /// A kept connection that is still open.
    fn idle(&self, key: &str) -> Option<Line> {
        loop {
            let (_, mut line) = {
                let mut idle = self.lock();
                let kept = idle.get_mut(key)?;
                let line = kept.pop();
                if kept.is_empty() {
                    idle.remove(key);
                }
                line?
            };
            // Not driven while it was kept: whether the server has closed it shows now.
            let mut cx = Context::from_waker(std::task::Waker::noop());
            if Pin::new(&mut line.connection).poll(&mut cx).is_pending() && line.ask.is_ready() {
                return Some(line);
            }
        }
    }

    fn keep(&self, key: String, line: Line) {
        let mut idle = self.lock();
        let is_first = idle.is_empty();
        let kept = idle.entry(key).or_default();
        if kept.len() < self.0.most_idle {
            kept.push((Instant::now(), line));
        }
        if is_first {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<(Instant, Line)>>> {
        lock(&self.0)
    }
}

fn lock(inner: &Inner) -> MutexGuard<'_, HashMap<String, Vec<(Instant, Line)>>> {
    inner.idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes what nobody has used for long, until nothing is kept.
async fn sweep(inner: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(KEPT).await;
        let Some(inner) = inner.upgrade() else { return };
        let mut idle = lock(&inner);
        idle.retain(|_, kept| {
            kept.retain(|(since, _)| since.elapsed() < KEPT);
            !kept.is_empty()
        });
        if idle.is_empty() {
            return;
        }
    }
}

impl Body {
    /// Its bytes, where the head says so.
    pub(crate) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next bytes, as they came; none at the end, at which the connection is kept.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let chunk = std::future::poll_fn(|cx| self.poll(cx)).await;
        match chunk {
            Some(Ok(chunk)) => Ok(Some(chunk)),
            Some(Err(error)) => {
                self.line = None;
                Err(Fault::Network(said(&error)))
            }
            None => {
                self.give_back();
                Ok(None)
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let Some(line) = &mut self.line else {
                        return Poll::Pending;
                    };
                    if let Poll::Ready(ended) = Pin::new(&mut line.connection).poll(cx) {
                        self.line = None;
                        if let Err(error) = ended {
                            // What came before it is still to be taken.
                            return match Pin::new(&mut self.incoming).poll_frame(cx) {
                                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                                    Poll::Ready(frame.into_data().ok().map(Ok))
                                }
                                _ => Poll::Ready(Some(Err(error))),
                            };
                        }
                    }
                    ready!(Pin::new(&mut self.incoming).poll_frame(cx))
                }
            };
            match frame {
                // Trailers are of no interest.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn give_back(&mut self) {
        let Some(mut line) = self.line.take() else {
            return;
        };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        if Pin::new(&mut line.connection).poll(&mut cx).is_pending() && line.ask.is_ready() {
            let key = std::mem::take(&mut self.key);
            self.direct.keep(key, line);
        }
    }
}

/// The engine's look-up of names, as the connector wants it.
#[derive(Clone)]
struct Names(Arc<dyn Resolve>);

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

impl Service<dns::Name> for Names {
    type Response = Addrs;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Addrs, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        match name.as_str().parse() {
            Ok(name) => self.0.resolve(name),
            Err(error) => Box::pin(std::future::ready(Err(Failure::from(error)))),
        }
    }
}

/// The innermost cause.
fn said(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
