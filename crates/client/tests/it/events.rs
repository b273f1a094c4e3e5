//! What is told, and how often.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use longhaul_client::{DownloadState, NewDownload};
use longhaul_protocol::FileId;
use tokio::time::Instant;

use crate::support::{World, bytes, find};

#[tokio::test]
async fn events_come_at_most_four_times_a_second_and_end_where_the_snapshot_is() {
    let world = World::new().await;
    world.set(|settings| settings.concurrent = 8).await;
    let mut events = world.manager.subscribe().await.expect("open");
    for file in 0..30 {
        world
            .fake
            .offer(file, &format!("{file}.bin"), bytes(file, 50_000));
        world.add(file).await;
    }
    let mut rows = HashMap::new();
    let mut times = Vec::new();
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), events.next())
            .await
            .expect("in time")
            .expect("open");
        times.push(Instant::now());
        for row in event.changed {
            let before = rows.insert(row.id, row.clone());
            if let Some(before) = before {
                assert!(before.revision < row.revision, "a view went back");
            }
        }
        if event.totals.completed == 30 {
            break;
        }
    }
    assert_eq!(rows.len(), 30);
    assert!(
        rows.values()
            .all(|row| row.state == DownloadState::Completed)
    );
    // Received at most that often, with a little grace for the last hop.
    for pair in times.windows(5) {
        let passed = pair[4] - pair[0];
        assert!(passed >= Duration::from_millis(950), "five in {passed:?}");
    }
    world.manager.shutdown().await;
    assert!(events.next().await.is_none(), "the stream ends");
}

#[tokio::test]
async fn one_download_alone_is_as_fast_as_all_downloads_together() {
    let world = World::new().await;
    world.set(|settings| settings.limit = Some(2_000_000)).await;
    world.fake.offer(7, "seven.bin", bytes(7, 4_000_000));
    let id = world.add(7).await;
    let mut speeds = BTreeSet::new();
    world
        .until_all(|all| {
            let row = find(all, id).expect("the row is there");
            if row.state == DownloadState::Downloading
                && let Some(speed) = row.speed
            {
                assert_eq!(all.totals.speed, speed);
                speeds.insert(speed);
            }
            speeds.len() > 2
        })
        .await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn ten_thousand_rows_are_added_at_once_and_answered_for_at_once() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.set_down(true);
    let items = (0..10_000)
        .map(|file| NewDownload::file(FileId::new(file).expect("small")))
        .collect();
    let began = Instant::now();
    let ids = world.manager.add_all(items).await.expect("added");
    assert_eq!(ids.len(), 10_000);
    let snapshot = world.manager.snapshot().await.expect("open");
    assert_eq!(snapshot.totals.all, 10_000);
    assert_eq!(snapshot.totals.waiting, 10_000);
    assert_eq!(snapshot.downloads.len(), 10_000);
    assert_eq!(snapshot.downloads[0].id, ids[9_999], "newest first");
    assert!(began.elapsed() < Duration::from_secs(20));
    world.manager.shutdown().await;
}
