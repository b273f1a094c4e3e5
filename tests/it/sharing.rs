//! Jobs for one unchanged source: one production, one artifact.

use std::fs;

use longhaul_protocol::{FaultCode, JobStatus};
use longhaul_tests::{
    catalogue::pid_in,
    server::{Place, Server},
};

/// Writes down each of its runs, and prints once it may.
const SLOW: &str = r#"command = { argv = ["sh", "-c", "echo $$ > running; echo run >> runs; while [ ! -e go ]; do sleep 0.05; done; echo made"] }"#;

fn runs(place: &Place) -> usize {
    let runs = fs::read_to_string(place.path("runs")).unwrap_or_default();
    runs.lines().count()
}

async fn processing(server: &Server, jobs: &[String]) {
    for job in jobs {
        server
            .poll_until(job, |job| job.status == JobStatus::Processing)
            .await;
    }
}

async fn cancel(server: &Server, job: &str) {
    let cancelled = server.http().delete(server.at(job)).send();
    assert!(cancelled.await.expect("an answer").status().is_success());
    let job = server.poll_until(job, |job| job.status.is_final()).await;
    assert_eq!(job.error.expect("an error").code, FaultCode::Cancelled);
}

async fn initiate(server: &Server, id: u64, count: usize) -> Vec<String> {
    let mut jobs = Vec::new();
    for _ in 0..count {
        jobs.push(server.initiate(id).await.check_url);
    }
    jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_for_one_source_are_made_once_and_take_one_worker() {
    let place = Place::new();
    let [option, file] = place.catalogue(&[SLOW, "path = \"other\""]);
    fs::write(place.path("other"), "other").expect("written");
    let server = place.serve(&[&option, &file, "--workers", "2"]);
    let jobs = initiate(&server, 1, 6).await;
    processing(&server, &jobs).await;
    // Six at work, and a worker is free: those who follow take none.
    let other = server.initiate(2).await;
    server.completed(&other.check_url).await;
    fs::write(place.path("go"), "").expect("written");
    let mut etags = Vec::new();
    for job in &jobs {
        let result = server.completed(job).await.result.expect("a result");
        assert_eq!(result.size, 5);
        etags.push((result.etag, result.artifact_expires_at));
    }
    etags.dedup();
    assert_eq!(etags.len(), 1, "one artifact with one end: {etags:?}");
    assert_eq!(runs(&place), 1);
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_one_of_two_only_detaches_it_whoever_leads() {
    for first in [0, 1] {
        let place = Place::new();
        let [option, file] = place.catalogue(&[SLOW]);
        let server = place.serve(&[&option, &file]);
        let mut jobs = initiate(&server, 1, 1).await;
        pid_in(&place.path("running"));
        jobs.extend(initiate(&server, 1, 1).await);
        processing(&server, &jobs).await;
        cancel(&server, &jobs[first]).await;
        fs::write(place.path("go"), "").expect("written");
        let result = server.completed(&jobs[1 - first]).await.result;
        let url = result.expect("a result").download_url;
        let reply = server.http().get(url.expose().clone()).send().await;
        assert_eq!(
            reply.expect("an answer").text().await.expect("bytes"),
            "made\n"
        );
        assert_eq!(runs(&place), 1, "the work went on");
        assert_eq!(server.terminate(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_waits_for_any_more_ends() {
    let place = Place::new();
    let [option, file] = place.catalogue(&[SLOW]);
    let server = place.serve(&[&option, &file]);
    let mut jobs = initiate(&server, 1, 1).await;
    let pid = pid_in(&place.path("running"));
    jobs.extend(initiate(&server, 1, 1).await);
    processing(&server, &jobs).await;
    for job in &jobs {
        cancel(&server, job).await;
    }
    longhaul_tests::catalogue::observe("its end", || {
        (!longhaul_tests::catalogue::runs(pid)).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_job_for_an_unchanged_file_is_given_the_artifact_and_one_after_a_change_is_not() {
    let place = Place::new();
    let source = place.library().join("a.bin");
    fs::write(&source, "one").expect("written");
    let server = place.serve(&[]);
    let id = server.file_id("a.bin").await;
    // What was written this very moment cannot be told from what is written next.
    longhaul_tests::catalogue::observe("a settled file", || {
        let modified = source.metadata().ok()?.modified().ok()?;
        (modified.elapsed().ok()?.as_millis() > 2100).then_some(())
    });
    let first = server.initiate(id).await;
    let first = server.completed(&first.check_url).await.result;
    let second = server.initiate(id).await;
    let second = server.completed(&second.check_url).await.result;
    let (first, second) = (first.expect("a result"), second.expect("a result"));
    assert_eq!(
        (
            first.download_url.expose().path(),
            first.artifact_expires_at
        ),
        (
            second.download_url.expose().path(),
            second.artifact_expires_at
        )
    );
    let again = server
        .log()
        .matches("its artifact is offered again")
        .count();
    assert_eq!(again, 1, "nothing was made for the second");

    fs::write(&source, "two").expect("written");
    let third = server.initiate(id).await;
    let third = server.completed(&third.check_url).await.result;
    let third = third.expect("a result");
    assert_ne!(third.sha256, first.sha256);
    assert_ne!(
        third.download_url.expose().path(),
        first.download_url.expose().path()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_artifact_ends_for_all_at_once() {
    let place = Place::new();
    let [option, file] = place.catalogue(&[SLOW]);
    let server = place.serve(&[&option, &file, "--artifact-ttl", "3s"]);
    let jobs = initiate(&server, 1, 3).await;
    processing(&server, &jobs).await;
    fs::write(place.path("go"), "").expect("written");
    let mut url = None;
    for job in &jobs {
        url = server.completed(job).await.result.map(|r| r.download_url);
    }
    for job in &jobs {
        let ended = server
            .poll_until(job, |job| job.status == JobStatus::Failed)
            .await;
        assert_eq!(
            ended.error.expect("an error").code,
            FaultCode::ArtifactExpired
        );
    }
    let reply = server
        .http()
        .get(url.expect("a URL").expose().clone())
        .send();
    assert_eq!(
        reply.await.expect("an answer").status(),
        404,
        "it is deleted"
    );
}
