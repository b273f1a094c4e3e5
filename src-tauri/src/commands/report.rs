//! What a report of a fault needs.

use std::sync::{Mutex, PoisonError};

use arboard::Clipboard;
use longhaul_client::{DownloadSource, ServerLink, Settings, Snapshot};
use tauri::Manager as _;
use url::Url;

use super::{Call, CommandError, redact::Known};
use crate::{host::Host, logs};

/// What was copied from here. On X11 it is on the clipboard only for as long as somebody holds it.
#[derive(Default)]
pub(crate) struct Copied(Mutex<Option<Clipboard>>);

impl Copied {
    /// Blocks.
    fn put(&self, text: String) -> Result<(), arboard::Error> {
        // The last one may belong to a display that has gone.
        let mut clipboard = Clipboard::new()?;
        clipboard.set_text(text)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(clipboard);
        Ok(())
    }
}

/// What a report of a fault needs: versions, settings, sums and the end of the log. No token, no
/// link, no file's name and no folder is in it.
pub(crate) async fn diagnostics(call: &Call<'_>, (): ()) -> Result<String, CommandError> {
    let host = call.host;
    let settings = host.manager.settings().await?;
    let snapshot = host.manager.snapshot().await?;
    let servers = snapshot.servers.iter().map(|server| way(&server.link));
    let head = format!(
        "Longhaul {} on {} {}\nserver: {}\nway to it: {}\nadded servers: {:?}\ntotals: {:?}\n\
         settings: concurrent {}, connections {}, limit {:?}, notify {}, urls {:?}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if host.is_embedded() {
            "inside"
        } else {
            "elsewhere"
        },
        way(&snapshot.server),
        servers.collect::<Vec<_>>(),
        snapshot.totals,
        settings.concurrent,
        settings.connections,
        settings.limit,
        settings.notify,
        settings.urls,
    );
    let (log, known) = (
        logs::end(&host.places).await,
        known(host, &settings, &snapshot),
    );
    // Of a long list it takes a while.
    let log = tokio::task::spawn_blocking(move || Known::of(known).taken_out_of(&log));
    let log = log
        .await
        .map_err(|error| CommandError::new("report_failed", error.to_string()))?;
    Ok(format!("{head}\n\n{log}"))
}

/// How the way to a server is, without its reason, which may name a host. A code is the server's.
fn way(link: &ServerLink) -> String {
    match link {
        ServerLink::Connecting => "connecting".to_owned(),
        ServerLink::Online => "online".to_owned(),
        ServerLink::Offline { code, .. } => {
            let plain = |one: char| one.is_ascii_lowercase() || one == '_';
            let code: String = code.chars().filter(|one| plain(*one)).take(40).collect();
            format!("offline ({code})")
        }
    }
}

/// What the log may say and a report must not.
fn known(host: &Host, settings: &Settings, snapshot: &Snapshot) -> Vec<String> {
    let mut known = vec![settings.folder.clone(), host.address.clone()];
    let folders = [
        &host.places.data,
        &host.places.library,
        &host.places.downloads,
    ];
    known.extend(folders.map(|folder| folder.display().to_string()));
    if let Some(home) = dirs::home_dir() {
        let name = home
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        known.extend(name.into_iter().chain([home.display().to_string()]));
    }
    let mut urls = vec![host.address.as_str()];
    for server in &snapshot.servers {
        known.push(server.name.clone());
        urls.push(&server.address);
    }
    for row in &snapshot.downloads {
        known.push(row.name.clone());
        if let DownloadSource::Url { url } | DownloadSource::Direct { url } = &row.source {
            urls.push(url);
        }
    }
    let hosts = urls.iter().filter_map(|url| Url::parse(url).ok());
    known.extend(hosts.filter_map(|url| url.host_str().map(str::to_owned)));
    // The server inside is at an address that says nothing.
    known.retain(|word| !["127.0.0.1", "localhost", "root"].contains(&word.as_str()));
    known.sort_unstable();
    known.dedup();
    known
}

pub(crate) async fn copy_diagnostics(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    let (text, app) = (diagnostics(call, ()).await?, call.app.clone());
    outside("copy_failed", "it could not be copied", move || {
        app.state::<Copied>().put(text)
    })
    .await
}

pub(crate) async fn open_logs(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    let folder = call.host.places.data.clone();
    outside("cannot_open", "the folder could not be shown", move || {
        tauri_plugin_opener::open_path(folder, None::<&str>)
    })
    .await
}

/// Asks the system for something, away from the runtime's threads.
async fn outside<E: std::fmt::Display + Send + 'static>(
    code: &str,
    failed: &str,
    ask: impl FnOnce() -> Result<(), E> + Send + 'static,
) -> Result<(), CommandError> {
    tokio::task::spawn_blocking(ask)
        .await
        .map_err(|error| error.to_string())
        .and_then(|done| done.map_err(|error| error.to_string()))
        .map_err(|why| CommandError::new(code, format!("{failed}: {why}")))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn of_a_server_that_is_away_only_a_plain_code_is_told() {
        let away = |code: &str| ServerLink::Offline {
            code: code.to_owned(),
            reason: "files.example.org does not answer".to_owned(),
            next_try_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(way(&away("unreachable")), "offline (unreachable)");
        assert_eq!(way(&away("/a b.PDF\n")), "offline (ab)");
        assert_eq!(way(&ServerLink::Online), "online");
    }
}
