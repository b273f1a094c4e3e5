//! A manager, a fake server and a folder: what each test begins with.

pub(crate) mod fake;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use longhaul_client::{
    DownloadState, DownloadView, Manager, NewDownload, Options, Server, Settings, Snapshot,
};
use longhaul_protocol::{DownloadId, FileId};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tokio::time::Instant;

pub(crate) use fake::Fake;

/// Nothing in these tests takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(30);
pub(crate) const INTERVAL: Duration = Duration::from_millis(40);

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) dir: TempDir,
    pub(crate) manager: Manager,
}

/// Bytes that no test could make up by chance.
pub(crate) fn bytes(seed: u64, size: usize) -> Vec<u8> {
    let mut content = vec![0; size];
    StdRng::seed_from_u64(seed).fill(&mut content[..]);
    content
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Fake::start().await).await
    }

    pub(crate) async fn with(fake: Fake) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let manager = open(&fake, dir.path()).await;
        Self { fake, dir, manager }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    pub(crate) async fn add(&self, file: u64) -> DownloadId {
        let new = NewDownload::file(FileId::new(file).expect("small"));
        self.manager.add_all(vec![new]).await.expect("added")[0]
    }

    /// A URL of the fake's, which this machine pulls by itself.
    pub(crate) async fn add_direct(&self, file: u64) -> DownloadId {
        let url = self
            .fake
            .url()
            .join(&format!("plain/{file}"))
            .expect("a URL");
        let new = NewDownload::direct(url.into());
        self.manager.add_all(vec![new]).await.expect("added")[0]
    }

    /// The same world, in which a removal can be undone for so long.
    pub(crate) async fn with_undo(undo: Duration) -> Self {
        let (fake, dir) = (Fake::start().await, tempfile::tempdir().expect("a folder"));
        let mut options = options(&fake, dir.path());
        options.undo = undo;
        let manager = Manager::open(options).await.expect("opens");
        Self { fake, dir, manager }
    }

    /// Shuts down and opens again on the same list.
    pub(crate) async fn restart(&mut self) {
        self.manager.shutdown().await;
        self.manager = open(&self.fake, self.dir.path()).await;
    }

    pub(crate) async fn row(&self, id: DownloadId) -> DownloadView {
        let snapshot = self.manager.snapshot().await.expect("open");
        find(&snapshot, id).expect("the row is there")
    }

    /// Waits until the row is as it should be.
    pub(crate) async fn until(
        &self,
        id: DownloadId,
        mut hoped: impl FnMut(&DownloadView) -> bool,
    ) -> DownloadView {
        let mut found = None;
        self.until_all(|snapshot| {
            found = find(snapshot, id);
            found.as_ref().is_some_and(&mut hoped)
        })
        .await;
        found.expect("the condition saw it")
    }

    pub(crate) async fn until_state(&self, id: DownloadId, state: DownloadState) -> DownloadView {
        self.until(id, |row| row.state == state).await
    }

    /// Waits until more than so many bytes are on the disk.
    pub(crate) async fn until_pulled(&self, id: DownloadId, beyond: usize) {
        self.until(id, |row| {
            let pulled = row.pulled.as_ref();
            pulled.is_some_and(|pulled| pulled.done > beyond as u64)
        })
        .await;
    }

    pub(crate) async fn until_all(&self, mut hoped: impl FnMut(&Snapshot) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let snapshot = self.manager.snapshot().await.expect("open");
            if hoped(&snapshot) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "not reached; it is {snapshot:#?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.manager.settings().await.expect("open");
        change(&mut settings);
        self.manager.set_settings(settings).await.expect("set");
    }

    /// The names in the download folder.
    pub(crate) fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) async fn until_files(&self, wanted: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        while self.files() != wanted {
            assert!(Instant::now() < deadline, "there are {:?}", self.files());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Waits until something about the fake is so.
pub(crate) async fn eventually(what: &str, mut hoped: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !hoped() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn options(fake: &Fake, dir: &Path) -> Options {
    let server = Server {
        base_url: fake.url(),
        token: Some(fake.token()),
    };
    let mut options = Options::new(dir.join("list"), server, dir.join("files"));
    options.poll_interval = INTERVAL;
    options
}

pub(crate) async fn open(fake: &Fake, dir: &Path) -> Manager {
    Manager::open(options(fake, dir)).await.expect("opens")
}

pub(crate) fn find(snapshot: &Snapshot, id: DownloadId) -> Option<DownloadView> {
    snapshot.downloads.iter().find(|row| row.id == id).cloned()
}
