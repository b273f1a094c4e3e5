//! A poll that memory answers does not go through the router, and is answered as if it did: the
//! same poll with `?wait=0` goes through it.

use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

const ADA: &str = "canary-token-of-ada";
const BOB: &str = "canary-token-of-bob";
const ADMIN: &str = "canary-token-of-the-operator";

type Answer = (u16, HeaderMap, Value);

async fn ask(server: &Server, token: &str, method: Method, path: &str) -> Answer {
    let url = server.at(path);
    let request = server.http().request(method, url).bearer_auth(token);
    let reply = request.send().await.expect("an answer");
    let (status, mut headers) = (reply.status().as_u16(), reply.headers().clone());
    assert!(headers.remove("x-request-id").is_some());
    // A fraction of a second has as many digits as it needs.
    headers.remove("content-length");
    headers.remove("date");
    let mut body: Value = reply.json().await.unwrap_or_default();
    if body.get("cancelsAt").is_some_and(Value::is_string) {
        body["cancelsAt"] = "later".into();
    }
    (status, headers, body)
}

/// What both ways say.
async fn same(server: &Server, token: &str, job: &str) -> Answer {
    let shown = ask(server, token, Method::GET, job).await;
    let routed = ask(server, token, Method::GET, &format!("{job}?wait=0")).await;
    assert_eq!(shown, routed, "{job}");
    let head = ask(server, token, Method::HEAD, job).await;
    assert_eq!((head.0, &head.1), (routed.0, &routed.1), "{job}");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_is_answered_from_memory_as_the_router_would_answer_it() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 1000, 1);
    std::fs::write(place.path("tokens"), format!("ada {ADA}\nbob {BOB}\n")).expect("written");
    std::fs::write(place.path("admin"), format!("{ADMIN}\n")).expect("written");
    let origin = "https://page.example";
    for cors in [&[][..], &["--cors-origin", origin]] {
        let options = ["--tokens", "tokens", "--admin-token-file", "admin"];
        let server = place.serve(&[&options, cors].concat());
        ask(&server, ADMIN, Method::POST, "/v1/queue/pause").await;
        let (_, _, files) = ask(&server, ADA, Method::GET, "/v1/files").await;
        let begin = server
            .http()
            .post(server.at("/v1/jobs/download"))
            .bearer_auth(ADA)
            .json(&serde_json::json!({ "file_id": files["files"][0]["fileId"] }));
        let reply = begin.send().await.expect("an answer");
        let job: Value = reply.json().await.expect("a job");
        let job = format!("/v1/jobs/{}", job["jobId"].as_str().expect("an id"));

        let (status, headers, body) = same(&server, ADA, &job).await;
        assert_eq!((status, &body["status"]), (200, &"pending".into()));
        assert_eq!(body["queuePosition"], 0, "{body}");
        assert_eq!(headers["retry-after"], "2");
        assert_eq!(same(&server, BOB, &job).await.0, 404);
        assert_eq!(same(&server, "canary-token-of-none", &job).await.0, 401);
        assert_eq!(same(&server, ADA, "/v1/jobs/not-an-id").await.0, 404);

        assert_eq!(ask(&server, ADA, Method::DELETE, &job).await.0, 200);
        let (status, headers, body) = same(&server, ADA, &job).await;
        assert_eq!((status, &body["status"]), (200, &"failed".into()));
        assert_eq!(body["error"]["code"], "cancelled", "{body}");
        assert!(!headers.contains_key("retry-after"));

        let page = server.http().get(server.at(&job)).bearer_auth(ADA);
        let reply = page.header("origin", origin).send().await;
        let allowed = reply.expect("an answer");
        let allowed = allowed
            .headers()
            .get("access-control-allow-origin")
            .cloned();
        assert_eq!(allowed.is_some(), !cors.is_empty(), "pages are told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_are_counted_as_one_route() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 1000, 1);
    let server = place.serve(&[]);
    let job = server.initiate(server.file_id("a.bin").await).await;
    server.completed(&job.check_url).await;
    let count = async || {
        let reply = server.http().get(server.at("/metrics")).send().await;
        let text = reply.expect("an answer").text().await.expect("text");
        let series = "longhaul_http_answer_seconds_count{method=\"GET\",\
                      route=\"/v1/jobs/{id}\",status=\"200\"} ";
        let count = text.lines().find_map(|line| line.strip_prefix(series));
        count.expect("counted").parse::<u64>().expect("a number")
    };
    let before = count().await;
    for query in ["", "?wait=0", ""] {
        let reply = server
            .http()
            .get(server.at(&format!("{}{query}", job.check_url)));
        assert_eq!(reply.send().await.expect("an answer").status(), 200);
    }
    assert_eq!(count().await, before + 3);
}
