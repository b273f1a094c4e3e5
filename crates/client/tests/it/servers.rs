//! Servers beside the first one: each at its own pace, their tokens in a keyring.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::http::Method;
use longhaul_client::{
    ApiError, DownloadState, Manager, ManagerError, NewDownload, ServerEdit, ServerId, ServerLink,
    Snapshot, Vault, VaultError,
};
use longhaul_protocol::{DownloadId, FileId, Token};

use crate::support::{Fake, World, bytes, options};

/// A keyring that can be locked.
#[derive(Debug, Default)]
struct Ring {
    tokens: Mutex<HashMap<ServerId, Token>>,
    locked: AtomicBool,
}

impl Ring {
    fn open(&self) -> Result<std::sync::MutexGuard<'_, HashMap<ServerId, Token>>, VaultError> {
        match self.locked.load(Ordering::Acquire) {
            true => Err(VaultError("it is locked".to_owned())),
            false => Ok(self.tokens.lock().unwrap()),
        }
    }
}

impl Vault for Ring {
    fn get(&self, server: ServerId) -> Result<Option<Token>, VaultError> {
        Ok(self.open()?.get(&server).cloned())
    }

    fn put(&self, server: ServerId, token: &Token) -> Result<(), VaultError> {
        self.open()?.insert(server, token.clone());
        Ok(())
    }

    fn remove(&self, server: ServerId) -> Result<(), VaultError> {
        self.open()?.remove(&server);
        Ok(())
    }
}

/// A world with a keyring and a second server.
async fn two() -> (World, Fake, Arc<Ring>) {
    let (fake, dir) = (Fake::start().await, tempfile::tempdir().expect("a folder"));
    let ring = Arc::new(Ring::default());
    let manager = with_ring(&fake, dir.path(), &ring).await;
    let world = World { fake, dir, manager };
    (world, Fake::start().await, ring)
}

async fn with_ring(fake: &Fake, dir: &std::path::Path, ring: &Arc<Ring>) -> Manager {
    let mut options = options(fake, dir);
    options.vault = ring.clone();
    Manager::open(options).await.expect("opens")
}

fn edit(fake: &Fake) -> ServerEdit {
    ServerEdit {
        id: None,
        name: "Other".to_owned(),
        address: fake.url().to_string(),
        token: Some(fake.token().expose().to_owned()),
    }
}

async fn add(world: &World, server: ServerId, file: u64) -> DownloadId {
    let new = NewDownload {
        server,
        ..NewDownload::file(FileId::new(file).expect("small"))
    };
    world.manager.add_all(vec![new]).await.expect("added")[0]
}

fn link(all: &Snapshot) -> Option<&ServerLink> {
    all.servers.first().map(|server| &server.link)
}

#[tokio::test]
async fn files_of_two_servers_come_side_by_side() {
    let (world, other, _ring) = two().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    other.offer(7, "other.bin", bytes(2, 1000));
    let server = world.manager.put_server(edit(&other)).await.expect("added");
    let page = world
        .manager
        .files(server, "", None, 10)
        .await
        .expect("files");
    assert_eq!(page.files[0].name, "other.bin");

    let (a, b) = (world.add(7).await, add(&world, server, 7).await);
    let a = world.until_state(a, DownloadState::Completed).await;
    let b = world.until_state(b, DownloadState::Completed).await;
    assert_eq!((a.name.as_str(), a.server), ("seven.bin", None));
    assert_eq!((b.name.as_str(), b.server), ("other.bin", Some(server)));
    world.until_files(&["other.bin", "seven.bin"]).await;
    assert_eq!((world.fake.jobs_made(), other.jobs_made()), (1, 1));
}

#[tokio::test]
async fn one_that_is_away_holds_up_none_of_the_others() {
    let (world, other, _ring) = two().await;
    let server = world.manager.put_server(edit(&other)).await.expect("added");
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    other.offer(8, "eight.bin", bytes(2, 1000));
    other.set_down(true);
    let waits = add(&world, server, 8).await;
    world
        .until_all(|all| matches!(link(all), Some(ServerLink::Offline { .. })))
        .await;
    let goes = world.add(7).await;
    world.until_state(goes, DownloadState::Completed).await;
    assert_eq!(world.row(waits).await.state, DownloadState::Queued);
    let all = world.manager.snapshot().await.unwrap();
    assert_eq!(all.server, ServerLink::Online);
    other.set_down(false);
    world.manager.poke().await;
    world.until_state(waits, DownloadState::Completed).await;
}

#[tokio::test]
async fn a_token_that_is_refused_adds_nothing_and_is_kept_nowhere() {
    let (world, other, ring) = two().await;
    let wrong = ServerEdit {
        token: Some("wrong".to_owned()),
        ..edit(&other)
    };
    let refused = world.manager.put_server(wrong).await;
    assert!(
        matches!(&refused, Err(ManagerError::Server(ApiError::Refused(problem))) if problem.status == 401),
        "{refused:?}"
    );
    let all = world.manager.snapshot().await.unwrap();
    assert!(all.servers.is_empty());
    assert!(ring.tokens.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_outlives_the_program_in_the_keyring_alone() {
    let (mut world, other, ring) = two().await;
    let server = world.manager.put_server(edit(&other)).await.expect("added");
    other.hold_jobs();
    other.offer(7, "seven.bin", bytes(1, 1000));
    let id = add(&world, server, 7).await;
    world.until_state(id, DownloadState::Preparing).await;
    world.manager.shutdown().await;
    let token = other.token().expose().as_bytes().to_owned();
    for entry in walk(&world.dir.path().join("list")) {
        let text = std::fs::read(&entry).unwrap();
        assert!(
            !text.windows(token.len()).any(|part| part == token),
            "the token is in {}",
            entry.display()
        );
    }

    // The keyring is locked at the next start: what needs it waits, and fails not.
    ring.locked.store(true, Ordering::Release);
    let calls = other.calls(&Method::GET, "/v1/jobs").len();
    world.manager = with_ring(&world.fake, world.dir.path(), &ring).await;
    world
        .until_all(|all| {
            matches!(link(all), Some(ServerLink::Offline { reason, .. }) if reason.contains("locked"))
        })
        .await;
    assert_eq!(other.calls(&Method::GET, "/v1/jobs").len(), calls);
    assert_eq!(world.row(id).await.state, DownloadState::Preparing);
    ring.locked.store(false, Ordering::Release);
    other.complete_all();
    world.manager.poke().await;
    world.until_state(id, DownloadState::Completed).await;
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test]
async fn a_server_with_unfinished_downloads_stays_and_one_without_goes_with_its_token() {
    let (world, other, ring) = two().await;
    let server = world.manager.put_server(edit(&other)).await.expect("added");
    other.hold_jobs();
    other.offer(7, "seven.bin", bytes(1, 1000));
    let id = add(&world, server, 7).await;
    world.until_state(id, DownloadState::Preparing).await;
    let kept = world.manager.remove_server(server).await;
    assert!(
        matches!(&kept, Err(ManagerError::Invalid(why)) if why.contains("1 unfinished")),
        "{kept:?}"
    );
    world.manager.cancel(id).await.expect("cancelled");
    world.manager.remove_server(server).await.expect("removed");
    assert!(ring.tokens.lock().unwrap().is_empty());
    assert!(world.manager.snapshot().await.unwrap().servers.is_empty());
    // Its rows stay, and say why they cannot go on.
    let refused = world.manager.retry(id).await;
    assert!(
        matches!(&refused, Err(ManagerError::Invalid(why)) if why.contains("removed")),
        "{refused:?}"
    );
    assert_eq!(world.row(id).await.state, DownloadState::Cancelled);
}

#[tokio::test]
async fn a_server_that_moves_keeps_its_downloads_and_its_token() {
    let (world, other, _ring) = two().await;
    other.offer(7, "seven.bin", bytes(1, 1000));
    let nowhere = ServerEdit {
        // Nobody listens on the discard port.
        address: "http://127.0.0.1:9/".to_owned(),
        ..edit(&other)
    };
    let server = world
        .manager
        .put_server(nowhere)
        .await
        .expect("added all the same");
    let id = add(&world, server, 7).await;
    world
        .until_all(|all| matches!(link(all), Some(ServerLink::Offline { .. })))
        .await;
    let moved = ServerEdit {
        id: Some(server),
        token: None,
        ..edit(&other)
    };
    assert_eq!(
        world.manager.put_server(moved).await.expect("moved"),
        server
    );
    world.until_state(id, DownloadState::Completed).await;
}

#[tokio::test]
async fn a_keyring_that_takes_nothing_is_told() {
    let (world, other, ring) = two().await;
    ring.locked.store(true, Ordering::Release);
    other.offer(7, "seven.bin", bytes(1, 1000));
    let server = world.manager.put_server(edit(&other)).await.expect("added");
    let id = add(&world, server, 7).await;
    world.until_state(id, DownloadState::Completed).await;
    let notices = world.manager.snapshot().await.unwrap().notices;
    assert!(notices.iter().any(|notice| notice.code == "token_not_kept"));
}
