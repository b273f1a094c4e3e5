//! No token and no signed link is told to anybody. A program of its own: it listens to every log line
//! of its process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use longhaul_client::DownloadState;
use longhaul_protocol::FaultCode;

#[allow(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "../it/support/mod.rs"]
mod support;

use support::{
    World, bytes,
    fake::{SIGNATURE, TOKEN},
};

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
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
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
