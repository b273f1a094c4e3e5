//! URLs that this machine pulls by itself.

use axum::http::Method;
use longhaul_client::{AddItem, AddRequest, DownloadSource, DownloadState, Via};

use crate::support::{World, bytes, eventually};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_url_is_pulled_without_any_server_and_says_that_nothing_proved_it() {
    let world = World::new().await;
    world.fake.set_down(true);
    world.fake.offer(7, "seven.bin", bytes(1, 2 * MIB));
    let id = world.add_direct(7).await;
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!((row.name.as_str(), row.proven), ("seven.bin", false));
    assert_eq!(row.job_id, None);
    assert_eq!(std::fs::read(row.path.unwrap()).unwrap(), bytes(1, 2 * MIB));
    assert!(world.fake.calls(&Method::POST, "/v1/jobs").is_empty());
    world.manager.shutdown().await;
    #[cfg(target_os = "linux")]
    {
        let file = world.folder().join("seven.bin");
        let probe = xattr::set(&file, "user.longhaul.probe", b"1");
        let origin = xattr::get(&file, "user.xdg.origin.url").expect("reads");
        let url = world.fake.url().join("plain/7").expect("a URL");
        // Not every file system keeps such marks.
        let wanted = probe.is_ok().then(|| url.as_str().as_bytes().to_vec());
        assert_eq!(origin, wanted);
    }
}

#[tokio::test]
async fn it_goes_on_after_a_pause_and_after_a_restart() {
    let mut world = World::new().await;
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.gate(1_500_000);
    let id = world.add_direct(7).await;
    let begun = |row: &longhaul_client::DownloadView| {
        row.pulled
            .as_ref()
            .is_some_and(|pulled| pulled.done > MIB as u64)
    };
    world.until(id, begun).await;
    world.manager.pause(id).await.expect("paused");
    world.manager.resume(id).await.expect("resumed");
    world.until_state(id, DownloadState::Downloading).await;
    world.restart().await;
    world.fake.gate(u64::MAX);
    let row = world.until_state(id, DownloadState::Completed).await;
    let fetched = row.pulled.expect("pulled").fetched;
    assert!(fetched < 6 * MIB as u64, "fetched {fetched}");
    assert_eq!(std::fs::read(row.path.unwrap()).unwrap(), bytes(1, 4 * MIB));
    world.until_files(&["seven.bin"]).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn one_that_is_not_there_fails_and_can_be_tried_again() {
    let world = World::new().await;
    let id = world.add_direct(7).await;
    let row = world.until_state(id, DownloadState::Failed).await;
    assert_eq!(row.fault.expect("a fault").code, "not_found");
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.manager.retry(id).await.expect("tried again");
    world.until_state(id, DownloadState::Completed).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn the_settings_say_who_fetches_unless_the_addition_does() {
    let world = World::new().await;
    world.fake.hold_jobs();
    let sources = async |via| {
        let url = "https://example.invalid/a".to_owned();
        let request = AddRequest {
            items: vec![AddItem::Url {
                url,
                via,
                sha256: None,
            }],
            server: None,
            folder: None,
        };
        let ids = world.manager.add(request).await.expect("added").ids;
        let source = world.row(ids[0]).await.source;
        world.manager.cancel(ids[0]).await.ok();
        source
    };
    let is_direct = |source: &DownloadSource| matches!(source, DownloadSource::Direct { .. });
    assert!(is_direct(&sources(None).await));
    assert!(!is_direct(&sources(Some(Via::Server)).await));
    world.set(|settings| settings.urls = Via::Server).await;
    assert!(!is_direct(&sources(None).await));
    assert!(is_direct(&sources(Some(Via::Direct)).await));
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_limit_of_one_download_holds_at_once_and_survives_a_restart() {
    let mut world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 8 * MIB));
    world.fake.gate(2_000_000);
    let id = world.add_direct(7).await;
    world.until_pulled(id, MIB).await;
    world
        .manager
        .limit(vec![id], Some(1024))
        .await
        .expect("limited");
    assert!(world.manager.limit(vec![id], Some(1)).await.is_err());
    world.fake.gate(u64::MAX);
    // At 1 KiB/s the rest would take an hour: only lifting the limit lets it end.
    assert_eq!(world.row(id).await.limit, Some(1024));
    world.restart().await;
    assert_eq!(world.row(id).await.limit, Some(1024));
    world.until_state(id, DownloadState::Downloading).await;
    world.manager.limit(vec![id], None).await.expect("lifted");
    world.until_state(id, DownloadState::Completed).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn a_removed_url_leaves_nothing() {
    let world = World::new().await;
    world.set(|settings| settings.connections = 1).await;
    world.fake.offer(7, "seven.bin", bytes(1, 4 * MIB));
    world.fake.gate(1_500_000);
    let id = world.add_direct(7).await;
    eventually("it has begun", || !world.files().is_empty()).await;
    world.manager.remove(id, false).await.expect("removed");
    world.until_files(&[]).await;
    world.manager.shutdown().await;
}
