//! A listener's requests, as the API takes them: bodies that are not slow, and limits on connections.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
};
use futures::FutureExt;
use longhaul_serve::{Limits, Pace, PerAddress, Timely};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::Instrument;

use crate::{config::Config, middleware::Asked};

/// A body of the API is 16 KiB at most: nobody honest needs longer.
const BODY: Pace = Pace {
    idle: Duration::from_secs(10),
    whole: Some(Duration::from_secs(20)),
};
/// The largest request head that is read.
const HEAD: usize = 64 << 10;

/// Answers the requests of a listener by `answer`, until `stop`.
pub(crate) fn serve<A, F>(
    answer: A,
    listener: TcpListener,
    config: &Config,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<A, F>
where
    A: Fn(SocketAddr, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let limits = Limits {
        connections: config.max_connections,
        per_address: config
            .connections_per_address
            .map(|connections| PerAddress {
                connections,
                exempt: config.trusted_proxies.clone(),
            }),
        read_ahead: Some(HEAD),
        threads: config.threads,
        ..Limits::default()
    };
    let answer = move |peer: SocketAddr, request: http::Request<hyper::body::Incoming>| {
        answer(peer, request.map(timely)).map(Ok::<_, Infallible>)
    };
    async move {
        if let Err(error) = longhaul_serve::serve(listener, limits, answer, stop).await {
            tracing::error!(%error, "the API stopped");
        }
    }
}

/// Most requests have no body.
fn timely(body: hyper::body::Incoming) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(Timely::new(body, BODY))
}

/// The answer of a router that nothing stands before.
pub(crate) async fn alone(router: Router, peer: SocketAddr, mut request: Request) -> Response {
    let asked = Asked::of(peer, &request);
    request.extensions_mut().insert(peer);
    let call = router.oneshot(request).instrument(asked.span.clone());
    let Ok(response) = call.await;
    asked.answered(response)
}
