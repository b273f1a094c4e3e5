//! The list and the settings as a file to carry elsewhere.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use longhaul_client::{
    DownloadSource, DownloadState, DownloadView, MAX_ITEMS, Manager, NewDownload, ServerEdit,
    ServerId, ServerView, Settings,
};
use serde::{Deserialize, Serialize};
use tauri::Manager as _;
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;
use ts_rs::TS;

use super::{Call, CommandError, path_of};
use crate::host::Host;

/// Of the file's shape; a later one is refused.
const VERSION: u32 = 1;
/// A file of 10,000 downloads is about 5 MB.
const LARGEST: u64 = 64 << 20;

/// The list and the settings in one file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Carried {
    version: u32,
    /// The folder of downloads is left out where it is the usual one.
    settings: Settings,
    /// Where downloads went that no rule took elsewhere.
    #[serde(default)]
    folder: String,
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
    /// Folders that cannot be used here: what was to go there goes to the usual one.
    pub(crate) folders_left_out: Vec<String>,
}

/// Saves the list and the settings where the user says; the file's path, or null when they did not.
pub(crate) async fn export(call: &Call<'_>, (): ()) -> Result<Option<String>, CommandError> {
    let (reply, chosen) = oneshot::channel();
    call.app
        .dialog()
        .file()
        .set_title(call.words().save_list)
        .set_file_name("longhaul.json")
        .save_file(move |path| {
            let _ = reply.send(path);
        });
    let Ok(Some(path)) = chosen.await else {
        return Ok(None);
    };
    let path = path_of(path)?;
    let snapshot = call.host.manager.snapshot().await?;
    let settings = call.host.manager.settings().await?;
    let carried = Carried {
        version: VERSION,
        folder: settings.folder.clone(),
        settings: as_set(settings, call.host),
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
        .set_title(call.words().take_list)
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
    let manager = &call.host.manager;
    let unusable = unusable(folders_of(&carried)).await;
    let now = as_set(manager.settings().await?, call.host);
    let settings = settled(carried.settings.clone(), &unusable, now.folder);
    settings
        .check()
        .map_err(|error| failed(error.to_string()))?;
    let there = manager.snapshot().await?;
    let (servers, servers_left_out) = known_here(manager, &carried.servers, &there.servers).await;
    let (items, left_out) = wanted(&carried, &there.downloads, &servers, &unusable);
    let added = u32::try_from(items.len()).unwrap_or(u32::MAX);
    manager.set_settings(settings).await?;
    call.app
        .state::<crate::lifecycle::Lifecycle>()
        .obey(&manager.settings().await?);
    for some in items.chunks(MAX_ITEMS) {
        manager.add_all(some.to_vec()).await?;
    }
    Ok(Some(Imported {
        added,
        left_out,
        servers_left_out,
        folders_left_out: unusable.into_iter().collect(),
    }))
}

/// The settings as the user made them: without the folder that holds where they named none.
fn as_set(mut settings: Settings, host: &Host) -> Settings {
    if Path::new(&settings.folder) == host.places.downloads {
        settings.folder.clear();
    }
    settings
}

/// Every folder that a saved list names, once.
fn folders_of(carried: &Carried) -> BTreeSet<String> {
    let rules = carried.settings.folders.iter().map(|rule| &rule.folder);
    let rows = carried.downloads.iter().filter(|row| !is_over(row));
    std::iter::once(&carried.settings.folder)
        .chain(rules)
        .chain(rows.filter_map(|row| own_folder(row, carried)))
        .filter(|folder| !folder.is_empty())
        .cloned()
        .collect()
}

/// Those of the folders that cannot be on this computer: another system's, another user's.
async fn unusable(mut folders: BTreeSet<String>) -> BTreeSet<String> {
    let looked = tokio::task::spawn_blocking(move || {
        folders.retain(|folder| {
            let path = Path::new(folder);
            !path.is_absolute() || std::fs::create_dir_all(path).is_err()
        });
        folders
    });
    looked.await.unwrap_or_default()
}

/// The settings of a saved list with the folders that can be used here; `folder` is the one that
/// holds now.
fn settled(mut settings: Settings, unusable: &BTreeSet<String>, folder: String) -> Settings {
    if unusable.contains(&settings.folder) {
        settings.folder = folder;
    }
    let rules = &mut settings.folders;
    rules.retain(|rule| !unusable.contains(&rule.folder));
    settings
}

/// The folder that the user named for a row, where it is neither the usual one nor a rule's.
fn own_folder<'a>(row: &'a DownloadView, carried: &Carried) -> Option<&'a String> {
    let mut rules = carried.settings.folders.iter();
    let is_usual = row.folder == carried.folder
        || row.folder == carried.settings.folder
        || rules.any(|rule| rule.folder == row.folder);
    (!is_usual && !row.folder.is_empty()).then_some(&row.folder)
}

const fn is_over(row: &DownloadView) -> bool {
    matches!(
        row.state,
        DownloadState::Completed | DownloadState::Cancelled
    )
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

/// What is still to be downloaded, not in the list, and of a server that is known here, in the order
/// of its queue; and how many are left out.
fn wanted(
    saved: &Carried,
    there: &[DownloadView],
    servers: &HashMap<ServerId, ServerId>,
    unusable: &BTreeSet<String>,
) -> (Vec<NewDownload>, u32) {
    let key = |source: &DownloadSource, server: Option<ServerId>| match source {
        DownloadSource::File { file_id } => (server, file_id.to_string()),
        DownloadSource::Url { url } | DownloadSource::Direct { url } => (server, url.clone()),
    };
    let mut known: HashSet<_> = there
        .iter()
        .map(|row| key(&row.source, row.server))
        .collect();
    let mut rows: Vec<_> = saved.downloads.iter().filter(|row| !is_over(row)).collect();
    rows.sort_by_key(|row| row.place);
    let mut items = Vec::new();
    for row in rows {
        let server = match row.server {
            Some(saved) => match servers.get(&saved) {
                Some(here) => Some(*here),
                None => continue,
            },
            None => None,
        };
        let folder = own_folder(row, saved).filter(|folder| !unusable.contains(*folder));
        let new = NewDownload {
            name: matches!(row.source, DownloadSource::File { .. }).then(|| row.name.clone()),
            folder: folder.map(PathBuf::from),
            sha256: row.wanted_sha256,
            server: server.unwrap_or_default(),
            limit: row.limit,
            paused: row.state == DownloadState::Paused,
            ..NewDownload::of(row.source.clone())
        };
        // A file that somebody has written by hand may hold anything.
        let Ok(new) = new.checked() else { continue };
        if known.insert(key(&new.source, server)) {
            items.push(new);
        }
    }
    let left_out = saved.downloads.len() - items.len();
    (items, u32::try_from(left_out).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use longhaul_client::FolderRule;

    use super::*;
    use crate::notify::a_row as row;

    fn of(url: &str, state: DownloadState) -> DownloadView {
        DownloadView {
            source: DownloadSource::Direct { url: url.into() },
            ..row("a.bin", state)
        }
    }

    fn carried(downloads: Vec<DownloadView>) -> Carried {
        Carried {
            version: VERSION,
            settings: Settings::default(),
            folder: "/home/ada/Downloads".to_owned(),
            servers: Vec::new(),
            downloads,
        }
    }

    fn at(place: u64, url: &str, state: DownloadState) -> DownloadView {
        DownloadView {
            place,
            folder: "/home/ada/Downloads".to_owned(),
            ..of(url, state)
        }
    }

    #[test]
    fn what_is_unfinished_and_not_there_is_wanted_once_and_in_the_order_of_its_queue() {
        let saved = carried(vec![
            at(4, "https://h/4", DownloadState::Paused),
            at(3, "https://h/3", DownloadState::Completed),
            at(6, "https://h/2", DownloadState::Failed),
            at(1, "https://h/1", DownloadState::Queued),
            at(2, "https://h/2", DownloadState::Queued),
            at(5, "https://me:secret@h/5", DownloadState::Queued),
            at(7, "https://h/7", DownloadState::Cancelled),
        ]);
        let there = [of("https://h/1", DownloadState::Completed)];
        let (items, left_out) = wanted(&saved, &there, &HashMap::new(), &BTreeSet::new());
        let of = |url: &str| DownloadSource::Direct { url: url.into() };
        let told: Vec<_> = items
            .iter()
            .map(|item| (item.source.clone(), item.paused))
            .collect();
        assert_eq!(
            told,
            [(of("https://h/2"), false), (of("https://h/4"), true)]
        );
        assert_eq!(left_out, 5);
    }

    #[test]
    fn a_row_keeps_its_limit_and_its_own_folder_where_that_can_be_here() {
        let row = |folder: &str, limit| DownloadView {
            folder: folder.to_owned(),
            limit,
            ..of(&format!("https://h{folder}"), DownloadState::Queued)
        };
        let mut saved = carried(vec![
            row("/home/ada/Downloads", Some(2048)),
            row("/home/ada/Music", None),
            row("/srv/own", None),
            row("D:\\own", None),
        ]);
        saved.settings.folders = vec![FolderRule {
            endings: vec!["mp3".to_owned()],
            folder: "/home/ada/Music".to_owned(),
        }];
        let named = folders_of(&saved);
        assert_eq!(
            named.iter().collect::<Vec<_>>(),
            ["/home/ada/Music", "/srv/own", "D:\\own"]
        );
        let unusable = BTreeSet::from(["D:\\own".to_owned(), "/home/ada/Music".to_owned()]);
        let (items, _) = wanted(&saved, &[], &HashMap::new(), &unusable);
        let folders: Vec<_> = items.iter().map(|item| item.folder.as_deref()).collect();
        assert_eq!(folders, [None, None, Some(Path::new("/srv/own")), None]);
        assert_eq!(items[0].limit, Some(2048));
        let settings = settled(saved.settings, &unusable, "/here".to_owned());
        assert_eq!((settings.folder.as_str(), settings.folders.len()), ("", 0));
    }

    #[tokio::test]
    async fn a_folder_of_another_system_is_not_usable() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("file"), "").expect("written");
        let here = dir.path().join("new/one").display().to_string();
        let file = dir.path().join("file/in").display().to_string();
        let foreign = "relative/one".to_owned();
        let looked = unusable(BTreeSet::from([here, file.clone(), foreign.clone()])).await;
        assert_eq!(looked, BTreeSet::from([file, foreign]));
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
        let saved = carried(vec![row("https://h/2", here), row("https://h/1", away)]);
        let servers = HashMap::from([(away, here)]);
        let (items, left_out) = wanted(&saved, &[], &servers, &BTreeSet::new());
        // The other one's server is not known: it may be another's of the same id.
        assert_eq!((items.len(), left_out), (1, 1));
        assert_eq!(items[0].server, here);
        let there = [row("https://h/1", here)];
        let (items, left_out) = wanted(&saved, &there, &servers, &BTreeSet::new());
        assert_eq!((items.len(), left_out), (0, 2));
    }

    #[test]
    fn a_file_of_another_version_or_of_another_program_is_refused_in_words() {
        let carried = carried(vec![of("https://h/1", DownloadState::Queued)]);
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
