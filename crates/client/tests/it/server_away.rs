//! The server refuses, is away, forgets, comes back.

use std::time::Duration;

use axum::http::Method;
use longhaul_client::{DownloadState, NewDownload, Server, ServerId, ServerLink};
use longhaul_protocol::{FaultCode, JobStatus, ProblemCode};

use crate::support::{Fake, World, bytes, eventually};

#[tokio::test]
async fn five_lost_polls_are_offline_and_it_comes_back_by_itself() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let (a, b) = (world.add(7).await, world.add(7).await);
    for id in [a, b] {
        world.until_state(id, DownloadState::Preparing).await;
    }
    world
        .until_all(|all| all.server == ServerLink::Online)
        .await;
    let before = world.fake.calls(&Method::GET, "/v1/jobs").len();
    world.fake.set_down(true);
    world
        .until_all(|all| matches!(all.server, ServerLink::Offline { .. }))
        .await;
    let lost = world.fake.calls(&Method::GET, "/v1/jobs").len() - before;
    assert!(lost >= 5, "after {lost} lost polls");
    let ServerLink::Offline { reason, .. } = world.manager.snapshot().await.unwrap().server else {
        panic!("still offline");
    };
    assert!(reason.contains("502"), "{reason}");
    world.fake.set_down(false);
    world
        .until_all(|all| all.server == ServerLink::Online)
        .await;
    for id in [a, b] {
        assert_eq!(world.row(id).await.state, DownloadState::Preparing);
    }
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_click_while_the_server_is_away_is_kept_and_asked_for_when_it_is_back() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.set_down(true);
    let id = world.add(7).await;
    world
        .until_all(|all| matches!(all.server, ServerLink::Offline { .. }))
        .await;
    assert_eq!(world.row(id).await.state, DownloadState::Queued);
    world.fake.set_down(false);
    world.manager.poke().await;
    world.until_state(id, DownloadState::Completed).await;
    assert_eq!(world.fake.jobs_made(), 1);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn any_answer_ends_the_backing_off() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.set_down(true);
    world
        .until_all(|all| matches!(all.server, ServerLink::Offline { .. }))
        .await;
    world.fake.set_down(false);
    let page = world
        .manager
        .files(ServerId::FIRST, "seven", None, 10)
        .await
        .expect("files");
    assert_eq!(page.files.len(), 1);
    world
        .until_all(|all| all.server == ServerLink::Online)
        .await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_waited_for_as_long_as_it_says() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.refuse_next(ProblemCode::RateLimited, Some(1));
    let id = world.add(7).await;
    world.until_state(id, DownloadState::Completed).await;
    let asked = world.fake.calls(&Method::POST, "/v1/jobs/download");
    assert_eq!(asked.len(), 2);
    let waited = asked[1].at - asked[0].at;
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert_eq!(asked[0].key, asked[1].key);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_refusal_fails_the_row_with_the_servers_own_words() {
    let world = World::new().await;
    let id = world.add(404).await;
    let row = world.until_state(id, DownloadState::Failed).await;
    let fault = row.fault.expect("a fault");
    assert_eq!(fault.code, "unknown_file");
    assert_eq!(fault.message, "there is no file 404 in the catalogue");
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_lost_answer_never_makes_two_jobs() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.lose_replies(2);
    let id = world.add(7).await;
    world.until_state(id, DownloadState::Completed).await;
    let asked = world.fake.calls(&Method::POST, "/v1/jobs/download");
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|call| call.key == Some(id.0)));
    assert_eq!(world.fake.jobs_made(), 1);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_forgotten_job_is_asked_for_anew_with_the_same_key() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    let first = world
        .until_state(id, DownloadState::Preparing)
        .await
        .job_id
        .expect("accepted");
    world.fake.move_job(first, JobStatus::Processing, 10);
    world.fake.forget_jobs();
    let row = world
        .until(id, |row| row.job_id.is_some_and(|job| job != first))
        .await;
    let second = row.job_id.expect("accepted again");
    world.fake.move_job(second, JobStatus::Completed, 100);
    world.until_state(id, DownloadState::Completed).await;
    let asked = world.fake.calls(&Method::POST, "/v1/jobs/download");
    assert!(asked.len() >= 2);
    assert!(asked.iter().all(|call| call.key == Some(id.0)));
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_job_that_is_forgotten_for_ever_fails_in_the_end() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    let mut seen = 0;
    let row = loop {
        let row = world
            .until(id, |row| {
                row.state == DownloadState::Failed || row.job_id.is_some()
            })
            .await;
        if row.state == DownloadState::Failed {
            break row;
        }
        world.fake.forget_jobs();
        seen += 1;
        assert!(seen < 10_000, "it never gives up");
    };
    assert_eq!(row.fault.expect("a fault").code, "unknown_job");
    assert_eq!(
        world.fake.calls(&Method::POST, "/v1/jobs/download").len(),
        4
    );
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_failed_job_says_why_and_a_retry_runs_it_again() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    let job = world
        .until_state(id, DownloadState::Preparing)
        .await
        .job_id
        .expect("accepted");
    world.fake.fail_job(
        job,
        FaultCode::SourceFailed,
        "The disk of the archive hums.",
    );
    let row = world.until_state(id, DownloadState::Failed).await;
    let fault = row.fault.expect("a fault");
    assert_eq!(fault.code, "source_failed");
    assert_eq!(fault.message, "The disk of the archive hums.");
    world.manager.retry(id).await.expect("tried again");
    eventually("the job runs again", || {
        world.fake.job_status(job) == Some(JobStatus::Pending)
    })
    .await;
    world.fake.move_job(job, JobStatus::Completed, 100);
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(row.job_id, Some(job));
    assert_eq!(row.fault, None);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn an_abandoned_job_is_run_again_without_the_users_doing() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    let job = world
        .until_state(id, DownloadState::Preparing)
        .await
        .job_id
        .expect("accepted");
    world.manager.pause(id).await.expect("paused");
    world
        .fake
        .fail_job(job, FaultCode::Abandoned, "nobody asked");
    world.manager.resume(id).await.expect("resumed");
    eventually("the job runs again", || {
        world.fake.job_status(job) == Some(JobStatus::Pending)
    })
    .await;
    world.fake.move_job(job, JobStatus::Completed, 100);
    world.until_state(id, DownloadState::Completed).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn downloads_go_on_at_another_address() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    world.until_state(id, DownloadState::Preparing).await;
    let other = Fake::start().await;
    other.offer(7, "seven.bin", bytes(1, 1000));
    world
        .manager
        .set_server(Server {
            base_url: other.url(),
            token: Some(other.token()),
        })
        .await
        .expect("an address");
    world.until_state(id, DownloadState::Completed).await;
    assert_eq!(other.jobs_made(), 1);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_token_that_is_refused_fails_no_download() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.refuse_next(ProblemCode::Unauthorized, None);
    let id = world.add(7).await;
    world
        .until_all(
            |all| matches!(&all.server, ServerLink::Offline { code, .. } if code == "unauthorized"),
        )
        .await;
    assert_eq!(world.row(id).await.state, DownloadState::Queued);
    world.manager.poke().await;
    world.until_state(id, DownloadState::Completed).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn thousands_of_plain_links_keep_no_server_from_being_asked() {
    let world = World::new().await;
    world.set(|settings| settings.concurrent = 1).await;
    world.fake.offer(1, "one.bin", bytes(1, 1000));
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.gate(0);
    let url = world.fake.url().join("plain/1").expect("a URL");
    let plain = (0..1500).map(|_| NewDownload::direct(url.to_string()));
    world.manager.add_all(plain.collect()).await.expect("added");
    let id = world.add(7).await;
    world
        .until(id, |row| {
            row.state != DownloadState::Preparing && row.job_id.is_some()
        })
        .await;
    world.manager.shutdown().await;
}
