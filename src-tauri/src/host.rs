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
    server_notice: Mutex<Option<Notice>>,
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
                server_notice: Mutex::new(embedded.as_ref().and_then(|it| it.notice.clone())),
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

    /// Everything, with what the server inside has to say.
    ///
    /// # Errors
    /// Only after a shutdown.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, CommandError> {
        let mut snapshot = self.manager.snapshot().await?;
        let notice = self.server_notice();
        snapshot.notices.extend(notice.clone());
        Ok(snapshot)
    }

    /// The notices have been read.
    pub(crate) async fn dismiss_notices(&self) {
        self.server_notice().take();
        self.manager.dismiss_notices().await;
    }

    /// Stops the pulls, then the server. What is there is kept.
    pub(crate) async fn stop(&self) {
        self.manager.shutdown().await;
        if let Some(embedded) = &self.embedded {
            embedded.stop().await;
        }
    }

    fn server_notice(&self) -> MutexGuard<'_, Option<Notice>> {
        self.server_notice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
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
