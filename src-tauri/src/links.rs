//! Links of other programs and pages: `longhaul://add?url=…&id=…&sha256=…`, where a digest is that of
//! what stands before it. They only fill the dialog that
//! adds; nothing is downloaded unless the user says so there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use longhaul_protocol::Sha256;
use tauri::{AppHandle, Emitter, Manager, UserAttentionType};
use tokio::sync::Notify;
use url::Url;

use crate::app;

/// How links begin.
pub(crate) const SCHEME: &str = "longhaul";
/// Tells the page that there is something to fetch by the command `given`.
const GIVEN: &str = "given";
/// More than this in one link is no list of links.
const MOST: usize = 1000;
const LONGEST: usize = 64 << 10;
/// The most that waits to be shown; the page fetches it at once, where there is one.
const MOST_WAITING: usize = 10_000;

/// What was given and not yet shown.
#[derive(Debug, Default)]
pub(crate) struct Given {
    lines: Mutex<Vec<String>>,
    unseen: Notify,
}

impl Given {
    /// What there is, once.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines())
    }

    /// Waits until something was given that nobody can see: the window is hidden. Cancellation safe.
    pub(crate) async fn unseen(&self) {
        self.unseen.notified().await;
    }

    fn put(&self, lines: Vec<String>) {
        let mut waiting = self.lines();
        let room = MOST_WAITING.saturating_sub(waiting.len());
        if lines.len() > room {
            tracing::warn!(
                left_out = lines.len() - room,
                "too many links wait to be shown"
            );
        }
        waiting.extend(lines.into_iter().take(room));
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the links among a program's arguments, and shows the window that asks for them.
pub(crate) fn receive(app: &AppHandle, arguments: &[String]) {
    let lines: Vec<_> = arguments
        .iter()
        .filter(|text| text.len() <= LONGEST)
        .filter_map(|text| read(text))
        .flatten()
        .collect();
    if !lines.is_empty() {
        tracing::info!(count = lines.len(), "downloads were given by a link");
    }
    offer(app, lines);
}

/// Shows the window with the dialog that asks for these ids and URLs.
pub(crate) fn offer(app: &AppHandle, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    app.state::<Given>().put(lines);
    app::raise(app);
    tell(app);
}

/// The same for what the user copied while at something else: the window comes up when they want it.
pub(crate) fn offer_aside(app: &AppHandle, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let given = app.state::<Given>();
    given.put(lines);
    tell(app);
    let Some(window) = app::window(app) else {
        return;
    };
    let is_seen = window.is_visible().unwrap_or(true) && !window.is_minimized().unwrap_or(false);
    if !is_seen {
        given.unseen.notify_one();
    } else if !window.is_focused().unwrap_or(true)
        && let Err(error) = window.request_user_attention(Some(UserAttentionType::Informational))
    {
        tracing::debug!(%error, "the window cannot ask for attention");
    }
}

fn tell(app: &AppHandle) {
    if let Err(error) = app.emit(GIVEN, ()) {
        tracing::warn!(%error, "the page could not be told of a link");
    }
}

/// The ids, the http(s) URLs and their digests in a link; nothing of anything else.
fn read(text: &str) -> Option<Vec<String>> {
    let link = Url::parse(text).ok()?;
    if link.scheme() != SCHEME || link.host_str() != Some("add") {
        return None;
    }
    let lines = link
        .query_pairs()
        .filter_map(|(name, value)| match &*name {
            "url" => {
                let url = Url::parse(&value).ok()?;
                matches!(url.scheme(), "http" | "https").then(|| url.to_string())
            }
            "id" => value.parse::<u64>().ok().map(|id| id.to_string()),
            "sha256" => value
                .parse::<Sha256>()
                .ok()
                .map(|it| format!("sha256:{it}")),
            _ => None,
        })
        .take(MOST)
        .collect();
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_gives_ids_and_web_addresses_and_nothing_else() {
        let link = "longhaul://add?url=https%3A%2F%2Fexample.org%2Fa.zip%3Fx%3D1&id=7&url=file:///etc/passwd\
                    &url=javascript:alert(1)&id=no&name=x";
        let lines = read(link).expect("a link of ours");
        assert_eq!(lines, ["https://example.org/a.zip?x=1", "7"]);
        let digest = "0123456789abcdef".repeat(4);
        let lines = read(&format!("longhaul://add?id=7&sha256={digest}&sha256=no"));
        assert_eq!(
            lines,
            Some(vec!["7".to_owned(), format!("sha256:{digest}")])
        );
        for foreign in [
            "longhaul://remove?id=7",
            "https://add/?id=7",
            "longhaul:add?id=7",
            "--data-dir",
            "",
        ] {
            assert_eq!(read(foreign), None, "{foreign}");
        }
    }
}
