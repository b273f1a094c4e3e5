//! The program ends, well or badly, and is started again.

use std::sync::Arc;

use axum::http::Method;
use longhaul_client::{DownloadState, Manager, NewDownload};
use longhaul_protocol::{FileId, JobStatus, SignedUrl};
use longhaul_transfer::{
    Engine, EngineConfig, Expected, Limit, Plain, Progress, Request, WhenTaken,
};
use tokio_util::sync::CancellationToken;

use crate::support::{Fake, World, bytes, eventually, open, options};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn everything_unfinished_goes_on_and_a_pause_stays_one() {
    let mut world = World::new().await;
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.offer(8, "eight.bin", bytes(2, 1000));
    world.fake.gate(1_500_000);
    let pulled = world.add(7).await;
    world
        .until(pulled, |row| {
            row.pulled
                .as_ref()
                .is_some_and(|pulled| pulled.done > MIB as u64)
        })
        .await;
    world.fake.hold_jobs();
    let prepared = world.add(8).await;
    world.until_state(prepared, DownloadState::Preparing).await;
    let paused = world.add(8).await;
    world.manager.pause(paused).await.expect("paused");

    world.restart().await;
    world.fake.gate(u64::MAX);
    let row = world.until_state(pulled, DownloadState::Completed).await;
    let fetched = row.pulled.expect("pulled").fetched;
    assert!(fetched < 5 * MIB as u64, "fetched {fetched}");
    let job = world
        .until_state(prepared, DownloadState::Preparing)
        .await
        .job_id
        .expect("a job");
    world.fake.move_job(job, JobStatus::Completed, 100);
    world.until_state(prepared, DownloadState::Completed).await;
    assert_eq!(world.row(paused).await.state, DownloadState::Paused);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_list_can_be_opened_without_anything_going_on() {
    let fake = Fake::start().await;
    fake.hold_jobs();
    fake.offer(7, "seven.bin", bytes(1, 1000));
    let world = World::with(fake).await;
    let id = world.add(7).await;
    world.until_state(id, DownloadState::Preparing).await;
    world.manager.shutdown().await;
    let mut held = options(&world.fake, world.dir.path());
    held.hold = true;
    let manager = Manager::open(held).await.expect("opens");
    let snapshot = manager.snapshot().await.expect("open");
    assert_eq!(snapshot.downloads[0].state, DownloadState::Paused);
    manager.shutdown().await;
}

/// A program that is killed runs nothing more: here its whole runtime is torn down between the
/// request and its answer.
#[test]
fn a_crash_between_the_request_and_its_answer_makes_one_job() {
    let outer = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let fake = outer.block_on(Fake::start());
    fake.offer(7, "seven.bin", bytes(1, 1000));
    fake.lose_replies(u32::MAX);
    let dir = tempfile::tempdir().expect("a folder");
    let doomed = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let id = doomed.block_on(async {
        let manager = open(&fake, dir.path()).await;
        let new = NewDownload::file(FileId::new(7).expect("small"));
        let id = manager.add_all(vec![new]).await.expect("added")[0];
        eventually("the server has made the job", || fake.jobs_made() == 1).await;
        id
    });
    drop(doomed);
    fake.lose_replies(0);
    outer.block_on(async {
        let mut world = None;
        // The torn-down runtime's writer thread lets go of the list a moment later.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while world.is_none() {
            world = Manager::open(options(&fake, dir.path())).await.ok();
            assert!(
                std::time::Instant::now() < deadline,
                "the list stays locked"
            );
        }
        let world = World {
            fake,
            dir,
            manager: world.expect("just opened"),
        };
        world.until_state(id, DownloadState::Completed).await;
        assert_eq!(world.fake.jobs_made(), 1);
        let asked = world.fake.calls(&Method::POST, "/v1/jobs/download");
        assert!(asked.len() >= 2);
        assert!(asked.iter().all(|call| call.key == Some(id.0)));
        world.manager.shutdown().await;
    });
}

/// As where the program dies after the file got its name, and before the list was written: what the
/// engine left is made by an engine of its own.
#[tokio::test]
async fn a_file_that_landed_before_the_list_knew_of_it_is_not_pulled_again() {
    for size in [1000, 2 * MIB] {
        let mut world = World::new().await;
        world.fake.offer(7, "seven.bin", bytes(1, size));
        world.fake.gate(0);
        let id = world.add_direct(7).await;
        world.until_state(id, DownloadState::Downloading).await;
        world.manager.shutdown().await;
        for left in world.files() {
            std::fs::remove_file(world.folder().join(left)).expect("removed");
        }
        world.fake.gate(u64::MAX);
        let url = world.fake.url().join("plain/7").expect("a URL");
        let request = Request {
            id: id.0,
            source: Arc::new(Plain::new(SignedUrl::new(url))),
            mirrors: Vec::new(),
            folder: world.folder(),
            sort: None,
            settles: true,
            name: None,
            when_taken: WhenTaken::Number,
            expected: Expected::default(),
            connections: 1,
            limit: Limit::default(),
            headers: Default::default(),
        };
        let engine = Engine::new(EngineConfig::default()).expect("an engine");
        let (told, _) = tokio::sync::watch::channel(Progress::default());
        let pulled = engine.pull(request, &told, CancellationToken::new());
        pulled.await.expect("finishes");
        assert_eq!(world.files(), ["seven.bin", "seven.bin.part.json"]);

        world.manager = open(&world.fake, world.dir.path()).await;
        world.until_state(id, DownloadState::Completed).await;
        world.until_files(&["seven.bin"]).await;
        world.restart().await;
        assert_eq!(world.row(id).await.state, DownloadState::Completed);
        world.manager.shutdown().await;
    }
}
