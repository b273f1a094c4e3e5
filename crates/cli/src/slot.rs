//! Where one `get` keeps its state: found again by server, folder and file, gone when all is done.
//!
//! Several `get`s may work for one folder at the same time, each with a slot of its own. What a
//! slot is for is written beside its list, so that a run that follows a kill finds the one that
//! holds its files. Slots are chosen and cleared under one lock, so that none is cleared while
//! another run takes it.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use longhaul_client::{DownloadSource, ListError, Manager, ManagerError, Options};
use serde::{Deserialize, Serialize};

use crate::{outcome::Stop, place::Place};

/// So many `get`s at once for one folder and server.
const MOST: usize = 256;

/// What a slot is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Purpose {
    server: String,
    folder: PathBuf,
    items: Vec<DownloadSource>,
}

/// A slot with its list open.
pub(crate) struct Slot {
    root: PathBuf,
    dir: PathBuf,
    pub(crate) manager: Manager,
}

impl Slot {
    /// The slot of an earlier run for any of these items, else a free one.
    pub(crate) async fn take(
        place: &Place,
        folder: &Path,
        items: &[DownloadSource],
    ) -> Result<Self, Stop> {
        let root = place.state.join("get");
        fs::create_dir_all(&root).map_err(|error| unusable(&root, &error))?;
        let wanted = Purpose {
            server: place.server.base_url.to_string(),
            folder: folder.to_owned(),
            items: items.to_vec(),
        };
        let lock = lock(&root).await?;
        for dir in candidates(&root, &wanted) {
            fs::create_dir_all(&dir).map_err(|error| unusable(&dir, &error))?;
            let mut options =
                Options::new(dir.join("list"), place.server.clone(), folder.to_owned());
            // What an earlier run left and this one does not ask for stays as it is.
            options.hold = true;
            let manager = match Manager::open(options).await {
                Ok(manager) => manager,
                Err(ManagerError::List(ListError::InUse { .. })) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut purpose = wanted.clone();
            if let Some(before) = purpose_of(&dir) {
                purpose.items.extend(before.items);
                purpose.items.dedup();
            }
            let text = serde_json::to_vec(&purpose).unwrap_or_default();
            fs::write(dir.join("purpose.json"), text).map_err(|error| unusable(&dir, &error))?;
            drop(lock);
            return Ok(Self { root, dir, manager });
        }
        Err(Stop::failed(format!(
            "{MOST} runs of longhaul already work for {}; wait for one to end",
            folder.display()
        )))
    }

    /// Closes the list; with nothing left on it, the slot goes.
    pub(crate) async fn close(self, done: bool) -> Result<(), Stop> {
        let lock = if done {
            Some(lock(&self.root).await?)
        } else {
            None
        };
        self.manager.shutdown().await;
        if done {
            let _ = fs::remove_dir_all(&self.dir);
        }
        drop(lock);
        Ok(())
    }
}

/// Slots of this server and folder: those with one of the items first, then all others in order,
/// new ones last.
fn candidates(root: &Path, wanted: &Purpose) -> Vec<PathBuf> {
    let key = key_of(wanted);
    let (mut with_items, mut others) = (Vec::new(), Vec::new());
    for number in 0..MOST {
        let dir = root.join(format!("{key:016x}-{number}"));
        let exists = dir.exists();
        match purpose_of(&dir) {
            Some(purpose)
                if (&purpose.server, &purpose.folder) != (&wanted.server, &wanted.folder) =>
            {
                // Another pair with the same key: not ours to touch.
            }
            Some(purpose) if purpose.items.iter().any(|item| wanted.items.contains(item)) => {
                with_items.push(dir);
            }
            _ => others.push(dir),
        }
        // One that is not there yet is free; more of them are not needed but for a race that the
        // lock excludes.
        if !exists {
            break;
        }
    }
    with_items.append(&mut others);
    with_items
}

fn purpose_of(dir: &Path) -> Option<Purpose> {
    serde_json::from_slice(&fs::read(dir.join("purpose.json")).ok()?).ok()
}

fn key_of(wanted: &Purpose) -> u64 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
    digest.update(wanted.server.as_bytes());
    digest.update(&[0]);
    digest.update(wanted.folder.as_os_str().as_encoded_bytes());
    digest.finalize()
}

/// Waits for its turn; others hold it for as long as it takes to open a list.
async fn lock(root: &Path) -> Result<File, Stop> {
    let path = root.join("lock");
    let taken = tokio::task::spawn_blocking(move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.lock()?;
        Ok(file)
    })
    .await;
    match taken {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => Err(unusable(root, &error)),
        Err(_) => Err(Stop::failed("the state folder could not be locked")),
    }
}

fn unusable(dir: &Path, error: &std::io::Error) -> Stop {
    Stop::failed(format!(
        "the state folder {} cannot be used: {error}. Name another with --state-dir.",
        dir.display()
    ))
}
