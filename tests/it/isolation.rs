//! Another owner's job is indistinguishable from none, on every call that names one.

use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

const NOBODY: &str = "6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b11";
const ADA: &str = "canary-token-of-ada";
const BOB: &str = "canary-token-of-bob";

async fn ask(server: &Server, token: &str, method: Method, path: &str) -> (u16, HeaderMap, Value) {
    let request = server
        .http()
        .request(method, server.at(path))
        .bearer_auth(token);
    let reply = request.send().await.expect("an answer");
    let (status, mut headers) = (reply.status().as_u16(), reply.headers().clone());
    for differs in ["x-request-id", "date"] {
        headers.remove(differs);
    }
    (status, headers, reply.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_job_is_answered_as_one_that_does_not_exist() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 1000, 1);
    std::fs::write(place.path("tokens"), format!("ada {ADA}\nbob {BOB}\n")).expect("written");
    for delivery in ["presigned", "redirect", "proxy"] {
        let server = place.serve(&["--tokens", "tokens", "--delivery", delivery]);
        let (_, _, files) = ask(&server, ADA, Method::GET, "/v1/files").await;
        let asked = json!({ "file_id": files["files"][0]["fileId"] });
        let begin = server
            .http()
            .post(server.at("/v1/jobs/download"))
            .bearer_auth(ADA)
            .json(&asked);
        let job: Value = begin
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let id = job["jobId"].as_str().expect("an id");
        let done =
            longhaul_tests::wait::eventually("completed", longhaul_tests::wait::SOON, async || {
                let (_, _, job) = ask(&server, ADA, Method::GET, &format!("/v1/jobs/{id}")).await;
                Ok((job["status"] == "completed").then_some(job))
            });
        let done = done.await.expect("in time");

        for (method, path) in [
            (Method::GET, "/v1/jobs/{id}"),
            (Method::GET, "/v1/jobs/{id}?wait=5"),
            (Method::GET, "/v1/jobs/{id}/manifest"),
            (Method::GET, "/v1/downloads/signed/{id}"),
            (Method::HEAD, "/v1/downloads/signed/{id}"),
            (Method::GET, "/v1/download/status/{id}"),
            (Method::POST, "/v1/jobs/{id}/retry"),
            (Method::DELETE, "/v1/jobs/{id}"),
        ] {
            let at = |id: &str| path.replace("{id}", id);
            let foreign = ask(&server, BOB, method.clone(), &at(id)).await;
            let mut nothing = ask(&server, BOB, method.clone(), &at(NOBODY)).await;
            if let Some(link) = nothing.1.get_mut("link") {
                // It repeats the id that was asked for, and nothing else.
                let text = link.to_str().expect("ASCII").replace(NOBODY, id);
                *link = text.parse().expect("a header");
            }
            assert_eq!(foreign, nothing, "{delivery}: {method} {path}");
            assert_eq!(foreign.0, 404, "{delivery}: {method} {path}");
        }
        let (_, _, many) = ask(
            &server,
            BOB,
            Method::GET,
            &format!("/v1/jobs?ids={id},{NOBODY}"),
        )
        .await;
        assert_eq!(many, json!({ "jobs": [], "missing": [id, NOBODY] }));
        let (_, _, list) = ask(&server, BOB, Method::GET, "/v1/jobs").await;
        assert_eq!(list["jobs"], json!([]));
        let (_, _, after) = ask(&server, ADA, Method::GET, &format!("/v1/jobs/{id}")).await;
        assert_eq!(
            (&after["status"], &after["updatedAt"]),
            (&json!("completed"), &done["updatedAt"])
        );
    }
}
