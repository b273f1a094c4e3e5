//! The first draft's calls: the same answers, with word of what to call instead.

use std::fs;

use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use reqwest::{Client, Response, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

/// RFC 9745 §2.1: a date as a structured field.
fn assert_deprecated(headers: &HeaderMap, successor: &str) {
    let since = headers["deprecation"].to_str().expect("ASCII");
    let seconds: i64 = since
        .strip_prefix('@')
        .expect("a date")
        .parse()
        .expect("seconds");
    assert!(
        (1_700_000_000..jiff::Timestamp::now().as_second()).contains(&seconds),
        "{since}"
    );
    assert_eq!(
        headers["link"],
        format!("<{successor}>; rel=\"successor-version\"").as_str()
    );
}

async fn post(server: &Server, path: &str, body: &Value) -> Response {
    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .expect("a client");
    let request = client.post(server.at(path)).json(body);
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_names_answer_as_the_new_ones_and_name_them() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 1000, 1);
    let server = place.serve(&["--initiate-rate", "3"]);
    let asked = json!({ "file_id": server.file_id("a.bin").await });
    let reply = post(&server, "/v1/download/initiate", &asked).await;
    assert_eq!(reply.status(), 202);
    let headers = reply.headers().clone();
    assert_deprecated(&headers, "/v1/jobs/download");
    assert_eq!(headers["ratelimit"], "\"initiate\";r=2");
    let job: Value = reply.json().await.expect("JSON");
    let check = job["checkUrl"].as_str().expect("a path");
    assert_eq!(headers["location"], check);
    server.completed(check).await;

    let id = job["jobId"].as_str().expect("an id");
    let old = server
        .http()
        .get(server.at(&format!("/v1/download/status/{id}")));
    let old = old.send().await.expect("an answer");
    assert_deprecated(old.headers(), check);
    let old: Value = old.json().await.expect("JSON");
    assert_eq!(
        (&old["jobId"], &old["status"]),
        (&job["jobId"], &json!("completed"))
    );

    let nothing = post(&server, "/v1/download/initiate", &json!({})).await;
    assert_eq!(nothing.status(), 422);
    assert_deprecated(nothing.headers(), "/v1/jobs/download");
    // One limit for all ways to begin a download.
    for (path, status) in [
        ("/v1/jobs/download", 202),
        ("/v1/jobs/download", 429),
        ("/v1/download/initiate", 429),
    ] {
        assert_eq!(post(&server, path, &asked).await.status(), status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_call_is_off_unless_it_is_asked_for() {
    let place = Place::new();
    let server = place.serve(&[]);
    let reply = post(&server, "/v1/download/start", &json!({ "file_id": 1 })).await;
    assert_eq!(reply.status(), 404);
    let problem: Value = reply.json().await.expect("JSON");
    assert_eq!(problem["code"], "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_call_waits_for_the_file_and_leads_to_it() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 2 << 20, 1);
    let server = place.serve(&["--blocking-start"]);
    let asked = json!({ "file_id": server.file_id("a.bin").await });
    let reply = post(&server, "/v1/download/start", &asked).await;
    assert_eq!(reply.status(), 303);
    assert_deprecated(reply.headers(), "/v1/jobs/download");
    let file = reply.headers()["location"].to_str().expect("ASCII");
    let bytes = server
        .http()
        .get(file)
        .send()
        .await
        .expect("an answer")
        .bytes();
    let bytes = bytes.await.expect("bytes");
    assert!(bytes == std::fs::read(place.library().join("a.bin")).expect("read"));
    let wrong = post(&server, "/v1/download/start", &json!({ "file_id": "x" })).await;
    assert_eq!(wrong.status(), 422);
}

/// A file that is not made before somebody makes `go`.
const SLOW: &str =
    r#"command = { argv = ["sh", "-c", "while [ ! -e go ]; do sleep 0.05; done; echo made"] }"#;

/// A server that offers the blocking call, and as file 1 what the entry makes.
fn blocking(place: &Place, entry: &str, options: &[&str]) -> Server {
    let catalogue = place.catalogue(&[entry]);
    let catalogue = catalogue.iter().map(String::as_str);
    let options: Vec<_> = catalogue
        .chain(["--blocking-start"])
        .chain(options.iter().copied())
        .collect();
    place.serve(&options)
}

async fn problem(reply: Response, status: u16, code: &str) -> Value {
    assert_eq!(reply.status(), status);
    let problem: Value = reply.json().await.expect("JSON");
    assert_eq!(problem["code"], code);
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_call_names_the_job_that_takes_longer_and_that_goes_on() {
    let place = Place::new();
    let server = blocking(&place, SLOW, &["--blocking-wait", "1s"]);
    let reply = post(&server, "/v1/download/start", &json!({ "file_id": 1 })).await;
    assert_deprecated(reply.headers(), "/v1/jobs/download");
    let problem = problem(reply, 504, "took_too_long").await;
    let job = problem["jobId"].as_str().expect("an id");
    assert!(
        (problem["detail"].as_str().expect("a text")).contains(&format!("/v1/jobs/{job}")),
        "{problem}"
    );
    fs::write(place.path("go"), "").expect("written");
    server.completed(&format!("/v1/jobs/{job}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_call_says_why_a_file_could_not_be_made() {
    let place = Place::new();
    let entry = r#"command = { argv = ["sh", "-c", "echo 'disk on fire' >&2; exit 65"] }"#;
    let server = blocking(&place, entry, &[]);
    let reply = post(&server, "/v1/download/start", &json!({ "file_id": 1 })).await;
    let problem = problem(reply, 502, "job_failed").await;
    assert!(problem["jobId"].is_string());
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("disk on fire"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_kept_waiting_by_a_server_that_goes_and_the_next_one_makes_the_file() {
    let place = Place::new();
    let server = blocking(&place, SLOW, &["--drain", "0s"]);
    let url = server.at("/v1/download/start");
    let asking = tokio::spawn(
        server
            .http()
            .post(url)
            .json(&json!({ "file_id": 1 }))
            .send(),
    );
    let job = loop {
        let listed = server.http().get(server.at("/v1/jobs")).send().await;
        let listed: Value = listed.expect("an answer").json().await.expect("JSON");
        if listed["jobs"][0]["status"] == "processing" {
            break listed["jobs"][0]["jobId"]
                .as_str()
                .expect("an id")
                .to_owned();
        }
    };
    let ending = tokio::task::spawn_blocking(move || server.terminate());
    let reply = asking.await.expect("joined").expect("an answer");
    let problem = problem(reply, 503, "draining").await;
    assert_eq!(problem["jobId"], job.as_str());
    assert_eq!(ending.await.expect("joined"), Some(0));

    fs::write(place.path("go"), "").expect("written");
    let server = blocking(&place, SLOW, &[]);
    server.completed(&format!("/v1/jobs/{job}")).await;
}
