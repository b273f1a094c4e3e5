//! What a report of a fault needs.

use std::sync::{Mutex, PoisonError};

use arboard::Clipboard;
use tauri::Manager as _;

use super::{Call, CommandError};
use crate::logs;

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
/// link and no file's name is in it.
pub(crate) async fn diagnostics(call: &Call<'_>, (): ()) -> Result<String, CommandError> {
    let host = call.host;
    let settings = host.manager.settings().await?;
    let snapshot = host.manager.snapshot().await?;
    let log = without_names(&logs::end(&host.places).await);
    Ok(format!(
        "Longhaul {} on {} {}\nserver: {}\nway to it: {:?}\nadded servers: {:?}\ntotals: {:?}\n\
         settings: concurrent {}, connections {}, limit {:?}, notify {}, urls {:?}\n\n{log}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if host.is_embedded() {
            "inside"
        } else {
            "elsewhere"
        },
        snapshot.server,
        snapshot
            .servers
            .iter()
            .map(|server| &server.link)
            .collect::<Vec<_>>(),
        snapshot.totals,
        settings.concurrent,
        settings.connections,
        settings.limit,
        settings.notify,
        settings.urls,
    ))
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

/// A log without the files' names that the server inside writes into it (`file="…"`).
fn without_names(log: &str) -> String {
    const FIELD: &str = "file=\"";
    let mut told = String::with_capacity(log.len());
    let mut rest = log;
    while let Some((before, after)) = rest.split_once(FIELD) {
        told.push_str(before);
        told.push_str("file=…");
        let mut is_escaped = false;
        let end = after.find(|one| {
            let is_end = one == '\n' || (one == '"' && !is_escaped);
            is_escaped = one == '\\' && !is_escaped;
            is_end
        });
        rest = end.map_or("", |end| after[end..].trim_start_matches('"'));
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_without_names() {
        let log = "accepted job=1 file=\"a \\\"b\\\" c.bin\" size=2\nfile=\"cut\nmore";
        assert_eq!(
            without_names(log),
            "accepted job=1 file=… size=2\nfile=…\nmore"
        );
        assert_eq!(without_names("nothing"), "nothing");
    }
}
