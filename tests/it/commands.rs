//! Commands as sources: their output is the file, and nothing of them outlives the attempt.

use std::fs;

use longhaul_protocol::{FaultCode, JobStatus};
use longhaul_tests::{
    catalogue::{observe, pid_in, runs},
    server::{Place, Server, fetch_sha256},
};
use sha2::{Digest, Sha256};

fn serve(place: &Place, entries: &[&str], options: &[&str]) -> Server {
    let catalogue = place.catalogue(entries);
    let catalogue = catalogue.iter().map(String::as_str);
    let options: Vec<_> = catalogue.chain(options.iter().copied()).collect();
    place.serve(&options)
}

/// A program with a child; both write down who they are, and neither ends by itself.
const ENDLESS: &str = r#"command = { argv = ["sh", "-c", "sh -c 'echo $$ > child; sleep 600' & echo $$ > leader; sleep 600"] }"#;

fn family(place: &Place) -> [u32; 2] {
    ["leader", "child"].map(|name| pid_in(&place.path(name)))
}

fn gone(pids: [u32; 2]) {
    observe("the end of the command and of its child", || {
        (!pids.into_iter().any(runs)).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_prints_is_stored_and_its_progress_moves_the_bar() {
    let place = Place::new();
    let entry = r#"command = { argv = ["sh", "-c", "echo progress 45 >&2; while [ ! -e go ]; do sleep 0.05; done; head -c 20000000 /dev/zero"] }"#;
    let server = serve(&place, &[entry], &[]);
    let job = server.initiate(1).await;
    let seen = server
        .poll_until(&job.check_url, |job| job.progress == 45)
        .await;
    assert_eq!(seen.bytes_total, None);
    fs::write(place.path("go"), "").expect("written");
    let result = server.completed(&job.check_url).await.result;
    let result = result.expect("a result");
    let expected = hex::encode(Sha256::digest(vec![0; 20_000_000]));
    assert_eq!(result.size, 20_000_000);
    assert_eq!(result.sha256.to_string(), expected);
    assert_eq!(fetch_sha256(result.download_url.expose()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_leaves_no_artifact_and_says_why() {
    let place = Place::new();
    let entry = r#"command = { argv = ["sh", "-c", "head -c 20000000 /dev/zero; echo 'disk on fire' >&2; exit 65"] }"#;
    let server = serve(&place, &[entry], &[]);
    let job = server.initiate(1).await;
    let job = server
        .poll_until(&job.check_url, |job| job.status.is_final())
        .await;
    assert_eq!(job.status, JobStatus::Failed);
    let error = job.error.expect("an error");
    assert_eq!(error.code, FaultCode::SourceFailed);
    assert_eq!(
        error.message,
        "the command exited with status 65: disk on fire"
    );
    assert!(
        !error.retryable && job.attempt == 1,
        "wrong data stays wrong"
    );
    assert!(job.result.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_command_is_ended_with_all_that_it_started() {
    let place = Place::new();
    let server = serve(&place, &[ENDLESS], &[]);
    let job = server.initiate(1).await;
    let family = family(&place);
    let cancelled = server.http().delete(server.at(&job.check_url)).send();
    assert!(cancelled.await.expect("an answer").status().is_success());
    let job = server
        .poll_until(&job.check_url, |job| job.status.is_final())
        .await;
    assert_eq!(job.error.expect("an error").code, FaultCode::Cancelled);
    gone(family);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let place = Place::new();
    let options = ["--hang-timeout", "2s", "--max-attempts", "1"];
    let server = serve(&place, &[ENDLESS], &options);
    let job = server.initiate(1).await;
    let family = family(&place);
    let job = server
        .poll_until(&job.check_url, |job| job.status.is_final())
        .await;
    assert_eq!(job.error.expect("an error").code, FaultCode::TimedOut);
    gone(family);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_only_tells_of_its_progress_does_not_hang() {
    let place = Place::new();
    let entry = r#"command = { argv = ["sh", "-c", "for n in 1 2 3 4 5 6 7 8; do echo progress $n >&2; sleep 0.5; done; echo made"] }"#;
    let server = serve(
        &place,
        &[entry],
        &["--hang-timeout", "2s", "--max-attempts", "1"],
    );
    let job = server.initiate(1).await;
    let result = server.completed(&job.check_url).await.result;
    assert_eq!(result.expect("a result").size, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_leaves_no_command_running() {
    let place = Place::new();
    let server = serve(&place, &[ENDLESS], &["--drain", "0s"]);
    server.initiate(1).await;
    let family = family(&place);
    assert_eq!(server.terminate(), Some(0));
    gone(family);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_more_than_once_tells_of_each_attempt() {
    let place = Place::new();
    let entry = r#"command = { argv = ["sh", "-c", "echo run >> runs; echo failure $(wc -l < runs) >&2; exit 1"] }"#;
    let server = serve(&place, &[entry], &["--max-attempts", "2"]);
    let job = server.initiate(1).await;
    let job = server
        .poll_until(&job.check_url, |job| job.status.is_final())
        .await;
    let message = job.error.expect("an error").message;
    for word in [
        "failure 2",
        "attempt 2",
        "before it",
        "attempt 1",
        "failure 1",
        "the source's side",
    ] {
        assert!(message.contains(word), "{word}: {message}");
    }
}
