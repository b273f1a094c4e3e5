//! The queue's order, and removals that are taken back.

use std::time::Duration;

use longhaul_client::{
    Action, DownloadState, FolderRule, ManagerError, NewDownload, QueuePlace, Timetable,
};
use longhaul_protocol::{DownloadId, FileId, JobStatus};

use crate::support::{World, bytes, eventually};

const MIB: usize = 1 << 20;
/// Longer than any of these tests.
const LONG: Duration = Duration::from_secs(600);

async fn queue(world: &World) -> Vec<DownloadId> {
    let mut rows = world.manager.snapshot().await.unwrap().downloads;
    rows.sort_by_key(|row| row.place);
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn rows_change_places_and_are_pulled_in_that_order() {
    let mut world = World::new().await;
    world.set(|settings| settings.concurrent = 1).await;
    world.fake.gate(0);
    let mut ids = Vec::new();
    for file in 1..=5 {
        world
            .fake
            .offer(file, &format!("{file}.bin"), bytes(file, 1000));
        ids.push(world.add_direct(file).await);
    }
    let [a, b, c, d, e] = ids[..] else {
        unreachable!()
    };
    world.until_state(a, DownloadState::Downloading).await;
    let manager = &world.manager;
    manager
        .put(vec![e], QueuePlace::First)
        .await
        .expect("moved");
    assert_eq!(queue(&world).await, [e, a, b, c, d]);
    manager
        .put(vec![a, c], QueuePlace::Last)
        .await
        .expect("moved");
    assert_eq!(queue(&world).await, [e, b, d, a, c]);
    let before = QueuePlace::Before { id: b };
    manager.put(vec![c, d], before).await.expect("moved");
    assert_eq!(queue(&world).await, [e, d, c, b, a]);
    let itself = QueuePlace::Before { id: b };
    assert!(manager.put(vec![b], itself).await.is_err());
    world.restart().await;
    assert_eq!(queue(&world).await, [e, d, c, b, a]);
    world.fake.gate(u64::MAX);
    for id in [a, b, c, d, e] {
        world.until_state(id, DownloadState::Completed).await;
    }
    // The restart began anew with the first; the last was the first to be added.
    let rows = world.manager.snapshot().await.unwrap().downloads;
    let mut ended: Vec<_> = rows.iter().map(|row| (row.ended_at, row.id)).collect();
    ended.sort();
    let ended: Vec<_> = ended.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ended, [e, d, c, b, a]);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_removal_that_is_undone_costs_nothing() {
    let world = World::with_undo(LONG).await;
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.gate(1_500_000);
    let id = world.add(7).await;
    world.until_pulled(id, MIB).await;
    let before = world.row(id).await;
    let job = before.job_id.expect("a job");
    world.manager.remove(id, false).await.expect("removed");
    assert!(world.manager.snapshot().await.unwrap().downloads.is_empty());
    assert_eq!(world.manager.restore(vec![id]).await.unwrap(), 1);
    assert_eq!(world.manager.restore(vec![id]).await.unwrap(), 0);
    let after = world.row(id).await;
    assert_eq!((after.place, after.job_id), (before.place, Some(job)));
    world.fake.gate(u64::MAX);
    let row = world.until_state(id, DownloadState::Completed).await;
    let fetched = row.pulled.expect("pulled").fetched;
    assert!(fetched < 5 * MIB as u64, "fetched {fetched}");
    assert_ne!(world.fake.job_status(job), Some(JobStatus::Failed));
    world.manager.shutdown().await;
}

#[tokio::test]
async fn what_is_not_taken_back_goes_when_the_program_ends() {
    let world = World::with_undo(LONG).await;
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.gate(1_500_000);
    let id = world.add(7).await;
    world
        .until(id, |row| {
            row.pulled.as_ref().is_some_and(|pulled| pulled.done > 0)
        })
        .await;
    let job = world.row(id).await.job_id.expect("a job");
    world.manager.remove(id, false).await.expect("removed");
    assert!(!world.files().is_empty(), "nothing is thrown away yet");
    world.manager.shutdown().await;
    world.until_files(&[]).await;
    eventually("the server is told", || {
        world.fake.job_status(job) == Some(JobStatus::Failed)
    })
    .await;
}

#[tokio::test]
async fn a_finished_row_comes_back_as_it_was() {
    let mut world = World::with_undo(LONG).await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let id = world.add(7).await;
    let before = world.until_state(id, DownloadState::Completed).await;
    world.manager.remove(id, false).await.expect("removed");
    assert_eq!(world.manager.restore(vec![id]).await.unwrap(), 1);
    let after = world.row(id).await;
    assert!(after.revision > before.revision);
    assert_eq!(
        (after.path, after.sha256, after.proven),
        (before.path, before.sha256, true)
    );
    world.restart().await;
    assert_eq!(world.row(id).await.state, DownloadState::Completed);
    world.manager.shutdown().await;
}

#[tokio::test]
async fn in_the_hours_of_rest_nothing_is_pulled_and_after_them_all_goes_on() {
    let world = World::new().await;
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.gate(1_500_000);
    let id = world.add_direct(7).await;
    world.until_pulled(id, MIB).await;
    let always = Timetable {
        days: [true; 7],
        from: 0,
        to: 0,
        limit: None,
    };
    world
        .set(|settings| settings.timetable = Some(always.clone()))
        .await;
    let row = world.until_state(id, DownloadState::Queued).await;
    assert!(row.pulled.is_some_and(|pulled| pulled.done > MIB as u64));
    assert!(world.manager.snapshot().await.unwrap().totals.rests);
    world.fake.gate(u64::MAX);
    world.fake.offer(8, "eight.bin", bytes(2, 1000));
    let other = world.add_direct(8).await;
    assert_eq!(world.row(other).await.state, DownloadState::Queued);
    // Another change of the settings does not end the rest.
    world.set(|settings| settings.concurrent = 9).await;
    assert_eq!(world.row(other).await.state, DownloadState::Queued);
    let slowed = Timetable {
        limit: Some(1 << 30),
        ..always
    };
    world
        .set(|settings| settings.timetable = Some(slowed))
        .await;
    let totals = world.manager.snapshot().await.unwrap().totals;
    assert_eq!((totals.rests, totals.slowed), (false, Some(1 << 30)));
    world.until_state(other, DownloadState::Completed).await;
    let row = world.until_state(id, DownloadState::Completed).await;
    let fetched = row.pulled.expect("pulled").fetched;
    assert!(fetched < 5 * MIB as u64, "fetched {fetched}");
    world.manager.shutdown().await;
}

#[tokio::test]
async fn files_of_a_kind_go_to_their_folder_unless_the_addition_says_where() {
    let world = World::new().await;
    world.fake.offer(7, "seven.ZIP", bytes(1, 1000));
    let archives = world.dir.path().join("archives");
    let folder = archives.to_string_lossy().into_owned();
    world
        .set(|settings| {
            settings.folders = vec![FolderRule {
                endings: vec!["zip".into()],
                folder: folder.clone(),
            }];
        })
        .await;
    let mut named = NewDownload::file(FileId::new(7).expect("small"));
    named.name = Some("seven.ZIP".into());
    let mut elsewhere = named.clone();
    elsewhere.folder = Some(world.dir.path().join("elsewhere"));
    let ids = world.manager.add_all(vec![named, elsewhere]).await.unwrap();
    let row = world.until_state(ids[0], DownloadState::Completed).await;
    assert_eq!(row.folder, folder);
    assert!(archives.join("seven.ZIP").exists());
    let row = world.until_state(ids[1], DownloadState::Completed).await;
    assert!(row.folder.ends_with("elsewhere"));
    world.manager.shutdown().await;
}

#[tokio::test]
async fn what_the_source_calls_a_file_decides_where_it_goes() {
    let mut world = World::new().await;
    world.fake.offer(7, "seven.ZIP", bytes(1, 1000));
    world.fake.offer(8, "eight.zip", bytes(2, 4 * MIB));
    let archives = world.dir.path().join("archives");
    let folder = archives.to_string_lossy().into_owned();
    world
        .set(|settings| {
            settings.connections = 1;
            settings.folders = vec![FolderRule {
                endings: vec!["zip".into()],
                folder: folder.clone(),
            }];
        })
        .await;
    // Neither an id nor these links tell what is behind them.
    for id in [world.add(7).await, world.add_direct(7).await] {
        let row = world.until_state(id, DownloadState::Completed).await;
        assert_eq!(row.folder, folder);
        assert!(row.path.expect("a file").starts_with(&folder));
    }

    world.fake.gate(1_500_000);
    let id = world.add_direct(8).await;
    world.until_pulled(id, MIB).await;
    world.manager.pause(id).await.expect("paused");
    world.until_state(id, DownloadState::Paused).await;
    // A rule of later moves nothing that has begun.
    world.set(|settings| settings.folders.clear()).await;
    world.restart().await;
    world.fake.gate(u64::MAX);
    world.manager.resume(id).await.expect("resumed");
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(row.folder, folder);
    assert!(row.pulled.expect("pulled").fetched < 5 * MIB as u64);
    assert!(world.files().is_empty());
    world.manager.shutdown().await;
}

#[tokio::test]
async fn what_is_given_up_is_thrown_away_where_its_name_took_it() {
    let world = World::with_undo(LONG).await;
    world.fake.offer(8, "eight.zip", bytes(2, 4 * MIB));
    let archives = world.dir.path().join("archives");
    world
        .set(|settings| {
            settings.folders = vec![FolderRule {
                endings: vec!["zip".into()],
                folder: archives.to_string_lossy().into_owned(),
            }];
        })
        .await;
    let left = || std::fs::read_dir(&archives).map_or(0, Iterator::count);
    world.fake.gate(1_500_000);
    let (cancelled, removed) = (world.add_direct(8).await, world.add_direct(8).await);
    for id in [cancelled, removed] {
        world
            .until(id, |row| row.pulled.as_ref().is_some_and(|it| it.done > 0))
            .await;
    }
    assert!(left() > 0);
    world.manager.cancel(cancelled).await.expect("cancelled");
    world.manager.remove(removed, false).await.expect("removed");
    world.manager.shutdown().await;
    assert_eq!((left(), world.files()), (0, Vec::new()));
}

#[tokio::test]
async fn many_rows_go_on_in_the_order_of_the_queue() {
    let world = World::new().await;
    world.set(|settings| settings.concurrent = 1).await;
    let mut ids = Vec::new();
    for file in 1..=5 {
        world
            .fake
            .offer(file, &format!("{file}.bin"), bytes(file, 1000));
    }
    world.fake.gate(0);
    for file in 1..=5 {
        ids.push(world.add_direct(file).await);
    }
    let act = |action| {
        world
            .manager
            .act(ids.iter().rev().copied().collect(), action)
    };
    act(Action::Pause).await.expect("paused");
    world
        .until_all(|all| {
            all.downloads
                .iter()
                .all(|row| row.state == DownloadState::Paused)
        })
        .await;
    world.fake.gate(u64::MAX);
    act(Action::Resume).await.expect("resumed");
    let mut ended = Vec::new();
    for id in &ids {
        ended.push(
            world
                .until_state(*id, DownloadState::Completed)
                .await
                .ended_at,
        );
    }
    assert!(ended.is_sorted(), "{ended:?}");
    world.manager.shutdown().await;
}

#[tokio::test]
async fn of_many_rows_those_that_can_are_done_and_the_others_are_told_of() {
    let world = World::with_undo(LONG).await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let done = world.add(7).await;
    world.until_state(done, DownloadState::Completed).await;
    world.fake.gate(0);
    let (a, b) = (world.add_direct(7).await, world.add_direct(7).await);
    let nobody = DownloadId::random();
    let refused = world
        .manager
        .act(vec![done, a, nobody, b], Action::Pause)
        .await
        .expect_err("two of them cannot");
    assert!(
        matches!(&refused, ManagerError::Some { others: 1, .. }),
        "{refused:?}"
    );
    assert!(
        matches!(refused.first(), ManagerError::NotNow { .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().ends_with("1 more could not be either"));
    for id in [a, b] {
        assert_eq!(world.row(id).await.state, DownloadState::Paused);
    }

    let all = vec![a, done, b];
    world
        .manager
        .remove_all(all.clone(), false)
        .await
        .expect("removed");
    assert_eq!(world.manager.snapshot().await.unwrap().downloads, []);
    assert_eq!(world.manager.restore(all.clone()).await.unwrap(), 3);
    world
        .manager
        .remove_all(all.clone(), true)
        .await
        .expect("removed");
    assert_eq!(world.manager.restore(all).await.unwrap(), 3);
    assert!(!world.files().contains(&"seven.bin".to_owned()));
    world.manager.shutdown().await;
}
