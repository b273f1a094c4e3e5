//! Links to files that the user copies anywhere are offered to be downloaded, where the settings say so.
//! They only fill the dialog that adds.

use std::{collections::HashSet, time::Duration};

use arboard::Clipboard;
use longhaul_client::{DownloadSource, Settings};
use tauri::{
    AppHandle,
    async_runtime::{JoinHandle, spawn, spawn_blocking},
};
use tokio::sync::watch;
use url::Url;

use crate::{host::Host, links};

/// Between two looks: no system tells of a change in the same way.
const LOOK: Duration = Duration::from_secs(1);
/// What is longer is no link that somebody has copied.
const LONGEST: usize = 64 << 10;
/// What a link may end in and still be a page to be read.
const PAGES: [&str; 9] = [
    "asp", "aspx", "cgi", "htm", "html", "jsp", "php", "shtml", "xhtml",
];

/// Watches until it is aborted.
pub(crate) fn watch(
    app: AppHandle,
    host: std::sync::Arc<Host>,
    mut settings: watch::Receiver<Settings>,
) -> JoinHandle<()> {
    spawn(async move {
        let mut clipboard = None;
        let mut last = None;
        loop {
            if settings.borrow_and_update().watch_clipboard {
                let now = look(&mut clipboard).await;
                // What was there when the watch began was not copied for it.
                let now = now.unwrap_or_default();
                if last.as_ref().is_some_and(|last| *last != now) {
                    offer(&app, &host, &now).await;
                }
                if last.is_none() {
                    tracing::info!("the clipboard is watched");
                }
                last = Some(now);
            } else {
                (clipboard, last) = (None, None);
            }
            // Where there is no clipboard to be had, only the settings are waited for.
            let is_on = clipboard.is_some();
            tokio::select! {
                changed = settings.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK), if is_on => {}
            }
        }
    })
}

/// The text that is on the clipboard now.
async fn look(clipboard: &mut Option<Clipboard>) -> Option<String> {
    let kept = clipboard.take();
    let looked = spawn_blocking(move || {
        let mut clipboard = match kept {
            Some(clipboard) => clipboard,
            None => Clipboard::new()?,
        };
        let text = clipboard.get_text().ok();
        Ok::<_, arboard::Error>((clipboard, text))
    });
    match looked.await {
        Ok(Ok((open, text))) => {
            *clipboard = Some(open);
            text.filter(|text| text.len() <= LONGEST)
        }
        Ok(Err(error)) => {
            tracing::info!(%error, "the clipboard cannot be read");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "reading the clipboard failed");
            None
        }
    }
}

async fn offer(app: &AppHandle, host: &Host, text: &str) {
    let mut found = links_in(text);
    if found.is_empty() {
        tracing::info!("what was copied is no link to a file");
        return;
    }
    // What was copied from the list itself is not offered to it.
    if let Ok(list) = host.manager.snapshot().await {
        let known: HashSet<_> = list
            .downloads
            .iter()
            .filter_map(|row| match &row.source {
                DownloadSource::Url { url } | DownloadSource::Direct { url } => Some(url.as_str()),
                DownloadSource::File { .. } => None,
            })
            .collect();
        found.retain(|url| !known.contains(url.as_str()));
    }
    links::offer_aside(app, found);
}

/// The links of a text that is nothing but links to files.
fn links_in(text: &str) -> Vec<String> {
    let links: Option<Vec<Url>> = text.split_whitespace().map(link_of).collect();
    let links = links.unwrap_or_default();
    match links.iter().any(is_file) {
        true => links.into_iter().map(String::from).collect(),
        false => Vec::new(),
    }
}

fn link_of(word: &str) -> Option<Url> {
    let url = Url::parse(word).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && is_plain).then_some(url)
}

/// Whether it ends as a file does that one keeps, not as a page that one reads.
fn is_file(url: &Url) -> bool {
    let last = url.path_segments().and_then(|mut parts| parts.next_back());
    let Some((stem, ending)) = last.and_then(|name| name.rsplit_once('.')) else {
        return false;
    };
    let ending = ending.to_ascii_lowercase();
    !stem.is_empty()
        && (1..=8).contains(&ending.len())
        && ending.chars().all(|one| one.is_ascii_alphanumeric())
        && ending.chars().any(|one| one.is_ascii_alphabetic())
        && !PAGES.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_file_is_offered_and_a_page_or_a_sentence_is_not() {
        assert_eq!(links_in(" https://h/a.iso\n"), ["https://h/a.iso"]);
        assert_eq!(links_in("https://h/a.iso https://h/page").len(), 2);
        for text in [
            "",
            "https://h/",
            "https://h/page",
            "https://h/page.html",
            "https://h/v1.2",
            "https://h/.hidden",
            "see https://h/a.iso",
            "https://me:secret@h/a.iso",
            "file:///etc/passwd.zip",
            "a.iso",
        ] {
            assert!(links_in(text).is_empty(), "{text}");
        }
    }
}
