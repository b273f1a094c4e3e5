//! The door of this crate: a handle on the downloads, which a driver task behind it looks after.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use longhaul_protocol::{Clock, DownloadId, FilesPage, POLL_INTERVAL, Sha256, SystemClock};
use longhaul_transfer::{Engine, EngineConfig};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    addition::NewDownload,
    api::{Api, ApiError, Server},
    driver::{Command, Driver, Parts},
    error::ManagerError,
    events::Subscription,
    list::List,
    poll,
    pull::SharedApi,
    servers::{NoVault, ServerEdit, ServerId, Vault},
    view::{
        Action, AddItem, AddOutcome, AddRequest, QueuePlace, SegmentMap, Settings, Snapshot, Via,
    },
};

/// Commands that wait for the driver; a caller beyond this waits for a place.
const COMMANDS: usize = 64;
/// A shutdown takes no longer: whatever has not stopped by then is dropped, and resumes from what
/// its control record says.
const SHUTDOWN: Duration = Duration::from_secs(15);
/// The most that one addition may add, and that one page of the catalogue may hold.
pub const MAX_ITEMS: usize = 10_000;

/// How to open a [`Manager`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the list lives; made where it is missing. One process at a time.
    pub data_dir: PathBuf,
    /// The job server.
    pub server: Server,
    /// Where files go unless the settings or an addition say otherwise. Absolute.
    pub folder: PathBuf,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Whether unfinished rows wait, paused, instead of going on by themselves.
    pub hold: bool,
    /// How much is carried out.
    pub drive: Drive,
    /// How often the server is asked how its jobs are; [`POLL_INTERVAL`] unless in a test.
    pub poll_interval: Duration,
    /// Deletes a finished file whose row is removed with it, for instance into the system's trash.
    pub put_away: PutAway,
    /// How long a removal can be undone; until then nothing of the row is thrown away.
    pub undo: Duration,
    /// Where the tokens of added servers are kept.
    pub vault: Arc<dyn Vault>,
}

/// Deletes a file. Blocking.
pub type PutAway = fn(&Path) -> std::io::Result<()>;

fn for_good(path: &Path) -> std::io::Result<()> {
    std::fs::remove_file(path)
}

impl Options {
    /// The usual: the machine's clock, unfinished rows go on by themselves, files are deleted for
    /// good, a removal cannot be undone, and there is no keyring.
    #[must_use]
    pub fn new(data_dir: PathBuf, server: Server, folder: PathBuf) -> Self {
        Self {
            data_dir,
            server,
            folder,
            clock: Arc::new(SystemClock),
            hold: false,
            drive: Drive::All,
            poll_interval: POLL_INTERVAL,
            put_away: for_good,
            undo: Duration::ZERO,
            vault: Arc::new(NoVault),
        }
    }
}

/// How much a manager carries out of what its list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drive {
    /// All of it.
    #[default]
    All,
    /// The server is asked for what is queued; nothing is pulled. For a command that adds and ends.
    Asking,
    /// Nothing: rows can be looked at and changed. What is cancelled or removed is still told to
    /// the server, and its part file thrown away.
    Nothing,
}

/// The download manager without a window. Cheap to clone; all clones are one manager.
///
/// When the last clone goes without [`Manager::shutdown`], the driver stops by itself and keeps
/// what is on the disk.
#[derive(Debug, Clone)]
pub struct Manager {
    commands: mpsc::Sender<Command>,
    api: SharedApi,
    vault: Arc<dyn Vault>,
    driver: Arc<Mutex<Option<JoinHandle<()>>>>,
    goes_on: Arc<[DownloadId]>,
}

impl Manager {
    /// Opens the list and lets everything unfinished go on. A damaged list opens by recovery and
    /// says so in the snapshot's notices.
    ///
    /// # Errors
    /// When another process has the list open, the folder cannot be used, or the server's address
    /// is none. A server that does not answer is no error.
    pub async fn open(options: Options) -> Result<Self, ManagerError> {
        let api = SharedApi::new(Api::new(options.server)?);
        let opened = List::open(&options.data_dir).await?;
        let goes_on = opened.running().collect();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let driver = Driver::new(
            Parts {
                api: api.clone(),
                vault: options.vault.clone(),
                engine: Engine::new(EngineConfig::default()).map_err(ManagerError::Network)?,
                clock: options.clock,
                folder: options.folder,
                hold: options.hold,
                drive: options.drive,
                poll_interval: options.poll_interval,
                put_away: options.put_away,
                undo: options.undo,
            },
            opened,
            inbox,
        );
        // Owned by this handle: `shutdown` awaits it, and it ends with the last sender.
        let driver = tokio::spawn(driver.run());
        Ok(Self {
            commands,
            api,
            vault: options.vault,
            driver: Arc::new(Mutex::new(Some(driver))),
            goes_on,
        })
    }

    /// The rows that went on by themselves when the list was opened. A snapshot may find some of
    /// them completed already.
    #[must_use]
    pub fn went_on(&self) -> &[DownloadId] {
        &self.goes_on
    }

    /// Everything, newest first.
    ///
    /// # Errors
    /// Only after a shutdown.
    pub async fn snapshot(&self) -> Result<Snapshot, ManagerError> {
        self.ask(Command::Snapshot).await
    }

    /// Changes from now on. Subscribe first and take the snapshot after: rows carry a revision.
    ///
    /// # Errors
    /// Only after a shutdown.
    pub async fn subscribe(&self) -> Result<Subscription, ManagerError> {
        self.ask(Command::Subscribe).await
    }

    /// Adds downloads, all or none; they are on the disk when this answers.
    ///
    /// # Errors
    /// When an item cannot be downloaded at all (the message says which), or the list cannot be
    /// written.
    pub async fn add(&self, request: AddRequest) -> Result<AddOutcome, ManagerError> {
        let folder = request.folder.map(PathBuf::from);
        let usual = self.settings().await?.urls;
        let items = request
            .items
            .into_iter()
            .map(|item| {
                let mut new = match item {
                    AddItem::File {
                        file_id,
                        name,
                        sha256,
                    } => NewDownload {
                        name,
                        sha256,
                        ..NewDownload::file(file_id)
                    },
                    AddItem::Url { url, via, sha256 } => NewDownload {
                        sha256,
                        ..match via.unwrap_or(usual) {
                            Via::Direct => NewDownload::direct(url),
                            Via::Server => NewDownload::url(url),
                        }
                    },
                };
                new.folder.clone_from(&folder);
                new.server = request.server.unwrap_or_default();
                new
            })
            .collect();
        let ids = self.add_all(items).await?;
        Ok(AddOutcome { ids })
    }

    /// As [`Manager::add`], with all that can be said of a download.
    ///
    /// # Errors
    /// As [`Manager::add`].
    pub async fn add_all(&self, items: Vec<NewDownload>) -> Result<Vec<DownloadId>, ManagerError> {
        if items.len() > MAX_ITEMS {
            return Err(ManagerError::Invalid(format!(
                "{} downloads are too many to add at once; {MAX_ITEMS} are not",
                items.len()
            )));
        }
        let items = items
            .into_iter()
            .map(NewDownload::checked)
            .collect::<Result<Vec<_>, _>>()?;
        self.ask(|reply| Command::Add(items, reply)).await?
    }

    /// Stops a download for now; what is there is kept.
    ///
    /// # Errors
    /// When there is no such row, or its state does not allow it.
    pub async fn pause(&self, id: DownloadId) -> Result<(), ManagerError> {
        self.act(vec![id], Action::Pause).await
    }

    /// Lets a paused download go on.
    ///
    /// # Errors
    /// As [`Manager::pause`].
    pub async fn resume(&self, id: DownloadId) -> Result<(), ManagerError> {
        self.act(vec![id], Action::Resume).await
    }

    /// Gives a download up: the server's job and the part file go, the row stays.
    ///
    /// # Errors
    /// As [`Manager::pause`].
    pub async fn cancel(&self, id: DownloadId) -> Result<(), ManagerError> {
        self.act(vec![id], Action::Cancel).await
    }

    /// Tries a failed or cancelled download again.
    ///
    /// # Errors
    /// As [`Manager::pause`].
    pub async fn retry(&self, id: DownloadId) -> Result<(), ManagerError> {
        self.act(vec![id], Action::Retry).await
    }

    /// Pulls a download whose name is taken under a numbered one.
    ///
    /// # Errors
    /// When there is no such row, or its name is not what it waits for.
    pub async fn keep_both(&self, id: DownloadId) -> Result<(), ManagerError> {
        self.act(vec![id], Action::KeepBoth).await
    }

    /// Puts the file away that has the name of a download, and pulls the download.
    ///
    /// # Errors
    /// When there is no such row, its name is not what it waits for, or the file cannot be put away.
    pub async fn replace(&self, id: DownloadId) -> Result<(), ManagerError> {
        self.act(vec![id], Action::Replace).await
    }

    /// Says what the digest of an unfinished download must be, or that any will do. It holds from
    /// the next time that its pull begins.
    ///
    /// # Errors
    /// When there is no such row, or it has completed.
    pub async fn expect(&self, id: DownloadId, sha256: Option<Sha256>) -> Result<(), ManagerError> {
        self.ask(|reply| Command::Expect(id, sha256, reply)).await?
    }

    /// Takes the row off the list. One that is under way stops, and is cancelled once this cannot be
    /// [undone](Manager::restore) any more; a finished file stays unless `with_file` says that it
    /// shall go too.
    ///
    /// # Errors
    /// When there is no such row, or the file cannot be deleted.
    pub async fn remove(&self, id: DownloadId, with_file: bool) -> Result<(), ManagerError> {
        self.remove_all(vec![id], with_file).await
    }

    /// Brings rows back that were removed no longer than [`Options::undo`] ago, as they were; answers
    /// how many of these there were.
    ///
    /// # Errors
    /// Only after a shutdown.
    pub async fn restore(&self, ids: Vec<DownloadId>) -> Result<usize, ManagerError> {
        self.ask(|reply| Command::Restore(ids, reply)).await
    }

    /// Puts rows that have not ended to another place in the queue, in the order in which they
    /// stand in it.
    ///
    /// # Errors
    /// When the row that they shall come before has ended, or is one of them.
    pub async fn put(&self, ids: Vec<DownloadId>, place: QueuePlace) -> Result<(), ManagerError> {
        self.ask(|reply| Command::Move(ids, place, reply)).await?
    }

    /// Limits each of these downloads to so many bytes per second; takes effect at once.
    ///
    /// # Errors
    /// When the limit is below 1 KiB/s, or as [`Manager::act`].
    pub async fn limit(
        &self,
        ids: Vec<DownloadId>,
        limit: Option<u64>,
    ) -> Result<(), ManagerError> {
        self.ask(|reply| Command::Limit(ids, limit, reply)).await?
    }

    /// The map of a pull, or of what an earlier one left on the disk; empty where there is nothing.
    ///
    /// # Errors
    /// When there is no such row.
    pub async fn segments(&self, id: DownloadId) -> Result<SegmentMap, ManagerError> {
        self.ask(|reply| Command::Segments(id, reply)).await?
    }

    /// One page of that server's catalogue; `limit` is cut to what the server gives.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn files(
        &self,
        server: ServerId,
        query: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<FilesPage, ManagerError> {
        let api = match server.is_first() {
            true => self.api.get(),
            false => Arc::new(Api::new(self.reached(server).await?)?),
        };
        let page = api.files(query, cursor, limit).await?;
        // An answer here brings back a poller that had backed off.
        let _ = self.commands.send(Command::Seen(server)).await;
        Ok(page)
    }

    /// How an added server is reached.
    async fn reached(&self, server: ServerId) -> Result<Server, ManagerError> {
        let known = self.ask(|reply| Command::Server(server, reply)).await?;
        known.ok_or_else(|| {
            ManagerError::Invalid(
                "there is no such server, or its token is not to be had from the keyring now"
                    .to_owned(),
            )
        })
    }

    /// Adds a server, or turns one to another name, address or token; its downloads go on there. It is
    /// asked once whether it lets us in; one that cannot be reached now is added all the same. The
    /// token goes into the [`Vault`]; where that takes none, it holds until the shutdown, and a
    /// notice says so.
    ///
    /// # Errors
    /// When the address is none, the server refuses the token or is no Longhaul server, or the list
    /// cannot be written.
    pub async fn put_server(&self, edit: ServerEdit) -> Result<ServerId, ManagerError> {
        let before = match (edit.id, &edit.token) {
            (Some(id), None) => self.reached(id).await?.token,
            _ => None,
        };
        let (record, server) = edit.checked(before)?;
        let (id, token) = (record.id, server.token.clone());
        let api = Api::new(server)?;
        match poll::ask(&api, &[]).await {
            Ok(_) | Err(ApiError::Unreachable { .. } | ApiError::Busy { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let vault = self.vault.clone();
        let kept = tokio::task::spawn_blocking(move || match &token {
            Some(token) => vault.put(id, token),
            None => vault.remove(id),
        });
        let kept = kept.await.map_err(|_| ManagerError::Closed)?;
        let put = Box::new((record, api, kept));
        self.ask(|reply| Command::PutServer(put, reply)).await?
    }

    /// Forgets an added server and its token.
    ///
    /// # Errors
    /// When there is none, or it has unfinished downloads.
    pub async fn remove_server(&self, id: ServerId) -> Result<(), ManagerError> {
        self.ask(|reply| Command::RemoveServer(id, reply)).await??;
        let vault = self.vault.clone();
        let gone = tokio::task::spawn_blocking(move || vault.remove(id)).await;
        if let Ok(Err(error)) = gone {
            tracing::warn!(server = %id, %error, "a token could not be taken out of the keyring");
        }
        Ok(())
    }

    /// What the user has set.
    ///
    /// # Errors
    /// Only after a shutdown.
    pub async fn settings(&self) -> Result<Settings, ManagerError> {
        self.ask(Command::Settings).await
    }

    /// Sets all settings; they hold at once, also for pulls that run (but for their connections).
    ///
    /// # Errors
    /// When one is out of its bounds (the message says which), or they cannot be written.
    pub async fn set_settings(&self, settings: Settings) -> Result<(), ManagerError> {
        self.ask(|reply| Command::SetSettings(Box::new(settings), reply))
            .await?
    }

    /// Turns to another address or token; downloads go on there.
    ///
    /// # Errors
    /// When the address is none.
    pub async fn set_server(&self, server: Server) -> Result<(), ManagerError> {
        self.api.set(Api::new(server)?);
        self.ask(Command::NewServer).await
    }

    /// The way may be free again (the network came back, the machine woke): whatever waits to try
    /// again tries now.
    pub async fn poke(&self) {
        let _ = self.commands.send(Command::Poke).await;
    }

    /// The notices have been read: later snapshots do not repeat them.
    pub async fn dismiss_notices(&self) {
        let _ = self.commands.send(Command::DismissNotices).await;
    }

    /// Stops the pulls, keeps what they have, closes the list. Within 15 s; a second call waits
    /// for nothing.
    pub async fn shutdown(&self) {
        let _ = self.commands.send(Command::Shutdown).await;
        let driver = self
            .driver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut driver) = driver
            && tokio::time::timeout(SHUTDOWN, &mut driver).await.is_err()
        {
            tracing::warn!("the downloads did not stop in time; they resume from what is synced");
            driver.abort();
        }
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, ManagerError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| ManagerError::Closed)?;
        answer.await.map_err(|_| ManagerError::Closed)
    }
}

/// The server's catalogue alone, for those who need no list.
#[derive(Debug, Clone)]
pub struct Catalogue(Api);

impl Catalogue {
    /// # Errors
    /// When the address is none.
    pub fn new(server: Server) -> Result<Self, ApiError> {
        Ok(Self(Api::new(server)?))
    }

    /// As [`Manager::files`].
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn files(
        &self,
        query: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<FilesPage, ApiError> {
        self.0.files(query, cursor, limit).await
    }
}
