//! What the user does to a row.

use axum::http::Method;
use longhaul_client::{
    Action, AddItem, AddRequest, DownloadState, FolderRule, ManagerError, NewDownload, Settings,
    Timetable, Via,
};
use longhaul_protocol::{DownloadId, FileId, JobStatus};

use crate::support::{World, bytes, eventually};

const MIB: usize = 1 << 20;

/// A row that is being pulled, and stands still with some bytes on the disk.
async fn pulling(world: &World) -> DownloadId {
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.gate(1_500_000);
    let id = world.add(7).await;
    world.until_pulled(id, MIB).await;
    id
}

#[tokio::test]
async fn a_paused_pull_goes_on_from_what_is_there() {
    let world = World::new().await;
    let id = pulling(&world).await;
    world.manager.pause(id).await.expect("paused");
    let row = world.row(id).await;
    assert_eq!(row.state, DownloadState::Paused);
    assert_eq!(row.can, [Action::Resume, Action::Cancel, Action::Remove]);
    world.fake.gate(u64::MAX);
    world.manager.resume(id).await.expect("resumed");
    let row = world.until_state(id, DownloadState::Completed).await;
    let fetched = row.pulled.expect("pulled").fetched;
    assert!(fetched < 5 * MIB as u64, "fetched {fetched}");
    assert_eq!(
        std::fs::read(row.path.expect("a path")).unwrap(),
        bytes(1, 4 * MIB)
    );
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_cancelled_pull_takes_its_part_file_and_its_job_with_it() {
    let world = World::new().await;
    let id = pulling(&world).await;
    let job = world.row(id).await.job_id.expect("a job");
    world.manager.cancel(id).await.expect("cancelled");
    assert_eq!(world.row(id).await.state, DownloadState::Cancelled);
    world.until_files(&[]).await;
    eventually("the server is told", || {
        world.fake.job_status(job) == Some(JobStatus::Failed)
    })
    .await;
    world.fake.gate(u64::MAX);
    world.manager.retry(id).await.expect("tried again");
    world.until_state(id, DownloadState::Completed).await;
    world.until_files(&["seven.bin"]).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_row_that_is_removed_under_way_leaves_nothing() {
    let world = World::new().await;
    let id = pulling(&world).await;
    let job = world.row(id).await.job_id.expect("a job");
    world.manager.remove(id, false).await.expect("removed");
    assert!(world.manager.snapshot().await.unwrap().downloads.is_empty());
    world.until_files(&[]).await;
    eventually("the server is told", || {
        world.fake.job_status(job) == Some(JobStatus::Failed)
    })
    .await;
    let error = world.manager.pause(id).await.expect_err("gone");
    assert!(matches!(error, ManagerError::Unknown(_)));
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_finished_file_stays_when_its_row_goes_unless_asked_otherwise() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.offer(8, "eight.bin", bytes(2, 1000));
    let (kept, gone) = (world.add(7).await, world.add(8).await);
    for id in [kept, gone] {
        world.until_state(id, DownloadState::Completed).await;
    }
    world.manager.remove(kept, false).await.expect("removed");
    world.manager.remove(gone, true).await.expect("removed");
    world.until_files(&["seven.bin"]).await;
    assert!(world.fake.calls(&Method::DELETE, "/").is_empty());
    world.manager.shutdown().await;
}

#[tokio::test]
async fn what_a_state_does_not_allow_is_refused_with_a_reason() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(
        row.can,
        [Action::Open, Action::ShowInFolder, Action::Remove]
    );
    for refused in [
        world.manager.pause(id).await,
        world.manager.resume(id).await,
        world.manager.cancel(id).await,
        world.manager.retry(id).await,
    ] {
        assert!(matches!(refused, Err(ManagerError::NotNow { .. })));
    }
    world.manager.shutdown().await;
}

#[tokio::test]
async fn an_addition_is_taken_whole_or_not_at_all() {
    let world = World::new().await;
    let request = AddRequest {
        items: vec![
            AddItem::File {
                file_id: FileId::new(7).expect("small"),
                name: Some("shown.bin".into()),
                sha256: None,
            },
            AddItem::Url {
                url: "ftp://host/file".into(),
                via: None,
                sha256: None,
            },
        ],
        server: None,
        folder: None,
    };
    let error = world.manager.add(request).await.expect_err("refused");
    assert!(error.to_string().contains("ftp:"), "{error}");
    let secret = NewDownload::url("https://user:canary@host/file".into());
    let error = world
        .manager
        .add_all(vec![secret])
        .await
        .expect_err("refused");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(world.manager.snapshot().await.unwrap().downloads.is_empty());
    world.manager.shutdown().await;
}

#[tokio::test]
async fn settings_out_of_bounds_are_refused_and_good_ones_survive_a_restart() {
    let mut world = World::new().await;
    let good = Settings {
        same_name: longhaul_client::SameName::Ask,
        folder: world.folder().to_string_lossy().into_owned(),
        concurrent: 5,
        connections: 8,
        limit: Some(1 << 20),
        notify: false,
        urls: Via::Server,
        close_to_tray: true,
        keep_awake: false,
        watch_clipboard: true,
        look_for_updates: false,
        timetable: Some(Timetable {
            days: [true; 7],
            from: 60,
            to: 30,
            limit: Some(4096),
        }),
        folders: vec![FolderRule {
            endings: vec!["zip".into()],
            folder: world
                .folder()
                .join("archives")
                .to_string_lossy()
                .into_owned(),
        }],
    };
    for bad in [
        Settings {
            concurrent: 0,
            ..good.clone()
        },
        Settings {
            connections: 65,
            ..good.clone()
        },
        Settings {
            limit: Some(1),
            ..good.clone()
        },
        Settings {
            folder: "relative".into(),
            ..good.clone()
        },
        Settings {
            timetable: Some(Timetable {
                from: 1440,
                ..good.timetable.clone().expect("there")
            }),
            ..good.clone()
        },
        Settings {
            folders: vec![FolderRule {
                endings: vec!["zip".into()],
                folder: "relative".into(),
            }],
            ..good.clone()
        },
    ] {
        let error = world.manager.set_settings(bad).await.expect_err("refused");
        assert!(matches!(error, ManagerError::Invalid(_)));
    }
    world.manager.set_settings(good.clone()).await.expect("set");
    world.restart().await;
    assert_eq!(world.manager.settings().await.unwrap(), good);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn the_map_of_segments_is_there_while_it_is_pulled_and_while_it_rests() {
    let world = World::new().await;
    world.set(|settings| settings.connections = 4).await;
    world.fake.offer(7, "seven.bin", bytes(1, 8 * MIB));
    world.fake.gate(5_000_000);
    let id = world.add(7).await;
    world.until_pulled(id, 2 * MIB).await;
    let check = |segments: &[(u64, u64, u64, bool)]| {
        let mut at = 0;
        for &(start, done, end, _) in segments {
            assert!(start == at && start <= done && done <= end, "{segments:?}");
            at = end;
        }
        assert_eq!(at, 8 * MIB as u64);
        segments
            .iter()
            .map(|(start, done, ..)| done - start)
            .sum::<u64>()
    };
    let running = world.manager.segments(id).await.expect("a map").segments;
    assert!(check(&running) >= 2 * MIB as u64, "{running:?}");
    assert!(running.iter().any(|(.., active)| *active));

    world.manager.pause(id).await.expect("paused");
    let row = world.until_state(id, DownloadState::Paused).await;
    let kept = world.manager.segments(id).await.expect("a map").segments;
    assert!(check(&kept) >= MIB as u64, "{kept:?} of {row:?}");
    assert!(kept.iter().all(|(.., active)| !active), "{kept:?}");
    world.manager.cancel(id).await.expect("cancelled");
    world.manager.shutdown().await;
}
