//! The store on a socket: HTTP/1.1, bounded connections, and an end that waits for what is in flight.
use std::{io, sync::Arc, time::Duration};

use http::{StatusCode, header};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use s3s::{Body, HttpError, StdError, dto::Range, service::S3Service};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// More connections than this wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 512;
/// A connection that has not sent a whole request head by then is closed.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// How long requests in flight may go on after the stop.
const GRACE: Duration = Duration::from_secs(10);
/// After a failed accept, such as one out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn serve(
    service: S3Service,
    listener: TcpListener,
    stop: CancellationToken,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT);
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            place = Arc::clone(&places).acquire_owned() => place.map_err(io::Error::other)?,
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // Small answers go at once; a socket that refuses the option still works.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        let answer = service_fn(move |request| answer(service.clone(), request));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), answer));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    if tokio::time::timeout(GRACE, graceful.shutdown())
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

async fn answer(
    service: S3Service,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, StdError> {
    ignore_odd_range(&mut request);
    let mut response = service
        .call(request.map(Body::from))
        .await
        .map_err(|error: HttpError| StdError::from(error))?;
    if response.status() == StatusCode::NOT_MODIFIED {
        // RFC 9110 §15.4.5: a 304 has no content.
        *response.body_mut() = Body::empty();
    }
    Ok(response)
}

/// RFC 9110 §14.2: a range that is not understood (several at once, another unit) is no range at all.
/// A header that the signature may cover stays as it is.
fn ignore_odd_range(request: &mut Request<Incoming>) {
    let headers = request.headers_mut();
    let odd = headers.get(header::RANGE).is_some_and(|value| {
        value
            .to_str()
            .map_or(true, |text| Range::parse(text).is_err())
    });
    if odd && !headers.contains_key(header::AUTHORIZATION) {
        headers.remove(header::RANGE);
    }
}
