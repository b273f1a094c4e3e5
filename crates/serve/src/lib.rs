//! HTTP/1.1 on a socket, for the API and for the embedded store: bounded connections, no slow
//! heads, and an end that waits for what is in flight.
//!
//! `axum::serve` has no limit on how long a request head may take; this has.

mod body;
mod crowd;
mod head;
mod threads;

use std::{error::Error, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crowd::Crowd;
use head::HeadTimer;
use threads::Threads;

pub use body::{Pace, Timely, TooSlow};
pub use crowd::{PerAddress, counted};

/// What a listener puts up with.
#[derive(Debug, Clone)]
pub struct Limits {
    /// More connections than this wait in the listener's backlog.
    pub connections: usize,
    /// One more from an address that has as many as it may is closed at once. None for no limit.
    pub per_address: Option<PerAddress>,
    /// A connection that has not sent a whole request head by then is closed; so is one that is
    /// kept alive and sends nothing.
    pub head_wait: Duration,
    /// A connection that takes no byte of its answer for so long is closed.
    pub write_wait: Duration,
    /// The largest request head, and the most that is read ahead; none for hyper's own 400 KiB.
    pub read_ahead: Option<usize>,
    /// How long requests in flight may go on after the stop.
    pub grace: Duration,
    /// Threads that connections are spread over, each with a runtime of its own; 0 for the caller's
    /// runtime.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_address: None,
            head_wait: Duration::from_secs(10),
            write_wait: Duration::from_secs(60),
            read_ahead: None,
            grace: Duration::from_secs(10),
            threads: 0,
        }
    }
}

/// After a failed accept, such as one out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests by `answer`, which is told who asks, until `stop`; then waits for what is in
/// flight, for `limits.grace` at most.
///
/// # Errors
/// [`io::Error`] where the threads cannot be started. A failed accept is logged and tried again.
pub async fn serve<A, F, B, E>(
    listener: TcpListener,
    limits: Limits,
    answer: A,
    stop: CancellationToken,
) -> io::Result<()>
where
    A: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let crowd = Crowd::default();
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut threads = Threads::start(limits.threads)?;
    let mut connections = JoinSet::new();
    let mut http = http1::Builder::new();
    http.header_read_timeout(limits.head_wait);
    if let Some(bytes) = limits.read_ahead {
        http.max_buf_size(bytes);
    }
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            place = Arc::clone(&places).acquire_owned() => place.map_err(io::Error::other)?,
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let Some(own) = crowd.admit(peer.ip(), limits.per_address.as_ref()) else {
            tracing::debug!(%peer, "it has as many connections as one address may have");
            continue;
        };
        // Small answers go at once; a socket that refuses the option still works.
        let _ = stream.set_nodelay(true);
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                continue;
            }
        };
        let answer = answer.clone();
        let service = service_fn(move |request| answer(peer, request));
        http.timer(HeadTimer::default());
        let (http, watcher, write_wait) = (http.clone(), graceful.watcher(), limits.write_wait);
        let connection = async move {
            // Here, so that its events come to the runtime that it runs on.
            let mut stream = TimeoutStream::new(TcpStream::from_std(stream)?);
            stream.set_write_timeout(Some(write_wait));
            let stream = TokioIo::new(Box::pin(stream));
            let connection = watcher.watch(http.serve_connection(stream, service));
            let ended = connection.await.map_err(io::Error::other);
            drop((place, own));
            ended
        };
        let connection = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        };
        connections.spawn_on(connection, &threads.next());
    }
    // A client that connects from here on is refused by the system at once.
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            open = connections.len(),
            "connections that did not end in time are cut"
        );
    }
    connections.shutdown().await;
    Ok(())
}
