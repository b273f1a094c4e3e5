//! Opening finished files. Their paths come from the list alone: a page or a notification names
//! rows, never paths.

use std::path::PathBuf;

use longhaul_client::{Action, DownloadView};
use longhaul_protocol::DownloadId;

use crate::{commands::CommandError, host::Host};

/// Opening more at once is a slip of the hand, and each may start a program.
const MAX_OPENED: usize = 20;

impl Host {
    /// Opens finished files with the system's own programs.
    ///
    /// # Errors
    /// As `Host::finished`, or when the system has no program for one.
    pub(crate) async fn open(&self, ids: &[DownloadId]) -> Result<(), CommandError> {
        if ids.len() > MAX_OPENED {
            return Err(CommandError::new(
                "too_many",
                format!(
                    "{} files are too many to open at once; {MAX_OPENED} are not",
                    ids.len()
                ),
            ));
        }
        let paths = self.finished(ids, Action::Open).await?;
        outside(move || {
            paths
                .iter()
                .try_for_each(|path| tauri_plugin_opener::open_path(path, None::<&str>))
        })
        .await
    }

    /// Shows finished files in the system's file manager.
    ///
    /// # Errors
    /// As `Host::finished`, or when there is no file manager.
    pub(crate) async fn show_in_folder(&self, ids: &[DownloadId]) -> Result<(), CommandError> {
        let paths = self.finished(ids, Action::ShowInFolder).await?;
        outside(move || {
            tauri_plugin_opener::reveal_items_in_dir(&paths).or_else(|error| {
                // No file manager that can point at a file: its folder, then.
                match paths.first().and_then(|path| path.parent()) {
                    Some(folder) => tauri_plugin_opener::open_path(folder, None::<&str>),
                    None => Err(error),
                }
            })
        })
        .await
    }

    /// The paths of finished files, which only the list knows: a page names rows.
    ///
    /// # Errors
    /// When a row is not there, its state does not allow the action, or its file has gone.
    async fn finished(
        &self,
        ids: &[DownloadId],
        action: Action,
    ) -> Result<Vec<PathBuf>, CommandError> {
        let list = self.manager.snapshot().await?.downloads;
        let mut paths = Vec::with_capacity(ids.len());
        for id in ids {
            let row = list
                .iter()
                .find(|row| row.id == *id)
                .ok_or_else(|| CommandError::unknown(*id))?;
            paths.push(file_of(row, action).await?);
        }
        Ok(paths)
    }
}

async fn file_of(row: &DownloadView, action: Action) -> Result<PathBuf, CommandError> {
    let path = row
        .path
        .as_ref()
        .filter(|_| row.can.contains(&action))
        .map(PathBuf::from)
        .ok_or_else(|| {
            CommandError::new(
                "not_now",
                format!(
                    "“{}” is not finished: there is no file to open yet",
                    row.name
                ),
            )
        })?;
    if tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return Ok(path);
    }
    Err(CommandError::new(
        "file_gone",
        format!(
            "“{}” is no longer in {}: it was moved or deleted after it was finished",
            row.name, row.folder
        ),
    ))
}

/// Asks another program for something, away from the runtime's threads.
async fn outside(
    ask: impl FnOnce() -> Result<(), tauri_plugin_opener::Error> + Send + 'static,
) -> Result<(), CommandError> {
    tokio::task::spawn_blocking(ask)
        .await
        .map_err(|error| error.to_string())
        .and_then(|done| done.map_err(|error| error.to_string()))
        .map_err(|why| {
            CommandError::new(
                "cannot_open",
                format!("the system could not open it ({why}); the file itself is complete"),
            )
        })
}
