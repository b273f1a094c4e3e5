//! The store on a socket.
use std::{io, time::Duration};

use http::{StatusCode, header};
use hyper::{Request, Response, body::Incoming};
use longhaul_serve::Limits;
use s3s::{Body, HttpError, StdError, dto::Range, service::S3Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 512;
const HEAD_WAIT: Duration = Duration::from_secs(30);

pub(crate) async fn serve(
    service: S3Service,
    listener: TcpListener,
    stop: CancellationToken,
) -> io::Result<()> {
    let answer = move |_, request| answer(service.clone(), request);
    let limits = Limits {
        connections: CONNECTIONS,
        head_wait: HEAD_WAIT,
        ..Limits::default()
    };
    longhaul_serve::serve(listener, limits, answer, stop).await
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
