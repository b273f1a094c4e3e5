//! Commands on files: the catalogue's, the finished ones, the folder to put them in.

use longhaul_client::ServerId;
use longhaul_protocol::FilesPage;
use serde::Deserialize;
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;
use ts_rs::TS;

use super::{Call, CommandError, downloads::Ids, path_of};

/// Which page of the catalogue.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct FilesQuery {
    /// Whose; the first server's where null.
    server: Option<ServerId>,
    /// Part of the name; all files where null.
    query: Option<String>,
    /// What the page before gave as `nextCursor`.
    cursor: Option<String>,
    /// The most files that the page shall hold.
    limit: u32,
}

pub(crate) async fn files(call: &Call<'_>, page: FilesQuery) -> Result<FilesPage, CommandError> {
    let query = page.query.unwrap_or_default();
    let cursor = page.cursor.as_deref();
    let (manager, server) = (&call.host.manager, page.server.unwrap_or_default());
    Ok(manager.files(server, &query, cursor, page.limit).await?)
}

pub(crate) async fn open(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    call.host.open(&rows.ids).await
}

pub(crate) async fn show_in_folder(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    call.host.show_in_folder(&rows.ids).await
}

pub(crate) async fn choose_folder(call: &Call<'_>, (): ()) -> Result<Option<String>, CommandError> {
    let settings = call.host.manager.settings().await?;
    let (reply, chosen) = oneshot::channel();
    call.app
        .dialog()
        .file()
        .set_title(call.words().choose_folder)
        .set_directory(settings.folder)
        .pick_folder(move |folder| {
            let _ = reply.send(folder);
        });
    let Ok(Some(folder)) = chosen.await else {
        return Ok(None);
    };
    let folder = path_of(folder)?;
    match folder.into_os_string().into_string() {
        Ok(folder) => Ok(Some(folder)),
        Err(_) => Err(CommandError::new(
            "invalid",
            "the name of that folder is not Unicode; choose another",
        )),
    }
}
