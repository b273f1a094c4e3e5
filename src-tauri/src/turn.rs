//! One run at a time works with a data folder: who is started while another ends waits until it has.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::timeout};

use crate::lifecycle::QUIT;

const NAME: &str = "running.lock";
/// Longer than the other may take; then it is none that ends, and what it holds says so.
const PATIENCE: Duration = QUIT.saturating_add(Duration::from_secs(4));

/// Held while the run works with the folder; the system lets go of it with the process.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
}

impl Turn {
    /// Waits for it; none where it does not come, or this file system has no locks.
    pub(crate) async fn come(folder: &Path) -> Option<Self> {
        Self::within(PATIENCE, folder.join(NAME)).await
    }

    async fn within(patience: Duration, path: PathBuf) -> Option<Self> {
        let locked = spawn_blocking(move || locked(&path));
        let why = match timeout(patience, locked).await {
            Ok(Ok(Ok(lock))) => return Some(Self { _lock: lock }),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "another run has it, and does not end".to_owned(),
        };
        tracing::warn!(why, "the data folder is not held");
        None
    }
}

/// Blocks until nobody else has it.
fn locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_run_waits_until_the_last_has_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Turn::come(folder.path()).await.expect("nobody has it");
        let path = folder.path().join(NAME);
        let mut second = Box::pin(Turn::within(Duration::from_hours(1), path.clone()));
        let soon = Duration::from_millis(100);
        assert!(timeout(soon, &mut second).await.is_err(), "both have it");
        drop(first);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn one_that_does_not_go_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Turn::come(folder.path()).await.expect("nobody has it");
        let path = folder.path().join(NAME);
        let second = Turn::within(Duration::from_millis(50), path).await;
        assert!(second.is_none());
        // The one that waited is let go of with the file.
        drop(first);
    }
}
