//! What is in the bucket at the end of each way that a job can go, in whatever S3 it is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use longhaul_protocol::{FaultCode, JobStatus};
use longhaul_tests::{
    bucket::Bucket,
    content::incompressible,
    picky_s3::PickyS3,
    s3::OwnS3,
    server::{Place, Server},
    wait::{SOON, eventually},
};

async fn cancel(server: &Server, check_url: &str) {
    let delete = server.http().delete(server.at(check_url));
    let delete = delete.header("content-type", "application/json");
    let reply = delete.send().await.expect("an answer");
    assert!(reply.status().is_success(), "{}", reply.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_tagged_and_the_bucket_knows_its_rule() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 9 << 20, 1);
    let server = place.serve(&[]);
    let job = server.initiate(server.file_id("a.bin").await).await;
    server.completed(&job.check_url).await;
    assert_eq!(server.terminate(), Some(0));
    let bucket = Bucket::of(&place).await;
    let keys = bucket.objects().await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        assert!(
            key.starts_with(&format!("artifacts/{}/", job.job_id)),
            "{key}"
        );
        assert_eq!(bucket.tags(&key).await, ["longhaul=artifact"]);
    }
    assert_eq!(bucket.rules().await, ["longhaul-artifacts artifacts/ 1"]);
    bucket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_while_it_uploads_leaves_nothing() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 400 << 20, 1);
    let server = place.serve(&[]);
    let job = server.initiate(server.file_id("a.bin").await).await;
    let seen = server
        .poll_until(&job.check_url, |job| {
            job.bytes_done > 0 || job.status.is_final()
        })
        .await;
    assert_eq!(seen.status, JobStatus::Processing, "in the middle");
    cancel(&server, &job.check_url).await;
    let gone = server
        .poll_until(&job.check_url, |job| job.status.is_final())
        .await;
    assert_eq!(
        gone.error.map(|fault| fault.code),
        Some(FaultCode::Cancelled)
    );
    assert_eq!(server.terminate(), Some(0));
    let bucket = Bucket::of(&place).await;
    assert!(bucket.objects().await.is_empty() && bucket.uploads().await.is_empty());
    bucket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_whose_time_is_over_is_gone() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 9 << 20, 1);
    let server = place.serve(&["--artifact-ttl", "3s"]);
    let job = server.initiate(server.file_id("a.bin").await).await;
    server.completed(&job.check_url).await;
    let over = server
        .poll_until(&job.check_url, |job| job.status == JobStatus::Failed)
        .await;
    let fault = over.error.expect("a fault");
    assert_eq!(
        (fault.code, fault.retryable),
        (FaultCode::ArtifactExpired, true)
    );
    // The sweep that ends the job deletes its artifact; a clean end waits for it.
    assert_eq!(server.terminate(), Some(0));
    let bucket = Bucket::of(&place).await;
    assert!(bucket.objects().await.is_empty());
    bucket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_tags_and_rules_is_told_once_and_serves() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 9 << 20, 1);
    let s3 = OwnS3::start(place.path("s3")).await;
    let picky = PickyS3::before(&s3, |request| {
        let query = request.uri().query().unwrap_or_default();
        query.contains("lifecycle")
            || query.contains("tagging")
            || request.headers().contains_key("x-amz-tagging")
    })
    .await;
    let options = ["--s3-endpoint", &picky.endpoint, "--s3-bucket", "files"];
    let server = place.serve(&options);
    for _ in 0..2 {
        let job = server.initiate(server.file_id("a.bin").await).await;
        server.completed(&job.check_url).await;
    }
    let log = server.log();
    let told = log.matches("takes no lifecycle rule").count();
    assert_eq!(told, 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_deleted_is_deleted_after_a_restart() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 10, 1);
    let s3 = OwnS3::start(place.path("s3")).await;
    let refusing = Arc::new(AtomicBool::new(true));
    let refuses = Arc::clone(&refusing);
    let picky = PickyS3::before(&s3, move |request| {
        request.method() == "DELETE" && refuses.load(Ordering::Relaxed)
    })
    .await;
    let options = [
        "--s3-endpoint",
        &picky.endpoint,
        "--s3-bucket",
        "files",
        "--artifact-ttl",
        "1s",
    ];
    let server = place.serve(&options);
    let job = server.initiate(server.file_id("a.bin").await).await;
    server
        .poll_until(&job.check_url, |job| job.status == JobStatus::Failed)
        .await;
    let kept = |folder: std::path::PathBuf| std::fs::read_dir(folder).expect("there").count();
    let objects = place.path("s3/buckets/files/objects");
    eventually("the refusal is told", SOON, async || {
        Ok(server
            .log()
            .contains("stays until it can be deleted")
            .then_some(()))
    })
    .await
    .expect("in time");
    assert_eq!(kept(objects.clone()), 2, "artifact and manifest");
    server.kill();
    refusing.store(false, Ordering::Relaxed);
    let server = place.serve(&options);
    eventually("the bucket is empty", SOON, async || {
        Ok((kept(objects.clone()) == 0).then_some(()))
    })
    .await
    .expect("in time");
    assert_eq!(server.terminate(), Some(0));
}
