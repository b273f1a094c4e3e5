//! Requests that no honest client sends: each is refused as a problem, and the server goes on.

use longhaul_tests::server::{Place, Server};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const START: &str = "/v1/jobs/download";
const NOBODY: &str = "/v1/jobs/6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b11";

fn server() -> (Place, Server) {
    let place = Place::new();
    std::fs::write(place.library().join("a.bin"), b"content").expect("written");
    let server = place.serve(&[]);
    (place, server)
}

/// Sends, and holds the answer against RFC 9457 and the contract; answers the detail.
async fn refused(request: RequestBuilder, status: u16, code: &str, what: &str) -> String {
    let reply = request.send().await.expect("the refusal arrives");
    problem(reply, status, code, what).await
}

async fn problem(reply: Response, status: u16, code: &str, what: &str) -> String {
    let got = reply.status().as_u16();
    let headers = reply.headers().clone();
    let text = reply.text().await.expect("a body");
    assert_eq!(got, status, "{what}: {text}");
    assert_eq!(
        headers["content-type"], "application/problem+json",
        "{what}: {text}"
    );
    assert_eq!(
        headers["cache-control"], "no-cache, no-store, must-revalidate",
        "{what}"
    );
    assert!(headers.contains_key("x-request-id"), "{what}");
    checked(&text, status, code, what)
}

fn checked(text: &str, status: u16, code: &str, what: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{what}: {e}: {text}"));
    let mut keys: Vec<_> = body
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    keys.sort();
    assert_eq!(
        keys,
        ["code", "detail", "status", "title", "type"],
        "{what}"
    );
    assert_eq!(body["status"], status, "{what}: {body}");
    assert_eq!(body["code"], code, "{what}: {body}");
    assert_eq!(
        body["type"],
        format!("urn:longhaul:problem:{code}"),
        "{what}"
    );
    assert!(
        body["title"].as_str().is_some_and(|text| !text.is_empty()),
        "{what}"
    );
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(!detail.is_empty(), "{what}");
    detail.to_owned()
}

fn post(server: &Server, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = server.http().post(server.at(START));
    request
        .header("content-type", "application/json")
        .body(body)
}

async fn still_serves(server: &Server) {
    let reply = server.http().get(server.at("/healthz")).send().await;
    assert_eq!(reply.expect("an answer").status(), 200);
    let id = server.file_id("a.bin").await;
    let job = server.initiate(id).await;
    server.completed(&job.check_url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_right_is_refused_with_what_is_wrong() {
    let (_place, server) = server();
    let id = server.file_id("a.bin").await;
    let with = |name: &str| json!({ "file_id": id, "fileName": name }).to_string();
    let nested = |open: &str, shut: &str| format!("{}1{}", open.repeat(1500), shut.repeat(1500));
    let table: Vec<(String, u16, &str, &str)> = vec![
        ("{".into(), 400, "malformed_json", ""),
        (
            format!("{{\"file_id\": {id}}}, 1"),
            400,
            "malformed_json",
            "",
        ),
        (String::new(), 400, "malformed_json", ""),
        ("{\"file_id\": 1e}".into(), 400, "malformed_json", ""),
        ("[".repeat(15_000), 400, "malformed_json", ""),
        ("\u{feff}{}".into(), 400, "malformed_json", ""),
        ("{}".into(), 422, "invalid_request", "file_id"),
        ("null".into(), 422, "invalid_request", "body"),
        ("7".into(), 422, "invalid_request", "body"),
        (format!("[{id}]"), 422, "invalid_request", "body"),
        (nested("[", "]"), 422, "invalid_request", "body"),
        (
            format!("{{\"file_id\":{}}}", nested("{\"a\":", "}")),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            format!("{{\"file_id\":\"{id}\"}}"),
            422,
            "invalid_request",
            "file_id",
        ),
        ("{\"file_id\":-1}".into(), 422, "invalid_request", "file_id"),
        (
            format!("{{\"file_id\":{id}.5}}"),
            422,
            "invalid_request",
            "file_id",
        ),
        ("{\"file_id\":1e3}".into(), 404, "unknown_file", "1000"),
        (
            "{\"file_id\":1e300}".into(),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            "{\"file_id\":null}".into(),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            "{\"file_id\":true}".into(),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            "{\"file_id\":9007199254740992}".into(),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            "{\"file_id\":99999999999999999999999}".into(),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            format!("{{\"file_id\":{id},\"file_id\":{id}}}"),
            422,
            "invalid_request",
            "file_id",
        ),
        (
            format!("{{\"file_id\":{id},\"fileID\":1}}"),
            422,
            "invalid_request",
            "fileID",
        ),
        (
            format!("{{\"file_id\":{id},\"url\":\"https://a/b\"}}"),
            422,
            "invalid_request",
            "url",
        ),
        (
            format!("{{\"file_id\":{id},\"priority\":10}}"),
            422,
            "invalid_request",
            "priority",
        ),
        (
            format!("{{\"file_id\":{id},\"priority\":-1}}"),
            422,
            "invalid_request",
            "priority",
        ),
        (
            format!("{{\"file_id\":{id},\"priority\":256}}"),
            422,
            "invalid_request",
            "priority",
        ),
        (
            "{\"url\":\"https://a/b\"}".into(),
            422,
            "url_not_allowed",
            "",
        ),
        (
            "{\"url\":\"file:///etc/passwd\"}".into(),
            422,
            "url_not_allowed",
            "",
        ),
        (
            "{\"file_id\":9007199254740991}".into(),
            404,
            "unknown_file",
            "9007199254740991",
        ),
        (with("../../etc/passwd"), 422, "invalid_request", "fileName"),
        (with(".."), 422, "invalid_request", "fileName"),
        (with("a\\b"), 422, "invalid_request", "fileName"),
        (
            with("a\r\nSet-Cookie: b"),
            422,
            "invalid_request",
            "fileName",
        ),
        (with("a\0b"), 422, "invalid_request", "fileName"),
        (with("  "), 422, "invalid_request", "fileName"),
        (with(&"n".repeat(1025)), 422, "invalid_request", "fileName"),
        (" ".repeat(20 << 10), 413, "body_too_large", "16384"),
        ("x".repeat(1 << 20), 413, "body_too_large", "16384"),
    ];
    for (body, status, code, names) in table {
        let what: String = body.chars().take(80).collect();
        let detail = refused(post(&server, body), status, code, &what).await;
        assert!(detail.contains(names), "{what}: {detail}");
    }
    let invalid = post(&server, b"{\"file_id\":1,\"fileName\":\"\xff\"}".to_vec());
    refused(invalid, 400, "malformed_json", "bytes that are not UTF-8").await;
    still_serves(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_methods_paths_and_queries_are_held_to_the_contract() {
    let (_place, server) = server();
    let id = server.file_id("a.bin").await;
    let good = json!({ "file_id": id }).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let request = server
            .http()
            .post(server.at(START))
            .header("content-type", kind);
        refused(
            request.body(good.clone()),
            415,
            "unsupported_media_type",
            kind,
        )
        .await;
    }
    let bare = server.http().post(server.at(START)).body(good.clone());
    refused(bare, 415, "unsupported_media_type", "no content type").await;
    for key in [
        "",
        "1",
        "not-a-uuid",
        "../../x",
        "\"\"",
        "6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b1",
    ] {
        let request = post(&server, good.clone()).header("idempotency-key", key);
        let detail = refused(request, 422, "invalid_request", key).await;
        assert!(detail.contains("Idempotency-Key"), "{detail}");
    }
    let cross = post(&server, good.clone()).header("sec-fetch-site", "cross-site");
    refused(cross, 403, "cross_site", "cross-site").await;
    let origin = post(&server, good.clone()).header("origin", "https://evil.example");
    refused(origin, 403, "cross_site", "another origin").await;
    let host = post(&server, good).header("host", "evil.example");
    refused(host, 421, "misdirected_request", "another host").await;
    let table = [
        (Method::GET, START.to_owned(), 405, "method_not_allowed"),
        (Method::PUT, NOBODY.to_owned(), 405, "method_not_allowed"),
        (
            Method::DELETE,
            "/v1/files".to_owned(),
            405,
            "method_not_allowed",
        ),
        (Method::GET, "/v1/nothing".to_owned(), 404, "not_found"),
        (Method::POST, "/nothing".to_owned(), 404, "not_found"),
        (Method::GET, NOBODY.to_owned(), 404, "unknown_job"),
        (Method::DELETE, NOBODY.to_owned(), 404, "unknown_job"),
        (Method::POST, format!("{NOBODY}/retry"), 404, "unknown_job"),
        (
            Method::GET,
            format!("{NOBODY}/manifest"),
            404,
            "unknown_job",
        ),
        (
            Method::GET,
            NOBODY.replace("jobs", "downloads/signed"),
            404,
            "unknown_job",
        ),
        (Method::GET, "/v1/jobs/7".to_owned(), 404, "unknown_job"),
        (Method::GET, "/v1/jobs/%00".to_owned(), 404, "unknown_job"),
        (
            Method::GET,
            "/v1/jobs/%ff%fe".to_owned(),
            404,
            "unknown_job",
        ),
        (
            Method::GET,
            format!("/v1/jobs/{}", "a".repeat(4000)),
            404,
            "unknown_job",
        ),
    ];
    for (method, path, status, code) in table {
        let request = server.http().request(method.clone(), server.at(&path));
        let what = format!("{method} {path}");
        if status == 405 {
            let reply = request
                .try_clone()
                .expect("no body")
                .send()
                .await
                .expect("an answer");
            assert!(
                reply.headers().contains_key("allow"),
                "{what}: RFC 9110 §15.5.6"
            );
        }
        refused(request, status, code, &what).await;
    }
    let waits = [
        "26",
        "-1",
        "1.5",
        "x",
        "",
        "99999999999999999999",
        "1&wait=2",
    ];
    let waits = waits.map(|wait| (format!("{NOBODY}?wait={wait}"), "wait"));
    let lists = [
        ("/v1/jobs?ids=7", "ids"),
        ("/v1/jobs?ids=%ff", "ids"),
        ("/v1/jobs?limit=0", "limit"),
        ("/v1/jobs?limit=201", "limit"),
        ("/v1/jobs?limit=x", "limit"),
        ("/v1/jobs?limit=1&limit=2", "limit"),
        ("/v1/jobs?cursor=junk", "cursor"),
        ("/v1/jobs?status=done", "status"),
        ("/v1/jobs?status=Pending", "status"),
        ("/v1/files?limit=0", "limit"),
        ("/v1/files?limit=1001", "limit"),
    ];
    let lists = lists.map(|(path, names)| (path.to_owned(), names));
    for (path, names) in waits.into_iter().chain(lists) {
        let request = server.http().get(server.at(&path));
        let detail = refused(request, 422, "invalid_request", &path).await;
        assert!(detail.contains(names), "{path}: {detail}");
    }
    still_serves(&server).await;
}

/// Sends these bytes as they are; answers status and body.
async fn raw(server: &Server, bytes: &[u8]) -> (u16, String) {
    let address = server.url.socket_addrs(|| None).expect("an address")[0];
    let mut socket = TcpStream::connect(address).await.expect("connected");
    // A server that has refused already may have hung up: what it said is what counts.
    let _ = socket.write_all(bytes).await;
    let mut reply = Vec::new();
    let _ = socket.read_to_end(&mut reply).await;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let status = reply.split(' ').nth(1).and_then(|text| text.parse().ok());
    let body = reply
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.unwrap_or_default(), body.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_page_or_the_jobs() {
    let (_place, server) = server();
    let host = server.url.authority().to_owned();
    let table = [
        ("/../../../../../../../../etc/passwd", "not_found"),
        ("/..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd", "not_found"),
        (
            "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "not_found",
        ),
        ("//etc/passwd", "not_found"),
        ("/assets/../../Cargo.toml", "not_found"),
        ("/..\\..\\Cargo.toml", "not_found"),
        ("/assets/%00", "not_found"),
        ("/v1/jobs/../../../../etc/passwd", "not_found"),
        ("/v1/jobs/..", "unknown_job"),
        ("/v1/jobs/..%2f..%2fetc%2fpasswd", "unknown_job"),
        ("/v1/downloads/signed/..%2f..%2fetc%2fpasswd", "unknown_job"),
    ];
    for (path, code) in table {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let (status, body) = raw(&server, request.as_bytes()).await;
        assert_eq!(status, 404, "{path}: {body}");
        checked(&body, 404, code, path);
    }
    for (line, sent) in [
        ("GET /healthz", String::new()),
        ("GET /healthz", "Host: evil.example\r\n".to_owned()),
        (
            "GET http://evil.example/healthz",
            format!("Host: {host}\r\n"),
        ),
    ] {
        let request = format!("{line} HTTP/1.1\r\n{sent}Connection: close\r\n\r\n");
        let (status, body) = raw(&server, request.as_bytes()).await;
        assert_eq!(status, 421, "{line} {sent}: {body}");
        checked(&body, 421, "misdirected_request", line);
    }
    still_serves(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn header_bombs_and_broken_requests_leave_the_server_healthy() {
    let (_place, server) = server();
    let host = server.url.authority().to_owned();
    let head = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let many: String = (0..5000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(2 << 20));
    for (what, bomb) in [("many headers", many), ("one long header", long)] {
        let (status, _) = raw(&server, format!("{head}{bomb}\r\n").as_bytes()).await;
        assert_eq!(status, 431, "{what}");
    }
    for junk in ["\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let (status, _) = raw(&server, junk.as_bytes()).await;
        assert_eq!(status, 400, "{junk:?}");
    }
    still_serves(&server).await;
}
