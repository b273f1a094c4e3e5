//! What the commands act on: the client, and the server that it speaks with.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use longhaul_client::{Manager, Notice, Options as ClientOptions, Server, Snapshot};
use longhaul_protocol::Token;

use crate::{
    commands::CommandError,
    embedded::Embedded,
    keys::Keyring,
    options::{Options, Places},
};

/// A token file longer than this is no token file.
const MAX_TOKEN: usize = 4096;

/// Notices of the shell's own that wait to be read; the oldest beyond go.
const MAX_NOTICES: usize = 20;

/// A removal can be undone a little longer than the page offers it, also to a hand that is slow.
const UNDO: Duration = Duration::from_secs(60);

/// Everything behind the window.
#[derive(Debug)]
pub(crate) struct Host {
    /// The download manager.
    pub(crate) manager: Manager,
    /// The folders of this run.
    pub(crate) places: Places,
    /// The server's address, for people.
    pub(crate) address: String,
    embedded: Option<Embedded>,
    notices: Mutex<Vec<Notice>>,
}

impl Host {
    /// Starts the server inside, unless there is one elsewhere, and opens the list.
    ///
    /// # Errors
    /// When the server cannot start, the token cannot be read, or the list cannot be opened; the
    /// sentence is for people.
    pub(crate) async fn start(options: &Options, places: Places) -> Result<Self, CommandError> {
        let (server, embedded) = match &options.server {
            Some(url) => (elsewhere(url.clone(), options).await?, None),
            None => {
                let (embedded, server) = Embedded::start(&places)
                    .await
                    .map_err(|error| CommandError::new("start_failed", format!("{error:#}")))?;
                (server, Some(embedded))
            }
        };
        let address = server.base_url.to_string();
        let mut client =
            ClientOptions::new(places.data.join("client"), server, places.downloads.clone());
        client.put_away = into_trash;
        client.undo = UNDO;
        client.vault = Arc::new(Keyring::new(&places.bus_name));
        let opened = Manager::open(client).await;
        match opened {
            Ok(manager) => Ok(Self {
                manager,
                places,
                address,
                notices: Mutex::new(embedded.iter().filter_map(|it| it.notice.clone()).collect()),
                embedded,
            }),
            Err(error) => {
                if let Some(embedded) = embedded {
                    embedded.stop().await;
                }
                Err(error.into())
            }
        }
    }

    /// Whether the server runs inside.
    pub(crate) const fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Everything, with what the server inside and the shell have to say.
    ///
    /// # Errors
    /// Only after a shutdown.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, CommandError> {
        let mut snapshot = self.manager.snapshot().await?;
        snapshot.notices.extend(self.notices().iter().cloned());
        Ok(snapshot)
    }

    /// The notices have been read.
    pub(crate) async fn dismiss_notices(&self) {
        self.notices().clear();
        self.manager.dismiss_notices().await;
    }

    /// Stops the pulls, then the server. What is there is kept.
    pub(crate) async fn stop(&self) {
        self.manager.shutdown().await;
        if let Some(embedded) = &self.embedded {
            embedded.stop().await;
        }
    }

    /// Keeps a notice until it has been read; whether it is one that is not being told already.
    pub(crate) fn keep(&self, notice: &Notice) -> bool {
        kept(&mut self.notices(), notice)
    }

    fn notices(&self) -> MutexGuard<'_, Vec<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kept(notices: &mut Vec<Notice>, notice: &Notice) -> bool {
    if notices.contains(notice) {
        return false;
    }
    if notices.len() >= MAX_NOTICES {
        notices.remove(0);
    }
    notices.push(notice.clone());
    true
}

fn into_trash(path: &Path) -> std::io::Result<()> {
    trash::delete(path).map_err(std::io::Error::other)
}

async fn elsewhere(base_url: url::Url, options: &Options) -> Result<Server, CommandError> {
    let token = match &options.token_file {
        None => None,
        Some(path) => {
            let failed = |why: String| {
                CommandError::new(
                    "start_failed",
                    format!("the token file {}: {why}", path.display()),
                )
            };
            let text = tokio::fs::read_to_string(path)
                .await
                .map_err(|error| failed(error.to_string()))?;
            let token = text.trim();
            if token.is_empty() || token.len() > MAX_TOKEN || token.contains(char::is_whitespace) {
                return Err(failed("it must hold one token and nothing else".to_owned()));
            }
            Some(Token::new(token))
        }
    };
    Ok(Server { base_url, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_told_once_until_it_is_read_and_few_are_kept() {
        let notice = |number: usize| Notice {
            code: "file_gone".to_owned(),
            message: format!("“{number}” is no longer there"),
        };
        let mut notices = Vec::new();
        assert!(kept(&mut notices, &notice(0)));
        assert!(!kept(&mut notices, &notice(0)));
        for number in 1..=MAX_NOTICES {
            assert!(kept(&mut notices, &notice(number)));
        }
        assert_eq!(notices.len(), MAX_NOTICES);
        assert_eq!(notices.first(), Some(&notice(1)));
        assert_eq!(notices.last(), Some(&notice(MAX_NOTICES)));
        notices.clear();
        assert!(kept(&mut notices, &notice(0)));
    }
}
