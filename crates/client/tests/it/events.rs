//! What is told, how often, and what is never told.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use longhaul_client::{DownloadState, NewDownload};
use longhaul_protocol::{FaultCode, FileId};
use tokio::time::Instant;

use crate::support::{
    World, bytes,
    fake::{SIGNATURE, TOKEN},
};

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

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_and_no_signature_is_ever_logged_shown_or_kept() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // One runtime thread: everything of this test logs here, and nothing of another test.
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 200_000));
    let id = world.add(7).await;
    world.until_state(id, DownloadState::Completed).await;
    world.fake.hold_jobs();
    let failed = world.add(7).await;
    let job = world
        .until_state(failed, DownloadState::Preparing)
        .await
        .job_id
        .expect("a job");
    world.fake.fail_job(job, FaultCode::Internal, "broken");
    world.until_state(failed, DownloadState::Failed).await;
    let away = world.add(7).await;
    world.fake.set_down(true);
    world.until(away, |_| true).await;
    let shown = format!("{:?}", world.manager.snapshot().await.expect("open"));
    let manager = format!("{:?}", world.manager);
    world.manager.shutdown().await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("download moved on"), "the log is heard");
    let mut kept = Vec::new();
    for entry in walk(&world.dir.path().join("list")) {
        kept.extend(std::fs::read(entry).expect("readable"));
    }
    let kept = String::from_utf8_lossy(&kept).into_owned();
    for (place, text) in [
        ("log", &log),
        ("view", &shown),
        ("debug", &manager),
        ("disk", &kept),
    ] {
        assert!(!text.contains(TOKEN), "the token is in the {place}");
        assert!(!text.contains(SIGNATURE), "a signature is in the {place}");
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
