//! An https origin of one object, with a certificate of its own authority, that speaks what it is told.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};
use url::Url;

use super::listen::listen;

/// What it offers in the handshake (ALPN, RFC 7301).
pub(crate) const HTTP_1: &[u8] = b"http/1.1";
pub(crate) const HTTP_2: &[u8] = b"h2";

/// A running origin; ends when dropped.
#[derive(Debug)]
pub(crate) struct TlsOrigin {
    port: u16,
    /// The authority that signed its certificate, in PEM.
    pub(crate) authority: Vec<u8>,
    spoken: Arc<Mutex<Vec<Version>>>,
    _tasks: JoinSet<()>,
}

impl TlsOrigin {
    /// Serves `bytes` to whoever speaks one of `protocols`, under the names of `host`.
    pub(crate) async fn start(bytes: Vec<u8>, protocols: &[&[u8]], host: &str) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("params");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let authority = rcgen::CertifiedIssuer::self_signed(params, key).expect("an authority");
        let own = rcgen::KeyPair::generate().expect("a key");
        let signed = rcgen::CertificateParams::new([host.to_owned()])
            .and_then(|params| params.signed_by(&own, &authority))
            .expect("a certificate");
        let key = PrivateKeyDer::try_from(own.serialize_der()).expect("a key");
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)
            .expect("a configuration");
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let spoken = Arc::new(Mutex::new(Vec::new()));
        let (bytes, heard) = (Bytes::from(bytes), Arc::clone(&spoken));
        let (address, tasks) = listen(move |stream| {
            converse(stream, acceptor.clone(), bytes.clone(), Arc::clone(&heard))
        })
        .await;
        Self {
            port: address.port(),
            authority: authority.pem().into_bytes(),
            spoken,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self, host: &str) -> Url {
        Url::parse(&format!("https://{host}:{}/thing.bin", self.port)).expect("a URL")
    }

    /// The versions of HTTP of all requests.
    pub(crate) fn spoken(&self) -> Vec<Version> {
        self.spoken.lock().expect("spoken").clone()
    }
}

async fn converse(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    bytes: Bytes,
    heard: Arc<Mutex<Vec<Version>>>,
) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_two = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
    let service = service_fn(move |request: Request<Incoming>| {
        heard.lock().expect("heard").push(request.version());
        let reply = answer(&request, &bytes);
        async move { Ok::<_, Infallible>(reply) }
    });
    let stream = TokioIo::new(stream);
    let _ = match is_two {
        true => {
            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(stream, service)
                .await
        }
        false => {
            hyper::server::conn::http1::Builder::new()
                .serve_connection(stream, service)
                .await
        }
    };
}

fn answer(request: &Request<Incoming>, bytes: &Bytes) -> Response<Full<Bytes>> {
    let size = bytes.len();
    let range = request
        .headers()
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let (start, end) = match range {
        Some((start, end)) => (
            start.parse().expect("a start"),
            end.parse().map_or(size, |end: usize| end + 1),
        ),
        None => (0, size),
    };
    Response::builder()
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::ETAG, "\"tls\"")
        .header(
            header::CONTENT_RANGE,
            format!("bytes {start}-{}/{size}", end - 1),
        )
        .body(Full::new(bytes.slice(start..end)))
        .expect("a response")
}
