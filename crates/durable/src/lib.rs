//! A sled database that answers only when the bytes are on the disk, and opens whatever happened to it.
//!
//! - [`Durable::write`] runs a closure as one atomic transaction. One thread owns all writes: many
//!   waiting transactions share one `fdatasync` (group commit).
//! - `journal.jsonl` is where they are synced: a snapshot of everything, then each group of
//!   transactions, one checksummed JSON line each. Only then are they answered. They reach the
//!   database some at a time, and its disk within a second; until then they are laid over it by
//!   all who read, and after a crash it catches up from the journal.
//! - The database keeps a running digest of its whole content, checked at each open: before the
//!   first use where it is small, beside its use where that would keep a start waiting. Where it does
//!   not open, opens wrong, or has lost what the journal still has, its folder is moved aside, a
//!   new one is made from the journal, and [`Recovery`] says so.
//!
//! The folder given to [`Durable::open`] holds `lock`, `journal.jsonl` and `sled/`.

mod beside;
mod commit;
mod content;
mod error;
mod journal;
mod line;
mod open;
mod proof;
mod recovery;
mod replay;
mod request;
mod snapshot;
mod table;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

pub use error::Error;
pub use recovery::Recovery;
pub use table::{Entry, Scan, Stretch, Table, Tx, View};

/// How a database is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory that sled may use for pages.
    pub cache_bytes: u64,
    /// Opening counts as failed after so long: sled has been seen to hang on damaged files.
    pub open_timeout: Duration,
    /// The journal is written anew when it exceeds this and four times what is live.
    pub compact_above: u64,
    /// A database of at most so many bytes is read and proven before it is used; a larger one
    /// while it is used, and made anew from the journal where it fails.
    pub prove_first: u64,
    /// After so many changed bytes sled is opened anew in the next pause, or at four times as many
    /// without one: only then does it write the map of its pages, without which an open after a kill
    /// reads its whole log.
    pub map_after: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            open_timeout: Duration::from_secs(60),
            compact_above: 32 << 20,
            prove_first: 64 << 20,
            map_after: 64 << 20,
        }
    }
}

/// Figures for tests and metrics, since the process opened the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that were answered.
    pub writes: u64,
    /// Syncs of the journal that answered them.
    pub syncs: u64,
    /// Times that the database was opened again after a failed write. What a caller keeps in
    /// memory should be read again when it grows.
    pub reopened: u64,
    /// Times that it was opened anew to have its pages mapped.
    pub mapped: u64,
    /// Whether all that was there when it was opened has been read and is what was stored.
    pub proven: bool,
}

#[derive(Debug, Default)]
struct Shared {
    /// None while it is being opened again. Held for reading by each read.
    content: RwLock<Option<content::Content>>,
    writes: AtomicU64,
    syncs: AtomicU64,
    reopened: AtomicU64,
    mapped: AtomicU64,
    proven: AtomicBool,
    #[cfg(test)]
    failing_syncs: AtomicU64,
}

impl Shared {
    fn content(&self) -> RwLockReadGuard<'_, Option<content::Content>> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn content_mut(&self) -> RwLockWriteGuard<'_, Option<content::Content>> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open database. Clones share it; it is closed by [`Durable::close`], or when the last clone goes.
#[derive(Debug, Clone)]
pub struct Durable {
    requests: mpsc::Sender<request::Request>,
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

impl Durable {
    /// Opens the database in `dir`, making it where there is none.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process has it; [`Error::Io`] where the folder cannot be
    /// written. Damage is no error: it is told in the [`Recovery`].
    pub async fn open(dir: &Path, options: Options) -> Result<(Self, Option<Recovery>), Error> {
        let dir = dir.to_path_buf();
        blocking(move || Self::open_blocking(&dir, options)).await?
    }

    /// [`Durable::open`] for threads that may block.
    pub fn open_blocking(dir: &Path, options: Options) -> Result<(Self, Option<Recovery>), Error> {
        let lock = open::lock(dir)?;
        let (requests, receiver) = mpsc::channel(1024);
        let tell = request::Tell::to(&requests);
        let (opened, recovery) = open::open(dir, &options, &tell, true)?;
        let shared = Arc::new(Shared {
            content: RwLock::new(Some(content::Content::of(opened.db.clone()))),
            proven: AtomicBool::new(opened.proof.is_none()),
            ..Shared::default()
        });
        let clock = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(Error::io("starting the writer"))?;
        let writer = writer::Writer::new(
            dir.to_path_buf(),
            options,
            opened,
            Arc::clone(&shared),
            tell,
            lock,
        );
        let thread = std::thread::Builder::new()
            .name("durable-writer".into())
            .spawn(move || writer.run(receiver, &clock))
            .map_err(Error::io("starting the writer"))?;
        let durable = Self {
            requests,
            shared,
            thread: Arc::new(Mutex::new(Some(thread))),
        };
        Ok((durable, recovery))
    }

    /// Runs `change` as one atomic transaction, and answers when its writes are on the disk.
    ///
    /// Once sent, the transaction runs even where the caller stops waiting.
    ///
    /// # Errors
    /// Whatever kept it from the disk. It is then not confirmed, and in rare cases (the disk failed
    /// between two writes) may still be there after the next open.
    pub async fn write<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> R + Send + 'static,
    ) -> Result<R, Error> {
        self.write_then(change, |value| value).await
    }

    /// [`Durable::write`], with `then` run on the writer's thread once the change is on the disk:
    /// in the order in which transactions were made, and before any later one is answered. For
    /// what is kept in memory beside the database. It must be quick.
    pub async fn write_then<R, S: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> R + Send + 'static,
        then: impl FnOnce(R) -> S + Send + 'static,
    ) -> Result<S, Error>
    where
        R: Send + 'static,
    {
        self.send(change, then, false).await
    }

    /// Runs `change` as one atomic transaction and answers before the sync, which follows within
    /// a quarter of a second: for progress and other news that a power cut may take.
    pub async fn write_relaxed<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> R + Send + 'static,
    ) -> Result<R, Error> {
        self.send(change, |value| value, true).await
    }

    /// [`Durable::write_relaxed`] with a `then` as in [`Durable::write_then`].
    pub async fn write_relaxed_then<R, S: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> R + Send + 'static,
        then: impl FnOnce(R) -> S + Send + 'static,
    ) -> Result<S, Error>
    where
        R: Send + 'static,
    {
        self.send(change, then, true).await
    }

    async fn send<R: Send + 'static, S: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> R + Send + 'static,
        then: impl FnOnce(R) -> S + Send + 'static,
        relaxed: bool,
    ) -> Result<S, Error> {
        let (answer, answered) = oneshot::channel();
        let run: request::Run = Box::new(move |tx| match tx {
            Ok(tx) => {
                let value = change(tx);
                let told: request::Answer = Box::new(move |outcome| {
                    // A caller that stopped waiting is no fault.
                    let _ = answer.send(outcome.map(|()| then(value)));
                });
                Some(told)
            }
            Err(error) => {
                let _ = answer.send(Err(error));
                None
            }
        });
        self.requests
            .send(request::Request::Change { run, relaxed })
            .await
            .map_err(|_| Error::Closed)?;
        // The sender is dropped unanswered only by a panic in one of the closures.
        answered.await.map_err(|_| Error::Panicked)?
    }

    /// Looks at the tables, off the async threads. It may see what is not on the disk yet.
    pub async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let content = shared.content();
            let content = content.as_ref().ok_or(Error::Closed)?;
            Ok(look(&View { content }))
        })
        .await?
    }

    /// Figures since the database was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            writes: self.shared.writes.load(Ordering::Relaxed),
            syncs: self.shared.syncs.load(Ordering::Relaxed),
            reopened: self.shared.reopened.load(Ordering::Relaxed),
            mapped: self.shared.mapped.load(Ordering::Relaxed),
            proven: self.shared.proven.load(Ordering::Relaxed),
        }
    }

    /// Ends after the writes already sent, with database and journal on the disk and the folder free
    /// for another process. Other clones are answered [`Error::Closed`] from then on.
    pub async fn close(self) -> Result<(), Error> {
        let (done, ended) = oneshot::channel();
        // An error here means that another clone has closed it: its thread is joined below.
        let _ = self.requests.send(request::Request::Close(done)).await;
        let outcome = ended.await.unwrap_or(Ok(()));
        let thread = Arc::clone(&self.thread);
        drop(self);
        blocking(move || {
            let handle = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            handle.map_or(Ok(()), |handle| handle.join().map_err(|_| Error::Panicked))
        })
        .await??;
        outcome
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| match error.is_panic() {
            true => Error::Panicked,
            false => Error::Closed,
        })
}
