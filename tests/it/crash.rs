//! kill -9 of the server in the middle of an upload, and of the client in the middle of a pull.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use longhaul_protocol::JobStatus;
use longhaul_tests::{
    bins::binary,
    bucket::Bucket,
    content::{incompressible, sha256},
    server::{Place, Server, fetch_sha256},
};
use serde_json::Value;

const SIZE: u64 = 400 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_an_upload_completes_the_job_after_its_start() {
    let place = Place::new();
    let source = place.library().join("big.bin");
    incompressible(&source, SIZE, 1);
    let server = place.serve(&[]);
    let job = server.initiate(server.file_id("big.bin").await).await;
    let seen = server
        .poll_until(&job.check_url, |job| {
            job.bytes_done > SIZE / 8 || job.status.is_final()
        })
        .await;
    assert_eq!(
        seen.status,
        JobStatus::Processing,
        "the kill must come in the middle"
    );
    server.kill();

    let server = place.serve(&[]);
    let done = server.completed(&job.check_url).await;
    let result = done.result.expect("a result");
    assert_eq!(result.sha256.to_string(), sha256(&source));
    assert_eq!(
        fetch_sha256(result.download_url.expose()).await,
        result.sha256.to_string()
    );
    assert_eq!(server.terminate(), Some(0));
    let bucket = Bucket::of(&place).await;
    let uploads = bucket.uploads().await;
    assert!(uploads.is_empty(), "left behind: {uploads:?}");
    assert_eq!(bucket.objects().await.len(), 2, "artifact and manifest");
    bucket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_killed_in_the_middle_of_a_pull_resumes_and_refetches_little() {
    let place = Place::new();
    incompressible(&place.library().join("big.bin"), SIZE, 2);
    let server = place.serve(&[]);
    let id = server.file_id("big.bin").await;

    let mut first = get(&place, &server, id, &["--limit-rate", "60M"]);
    let stdout = first.stdout.take().expect("piped");
    let mut reached = 0;
    for line in BufReader::new(stdout).lines() {
        let event: Value = serde_json::from_str(&line.expect("a line")).expect("an event");
        reached = event["download"]["pulled"]["done"]
            .as_u64()
            .unwrap_or(reached);
        if reached > SIZE / 3 {
            break;
        }
    }
    assert!((SIZE / 3..SIZE).contains(&reached), "killed at {reached}");
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    assert!(
        !place.path("out/big.bin").exists(),
        "no final name before the end"
    );

    let second = get(&place, &server, id, &[])
        .wait_with_output()
        .expect("it ends");
    assert!(
        second.status.success(),
        "{}",
        String::from_utf8_lossy(&second.stderr)
    );
    let out = String::from_utf8(second.stdout).expect("unicode");
    let done: Value = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an event"))
        .find(|event| event["event"] == "completed")
        .expect("completed");
    let fetched = done["fetched"].as_u64().expect("counted over all runs");
    assert!(fetched * 5 < SIZE * 6, "{fetched} bytes fetched for {SIZE}");
    assert!(
        fetched >= SIZE,
        "every byte came over the network at least once"
    );
    assert_eq!(
        sha256(&place.path("out/big.bin")),
        sha256(&place.library().join("big.bin"))
    );
    let left: Vec<_> = std::fs::read_dir(place.path("out"))
        .expect("there")
        .collect();
    assert_eq!(left.len(), 1, "nothing but the file: {left:?}");
}

fn get(place: &Place, server: &Server, id: u64, options: &[&str]) -> Child {
    Command::new(binary("longhaul"))
        .args([
            "get",
            &id.to_string(),
            "--json",
            "--server",
            server.url.as_str(),
        ])
        .arg("-o")
        .arg(place.path("out"))
        .arg("--state-dir")
        .arg(place.path("state"))
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts")
}
