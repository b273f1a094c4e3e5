//! What stands before every call: origins, headers of all answers, the limits of a request.

use std::time::Duration;

use longhaul_tests::server::{Place, Server};
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SITE: &str = "https://files.example";

async fn preflight(server: &Server, origin: &str) -> HeaderMap {
    let request = server
        .http()
        .request(Method::OPTIONS, server.at("/v1/jobs/download"));
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "POST");
    let request = request.header(
        "access-control-request-headers",
        "authorization,content-type",
    );
    request.send().await.expect("an answer").headers().clone()
}

async fn write(server: &Server, origin: &str) -> Response {
    let request = server
        .http()
        .post(server.at("/v1/jobs/download"))
        .body("{}");
    let request = request.header("content-type", "application/json");
    let request = request
        .header("origin", origin)
        .header("sec-fetch-site", "cross-site");
    request.send().await.expect("an answer")
}

async fn code(reply: Response) -> String {
    let problem: Value = reply.json().await.expect("a problem");
    problem["code"].as_str().expect("a code").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_named_origins_may_call() {
    let place = Place::new();
    let server = place.serve(&["--cors-origin", SITE]);
    let named = preflight(&server, SITE).await;
    assert_eq!(named["access-control-allow-origin"], SITE);
    assert!(!named.contains_key("access-control-allow-credentials"));
    for other in [
        "https://evil.example",
        "null",
        "https://files.example:8443",
        "http://files.example",
        "https://files.example.evil",
    ] {
        let headers = preflight(&server, other).await;
        assert!(
            !headers.contains_key("access-control-allow-origin"),
            "{other}: {headers:?}"
        );
        let refused = write(&server, other).await;
        assert!(
            !refused
                .headers()
                .contains_key("access-control-allow-origin"),
            "{other}"
        );
        assert_eq!(
            (refused.status().as_u16(), code(refused).await.as_str()),
            (403, "cross_site"),
            "{other}"
        );
    }
    let taken = write(&server, SITE).await;
    assert_eq!(taken.headers()["access-control-allow-origin"], SITE);
    let vary: Vec<_> = taken
        .headers()
        .get_all("vary")
        .iter()
        .map(|value| value.to_str().expect("ASCII").to_lowercase())
        .collect();
    assert!(
        vary.join(",").contains("origin") && vary.join(",").contains("authorization"),
        "{vary:?}"
    );
    assert_eq!(
        code(taken).await,
        "invalid_request",
        "it got as far as its body"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_no_page_of_another_site_may_call() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert!(
        !preflight(&server, SITE)
            .await
            .contains_key("access-control-allow-origin")
    );
    assert_eq!(code(write(&server, SITE).await).await, "cross_site");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_keep_it_harmless() {
    let place = Place::new();
    let server = place.serve(&[]);
    for path in [
        "/healthz",
        "/v1/files",
        "/v1/jobs/7",
        "/v1/nothing",
        "/openapi.json",
        "/docs",
        "/",
        "/nothing",
    ] {
        let reply = server
            .http()
            .get(server.at(path))
            .send()
            .await
            .expect("an answer");
        let headers = reply.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(
            headers["cross-origin-resource-policy"], "same-origin",
            "{path}"
        );
        assert_eq!(
            headers["cross-origin-opener-policy"], "same-origin",
            "{path}"
        );
        let policy = headers["content-security-policy"].to_str().expect("ASCII");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe-eval") && !policy.contains("http"),
            "{path}: {policy}"
        );
        if path.starts_with("/v1") || path == "/healthz" {
            assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
            assert_eq!(
                headers["cache-control"], "no-cache, no-store, must-revalidate",
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_page_and_all_that_it_names_come_from_this_server() {
    let place = Place::new();
    let server = place.serve(&[]);
    let get = |path: &str| server.http().get(server.at(path)).send();
    let page = get("/docs")
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert!(!page.contains("://") && !page.contains("=//"), "{page}");
    for (part, kind) in [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("start.js", "text/javascript"),
        ("favicon-32x32.png", "image/png"),
    ] {
        let path = format!("/docs/{part}");
        assert!(part == "start.js" || page.contains(&path), "{path}");
        let reply = get(&path).await.expect("an answer");
        assert_eq!(
            (
                reply.status().as_u16(),
                reply.headers()["content-type"].to_str().expect("ASCII")
            ),
            (200, kind),
            "{path}"
        );
    }
    assert_eq!(
        get("/docs/../Cargo.toml")
            .await
            .expect("an answer")
            .status(),
        404
    );
    let start = get("/docs/start.js")
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert!(
        start.contains("'/openapi.json'") && !start.contains("://"),
        "{start}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_refused_as_a_problem() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ids = vec!["6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b11"; 200].join("%2C");
    let most = server
        .http()
        .get(server.at(&format!("/v1/jobs?ids={ids}")))
        .send()
        .await;
    assert_eq!(
        most.expect("an answer").status(),
        200,
        "the longest poll there is"
    );
    let long = server.at(&format!("/v1/files?query={}", "q".repeat(17 << 10)));
    let reply = server.http().get(long).send().await.expect("an answer");
    assert_eq!(
        (reply.status().as_u16(), code(reply).await.as_str()),
        (414, "uri_too_long")
    );
    let large = server
        .http()
        .get(server.at("/v1/files"))
        .header("x-large", "h".repeat(33 << 10));
    let reply = large.send().await.expect("an answer");
    assert_eq!(
        (reply.status().as_u16(), code(reply).await.as_str()),
        (431, "headers_too_large")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up_and_makes_no_job() {
    let place = Place::new();
    let server = place.serve(&[]);
    let address = server.url.socket_addrs(|| None).expect("an address")[0];
    let mut socket = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /v1/jobs/download HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{\"file_id\""
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    let mut reply = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(25), socket.read_to_end(&mut reply)).await;
    read.expect("given up long before").expect("read");
    let reply = String::from_utf8_lossy(&reply);
    assert!(
        reply.starts_with("HTTP/1.1 408") && reply.contains("request_timeout"),
        "{reply}"
    );
}
