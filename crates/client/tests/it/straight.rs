//! From a click to a verified file.

use axum::http::Method;
use longhaul_client::{DownloadState, MomentKind, NewDownload};
use longhaul_protocol::{FileId, JobStatus};

use crate::support::{World, bytes, fake::sha_of};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_click_becomes_a_verified_file_and_leaves_nothing_else() {
    let world = World::new().await;
    let content = bytes(1, 5 * MIB + 17);
    world.fake.offer(7, "seven.bin", content.clone());
    let id = world.add(7).await;
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(row.name, "seven.bin");
    assert_eq!(row.size, Some(content.len() as u64));
    let path = row.path.expect("a path");
    assert_eq!(std::fs::read(path).expect("readable"), content);
    world.until_files(&["seven.bin"]).await;
    let kinds: Vec<_> = row.moments.iter().map(|moment| moment.kind).collect();
    assert_eq!(
        kinds,
        [
            MomentKind::Clicked,
            MomentKind::Accepted,
            MomentKind::Started,
            MomentKind::Stored,
            MomentKind::Pulling,
            MomentKind::Pulled,
            MomentKind::Finished
        ]
    );
    assert!(row.moments.is_sorted_by_key(|moment| moment.at));
    let asked = world.fake.calls(&Method::POST, "/v1/jobs/download");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].key, Some(id.0));
    world.manager.shutdown().await;
}

#[tokio::test]
async fn twenty_files_complete_and_never_more_than_the_limit_run_at_once() {
    let world = World::new().await;
    world.set(|settings| settings.concurrent = 2).await;
    world.fake.gate(1000);
    for file in 0..20 {
        world
            .fake
            .offer(file, &format!("{file}.bin"), bytes(file, 3000));
    }
    for file in 0..20 {
        world.add(file).await;
    }
    world
        .until_all(|all| {
            let count = |state| {
                all.downloads
                    .iter()
                    .filter(|row| row.state == state)
                    .count()
            };
            count(DownloadState::Downloading) == 2 && count(DownloadState::Queued) == 18
        })
        .await;
    // A row says so before its first request is on the wire: only the server sees both.
    crate::support::eventually("two pulls at the gate", || world.fake.most_pulls() == 2).await;
    world.fake.gate(u64::MAX);
    world.until_all(|all| all.totals.completed == 20).await;
    assert_eq!(world.fake.most_pulls(), 2);
    assert_eq!(world.files().len(), 20);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn the_same_file_twice_is_two_rows_and_two_files() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let (a, b) = (world.add(7).await, world.add(7).await);
    let a = world.until_state(a, DownloadState::Completed).await;
    let b = world.until_state(b, DownloadState::Completed).await;
    assert_ne!(a.path, b.path);
    world.until_files(&["seven (1).bin", "seven.bin"]).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn many_jobs_are_asked_after_in_one_request_and_one_job_by_a_held_answer() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let first = world.add(7).await;
    let job = world
        .until(first, |row| row.job_id.is_some())
        .await
        .job_id
        .expect("accepted");
    let path = format!("/v1/jobs/{job}");
    crate::support::eventually("a held poll", || {
        let calls = world.fake.calls(&Method::GET, &path);
        calls.iter().any(|call| call.query.contains("wait="))
    })
    .await;
    let second = world.add(7).await;
    let third = world.add(7).await;
    for id in [second, third] {
        world.until_state(id, DownloadState::Preparing).await;
    }
    crate::support::eventually("one poll for all three", || {
        let calls = world.fake.calls(&Method::GET, "/v1/jobs");
        calls.iter().any(|call| {
            call.query.starts_with("ids=") && call.query.matches(['-']).count() == 3 * 4
        })
    })
    .await;
    world.fake.move_job(job, JobStatus::Processing, 40);
    let row = world
        .until(first, |row| {
            row.made.as_ref().is_some_and(|made| made.percent == 40)
        })
        .await;
    assert_eq!(row.state, DownloadState::Preparing);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_file_that_is_not_the_one_asked_for_is_never_put_under_its_name() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let mut new = NewDownload::file(FileId::new(7).expect("small"));
    new.sha256 = Some(sha_of(b"another"));
    let id = world
        .manager
        .add_all(vec![new.clone()])
        .await
        .expect("added")[0];
    let row = world.until_state(id, DownloadState::Failed).await;
    assert_eq!(row.fault.expect("a fault").code, "digest_mismatch");
    assert!(world.files().is_empty());

    new.sha256 = Some(sha_of(&bytes(1, 1000)));
    let id = world
        .manager
        .add_all(vec![new.clone()])
        .await
        .expect("added")[0];
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(row.sha256, new.sha256);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_link_that_runs_out_in_the_middle_is_renewed() {
    let world = World::new().await;
    world.set(|settings| settings.connections = 2).await;
    let content = bytes(3, 6 * MIB);
    world.fake.offer(7, "seven.bin", content.clone());
    world.fake.gate(100_000);
    let id = world.add(7).await;
    world
        .until(id, |row| {
            row.pulled.as_ref().is_some_and(|pulled| pulled.done > 0)
        })
        .await;
    world.fake.expire_links();
    world.fake.gate(u64::MAX);
    world.fake.cut();
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(std::fs::read(row.path.expect("a path")).unwrap(), content);
    assert!(row.pulled.expect("pulled").links_renewed >= 1);
    world.manager.shutdown().await;
}
