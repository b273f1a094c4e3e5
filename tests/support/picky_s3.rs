//! An S3 that refuses what a test says, in front of one that does not.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{Response, StatusCode},
};
use tokio::task::JoinSet;

use crate::{s3::OwnS3, serving::serve};

const NOT_IMPLEMENTED: &str = "<?xml version=\"1.0\"?><Error><Code>NotImplemented</Code>\
                               <Message>not here</Message></Error>";
const LARGEST: usize = 64 << 20;

/// It serves until it is dropped.
#[derive(Debug)]
pub struct PickyS3 {
    /// Where it is.
    pub endpoint: String,
    _serving: JoinSet<()>,
}

impl PickyS3 {
    /// Stands in front of an S3; what `refuses` accepts is answered 501.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn before(
        s3: &OwnS3,
        refuses: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let (behind, refuses) = (s3.endpoint.clone(), Arc::new(refuses));
        let router = Router::new().fallback(move |request: Request| {
            let (client, behind) = (client.clone(), behind.clone());
            let refused = refuses(&request);
            async move {
                if refused {
                    let mut answer = Response::new(Body::from(NOT_IMPLEMENTED));
                    *answer.status_mut() = StatusCode::NOT_IMPLEMENTED;
                    return answer;
                }
                pass_on(&client, &behind, request).await
            }
        });
        let (endpoint, serving) = serve("127.0.0.1", router).await;
        Self {
            endpoint,
            _serving: serving,
        }
    }
}

/// As it came, `Host` included: the signature covers it.
async fn pass_on(client: &reqwest::Client, behind: &str, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.expect("a body");
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let asked = client
        .request(parts.method, format!("{behind}{path}"))
        .headers(parts.headers)
        .body(body);
    let reply = asked.send().await.expect("an answer");
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = reply.status();
    *answer.headers_mut() = reply.headers().clone();
    answer.headers_mut().remove("transfer-encoding");
    *answer.body_mut() = Body::from(reply.bytes().await.expect("a body"));
    answer
}
