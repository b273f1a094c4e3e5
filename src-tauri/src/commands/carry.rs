//! The list and the settings as a file to carry elsewhere.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use longhaul_client::{
    AddItem, AddRequest, DownloadSource, DownloadState, DownloadView, Manager, ServerEdit,
    ServerId, ServerView, Settings, Via,
};
use serde::{Deserialize, Serialize};
use tauri::Manager as _;
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;
use ts_rs::TS;

use super::{Call, CommandError};
use crate::{language::Words, look::Look};

/// Of the file's shape; a later one is refused.
const VERSION: u32 = 1;
/// A file of 10,000 downloads is about 5 MB.
const LARGEST: u64 = 64 << 20;

/// The list and the settings in one file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Carried {
    version: u32,
    settings: Settings,
    /// The added servers, without their tokens: those stay in the keyring.
    #[serde(default)]
    servers: Vec<CarriedServer>,
    downloads: Vec<DownloadView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CarriedServer {
    id: ServerId,
    name: String,
    address: String,
}

/// What became of an import.
#[derive(Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct Imported {
    /// Downloads that were added: those that had not been completed and are not in the list.
    pub(crate) added: u32,
    /// Downloads that were left out.
    pub(crate) left_out: u32,
    /// Servers that could not be added, because they want their token, for one.
    pub(crate) servers_left_out: Vec<String>,
}

/// Saves the list and the settings where the user says; the file's path, or null when they did not.
pub(crate) async fn export(call: &Call<'_>, (): ()) -> Result<Option<String>, CommandError> {
    let (reply, chosen) = oneshot::channel();
    call.app
        .dialog()
        .file()
        .set_title(words(call).save_list)
        .set_file_name("longhaul.json")
        .save_file(move |path| {
            let _ = reply.send(path);
        });
    let Ok(Some(path)) = chosen.await else {
        return Ok(None);
    };
    let path = path_of(path)?;
    let snapshot = call.host.manager.snapshot().await?;
    let carried = Carried {
        version: VERSION,
        settings: call.host.manager.settings().await?,
        servers: snapshot.servers.iter().map(carried_of).collect(),
        downloads: snapshot.downloads,
    };
    let text = serde_json::to_vec_pretty(&carried)
        .map_err(|error| CommandError::new("export_failed", error.to_string()))?;
    tokio::fs::write(&path, text).await.map_err(|error| {
        CommandError::new(
            "export_failed",
            format!("{} could not be written: {error}", path.display()),
        )
    })?;
    Ok(Some(path.display().to_string()))
}

/// Takes a saved file in: its settings hold, and what it had not completed is downloaded; null when
/// the user chose none.
pub(crate) async fn import(call: &Call<'_>, (): ()) -> Result<Option<Imported>, CommandError> {
    let (reply, chosen) = oneshot::channel();
    call.app
        .dialog()
        .file()
        .set_title(words(call).take_list)
        .add_filter("Longhaul", &["json"])
        .pick_file(move |path| {
            let _ = reply.send(path);
        });
    let Ok(Some(path)) = chosen.await else {
        return Ok(None);
    };
    let path = path_of(path)?;
    let failed = |why: String| {
        CommandError::new(
            "import_failed",
            format!("{}: {why}. Nothing was changed.", path.display()),
        )
    };
    let size = tokio::fs::metadata(&path)
        .await
        .map_err(|error| failed(error.to_string()))?
        .len();
    if size > LARGEST {
        return Err(failed("it is too large for a list".to_owned()));
    }
    let text = tokio::fs::read(&path)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let carried = read(&text).map_err(failed)?;
    let there = call.host.manager.snapshot().await?;
    let (servers, servers_left_out) =
        known_here(&call.host.manager, &carried.servers, &there.servers).await;
    let (items, left_out) = wanted(&carried.downloads, &there.downloads, &servers);
    let added = items.values().map(Vec::len).sum::<usize>();
    let added = u32::try_from(added).unwrap_or(u32::MAX);
    call.host.manager.set_settings(carried.settings).await?;
    call.app
        .state::<crate::lifecycle::Lifecycle>()
        .obey(&call.host.manager.settings().await?);
    for (server, items) in items {
        let request = AddRequest {
            items,
            server,
            folder: None,
        };
        call.host.manager.add(request).await?;
    }
    Ok(Some(Imported {
        added,
        left_out,
        servers_left_out,
    }))
}

fn carried_of(server: &ServerView) -> CarriedServer {
    CarriedServer {
        id: server.id,
        name: server.name.clone(),
        address: server.address.clone(),
    }
}

/// Which server of this list each server of a saved one is; those that are not here are added, as
/// far as they let us in without a token.
async fn known_here(
    manager: &Manager,
    saved: &[CarriedServer],
    there: &[ServerView],
) -> (HashMap<ServerId, ServerId>, Vec<String>) {
    let mut known: HashMap<_, _> = there.iter().map(|server| (server.id, server.id)).collect();
    let mut left_out = Vec::new();
    for server in saved {
        if known.contains_key(&server.id) {
            continue;
        }
        let same = there.iter().find(|here| here.address == server.address);
        let id = match same {
            Some(here) => Ok(here.id),
            None => {
                let edit = ServerEdit {
                    id: None,
                    name: server.name.clone(),
                    address: server.address.clone(),
                    token: None,
                };
                manager.put_server(edit).await
            }
        };
        match id {
            Ok(id) => {
                known.insert(server.id, id);
            }
            Err(error) => {
                tracing::info!(%error, "a saved server was not added");
                left_out.push(server.name.clone());
            }
        }
    }
    (known, left_out)
}

fn words(call: &Call<'_>) -> &'static Words {
    let language = *call.app.state::<Look>().language().borrow();
    language.words()
}

fn path_of(path: tauri_plugin_dialog::FilePath) -> Result<PathBuf, CommandError> {
    path.into_path()
        .map_err(|error| CommandError::new("invalid", error.to_string()))
}

fn read(text: &[u8]) -> Result<Carried, String> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let head: Head = serde_json::from_slice(text)
        .map_err(|_| "it is no list that Longhaul has saved".to_owned())?;
    if head.version != VERSION {
        return Err(format!(
            "it is of version {}, and this Longhaul reads {VERSION}",
            head.version
        ));
    }
    serde_json::from_slice(text).map_err(|error| format!("it is damaged ({error})"))
}

/// Of each server.
type Wanted = BTreeMap<Option<ServerId>, Vec<AddItem>>;

/// What is still to be downloaded, not in the list, and of a server that is known here; and how many
/// are left out.
fn wanted(
    saved: &[DownloadView],
    there: &[DownloadView],
    servers: &HashMap<ServerId, ServerId>,
) -> (Wanted, u32) {
    let key = |row: &DownloadView, server: Option<ServerId>| match &row.source {
        DownloadSource::File { file_id } => (server, file_id.to_string()),
        DownloadSource::Url { url } | DownloadSource::Direct { url } => (server, url.clone()),
    };
    let mut known: HashSet<_> = there.iter().map(|row| key(row, row.server)).collect();
    let mut items = Wanted::new();
    for row in saved.iter().rev() {
        let over = matches!(
            row.state,
            DownloadState::Completed | DownloadState::Cancelled
        );
        let server = match row.server {
            Some(saved) => match servers.get(&saved) {
                Some(here) => Some(*here),
                None => continue,
            },
            None => None,
        };
        if over || !known.insert(key(row, server)) {
            continue;
        }
        items
            .entry(server)
            .or_default()
            .push(match row.source.clone() {
                DownloadSource::File { file_id } => AddItem::File {
                    file_id,
                    name: Some(row.name.clone()),
                    sha256: row.wanted_sha256,
                },
                DownloadSource::Url { url } => AddItem::Url {
                    url,
                    via: Some(Via::Server),
                    sha256: row.wanted_sha256,
                },
                DownloadSource::Direct { url } => AddItem::Url {
                    url,
                    via: Some(Via::Direct),
                    sha256: row.wanted_sha256,
                },
            });
    }
    let left_out = saved.len() - items.values().map(Vec::len).sum::<usize>();
    (items, u32::try_from(left_out).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::a_row as row;

    fn of(url: &str, state: DownloadState) -> DownloadView {
        DownloadView {
            source: DownloadSource::Direct { url: url.into() },
            ..row("a.bin", state)
        }
    }

    #[test]
    fn what_is_unfinished_and_not_there_is_wanted_once_and_in_its_order() {
        let saved = [
            of("https://h/4", DownloadState::Paused),
            of("https://h/3", DownloadState::Completed),
            of("https://h/2", DownloadState::Failed),
            of("https://h/1", DownloadState::Queued),
            of("https://h/2", DownloadState::Queued),
        ];
        let there = [of("https://h/1", DownloadState::Completed)];
        let (items, left_out) = wanted(&saved, &there, &HashMap::new());
        let urls: Vec<_> = items[&None]
            .iter()
            .map(|item| match item {
                AddItem::Url { url, via, .. } => (url.as_str(), *via),
                AddItem::File { .. } => ("", None),
            })
            .collect();
        let direct = Some(Via::Direct);
        assert_eq!(urls, [("https://h/2", direct), ("https://h/4", direct)]);
        assert_eq!(left_out, 3);
    }

    #[test]
    fn downloads_of_an_added_server_go_to_the_one_that_it_is_here() {
        let id = |text: &str| -> ServerId { serde_json::from_str(text).expect("an id") };
        let away = id("\"00000000-0000-4000-8000-000000000001\"");
        let here = id("\"00000000-0000-4000-8000-000000000002\"");
        let row = |url, server| DownloadView {
            server: Some(server),
            ..of(url, DownloadState::Queued)
        };
        let saved = [row("https://h/2", here), row("https://h/1", away)];
        let (items, left_out) = wanted(&saved, &[], &HashMap::from([(away, here)]));
        // The other one's server is not known: it may be another's of the same id.
        assert_eq!((items[&Some(here)].len(), left_out), (1, 1));
        let there = [row("https://h/1", here)];
        let (items, left_out) = wanted(&saved, &there, &HashMap::from([(away, here)]));
        assert_eq!((items.len(), left_out), (0, 2));
    }

    #[test]
    fn a_file_of_another_version_or_of_another_program_is_refused_in_words() {
        let carried = Carried {
            version: VERSION,
            settings: Settings::default(),
            servers: Vec::new(),
            downloads: vec![of("https://h/1", DownloadState::Queued)],
        };
        let text = serde_json::to_string(&carried).expect("text");
        assert_eq!(read(text.as_bytes()).expect("reads").downloads.len(), 1);
        let later = text.replace("\"version\":1", "\"version\":2");
        let said = read(later.as_bytes()).expect_err("refused");
        assert!(said.contains("version 2"), "{said}");
        for foreign in ["", "{}", "[1]", "{\"version\":1}"] {
            assert!(read(foreign.as_bytes()).is_err(), "{foreign}");
        }
    }
}
