//! The log tells a job's story shortly, and no secret at any level.

use longhaul_protocol::JobStatus;
use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use serde_json::Value;

const TOKEN: &str = "canary-token-5f1c9d0e7b";
const KEY: &str = "c0ffee00-cafe-4bad-8bad-c0ffeec0ffee";
const QUERY: &str = "canary-query-77aa";
/// All that our own code may ever say.
const ALL: &str = "longhaul_server=trace,longhaul_serve=trace,longhaul_store=trace,longhaul_durable=trace,\
                   longhaul_transfer=trace,longhaul_protocol=trace,info";

fn tokens(place: &Place) -> String {
    let path = place.path("tokens");
    std::fs::write(&path, format!("alice {TOKEN}\n")).expect("written");
    path.to_str().expect("unicode").to_owned()
}

/// A click and its file, by a client that says everything that is secret.
async fn click(server: &Server) -> Value {
    let get = |path: &str| server.http().get(server.at(path)).bearer_auth(TOKEN);
    let files = get(&format!("/v1/files?query=a.bin&x={QUERY}"))
        .send()
        .await;
    let files: Value = files.expect("an answer").json().await.expect("files");
    let post = server
        .http()
        .post(server.at(&format!("/v1/jobs/download?x={QUERY}")));
    let reply = post
        .bearer_auth(TOKEN)
        .header("idempotency-key", KEY)
        .json(&serde_json::json!({ "file_id": files["files"][0]["fileId"] }))
        .send()
        .await
        .expect("an answer");
    assert_eq!(reply.status(), 202);
    let job: Value = reply.json().await.expect("a reply");
    let check = job["checkUrl"].as_str().expect("a path").to_owned();
    loop {
        let job: Value = get(&check)
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("a job");
        assert_ne!(job["status"], "failed", "{job}");
        if job["status"] == serde_json::to_value(JobStatus::Completed).expect("a word") {
            return job;
        }
        tokio::time::sleep(longhaul_tests::server::LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_line_at_any_level() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 9 << 20, 3);
    let tokens = tokens(&place);
    let server = place
        .launch_with(&["--tokens", &tokens], &[("RUST_LOG", ALL)])
        .ready();
    let job = click(&server).await;
    let url = job["result"]["downloadUrl"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let pulled = server.http().get(&url).send().await.expect("an answer");
    assert_eq!(pulled.status(), 200);
    pulled.bytes().await.expect("bytes");
    // A tampered link and a wrong token are refused, and not told either.
    server
        .http()
        .get(format!("{url}0"))
        .send()
        .await
        .expect("an answer");
    let wrong = server
        .http()
        .get(server.at("/v1/jobs"))
        .bearer_auth("canary-wrong-1234567890");
    assert_eq!(wrong.send().await.expect("an answer").status(), 401);
    let signature = url.split("X-Amz-Signature=").nth(1).expect("signed");
    let signature = signature.split('&').next().expect("a word").to_owned();
    let log = server.log();
    assert!(log.contains("answered"), "the requests are told:\n{log}");
    for secret in [
        TOKEN,
        KEY,
        QUERY,
        &signature,
        "canary-wrong",
        "X-Amz-Signature",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_told_in_under_ten_lines_that_name_it() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 9 << 20, 3);
    let tokens = tokens(&place);
    let options = ["--tokens", &tokens, "--log-format", "json"];
    let server = place.serve(&options);
    let job = click(&server).await;
    let id = job["jobId"].as_str().expect("an id");
    let log = server.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    let story: Vec<_> = lines
        .iter()
        .filter(|line| line["job"] == id || line["span"]["job"] == id)
        .collect();
    assert!((3..10).contains(&story.len()), "{story:#?}");
    let accepted = story.iter().find(|line| line["message"] == "accepted");
    let accepted = accepted.expect("the beginning");
    let request = accepted["span"]["id"].as_str().expect("the request's id");
    assert_eq!(request.len(), 36, "{request}");
    let stored = story.iter().find(|line| line["message"] == "stored");
    assert_eq!(stored.expect("the end")["span"]["attempt"], 1);
}
