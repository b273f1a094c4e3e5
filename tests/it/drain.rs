//! SIGTERM in the middle of an upload: the lease is given back, and the next start completes the job.

use longhaul_protocol::JobStatus;
use longhaul_tests::{
    bucket::Bucket,
    content::{incompressible, sha256},
    server::{Place, fetch_sha256},
};

const SIZE: u64 = 400 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_gives_its_job_back_and_the_next_completes_it() {
    let place = Place::new();
    let source = place.library().join("big.bin");
    incompressible(&source, SIZE, 21);
    let server = place.serve(&["--drain", "0s"]);
    let job = server.initiate(server.file_id("big.bin").await).await;
    let seen = server
        .poll_until(&job.check_url, |job| {
            job.bytes_done > SIZE / 16 || job.status.is_final()
        })
        .await;
    assert_eq!(seen.status, JobStatus::Processing, "in the middle");
    assert_eq!(server.terminate(), Some(0));

    let server = place.serve(&[]);
    let done = server.completed(&job.check_url).await;
    let result = done.result.expect("a result");
    assert_eq!(result.sha256.to_string(), sha256(&source));
    let fetched = fetch_sha256(result.download_url.expose()).await;
    assert_eq!(fetched, result.sha256.to_string());
    assert!(
        done.attempt <= 1,
        "a drain costs no attempt: {}",
        done.attempt
    );
    assert_eq!(server.terminate(), Some(0));
    let bucket = Bucket::of(&place).await;
    assert!(bucket.uploads().await.is_empty(), "nothing is left behind");
    assert_eq!(bucket.objects().await.len(), 2, "artifact and manifest");
    bucket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_a_running_job_end_and_takes_no_new_one() {
    let place = Place::new();
    incompressible(&place.library().join("big.bin"), SIZE, 22);
    let server = place.serve(&[]);
    let id = server.file_id("big.bin").await;
    let job = server.initiate(id).await;
    server
        .poll_until(&job.check_url, |job| job.status == JobStatus::Processing)
        .await;
    let (http, url) = (server.http().clone(), server.at("/v1/jobs/download"));
    let ending = tokio::task::spawn_blocking(move || server.terminate());
    // Until it drains it takes jobs, and those it takes are kept.
    let mut accepted = 1;
    let refused = loop {
        let body = serde_json::json!({ "file_id": id });
        match http.post(url.clone()).json(&body).send().await {
            Ok(reply) if reply.status() == 202 => accepted += 1,
            reply => break reply,
        }
    };
    if let Ok(reply) = refused {
        assert_eq!(reply.status(), 503);
        assert!(reply.headers().contains_key("retry-after"));
        let problem: serde_json::Value = reply.json().await.expect("a problem");
        assert_eq!(problem["code"], "draining");
    }
    assert_eq!(ending.await.expect("joined"), Some(0));
    let server = place.serve(&[]);
    server.completed(&job.check_url).await;
    let listed = server.http().get(server.at("/v1/jobs?limit=200")).send();
    let listed: serde_json::Value = listed.await.expect("an answer").json().await.expect("jobs");
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(accepted));
}
