//! Where a job's bytes come from. A source is read once, in order, by a thread of its own; its
//! chunks come over a short channel, so that memory is bounded by the slower side.

mod archive;
mod path;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use longhaul_protocol::{FaultCode, JobFault};
use tokio::sync::mpsc;

/// Chunks under way between the source and the upload.
const CHUNKS: usize = 4;
/// Bytes of a chunk at most.
const CHUNK: usize = 1 << 20;

/// What a catalogue entry is made of.
#[derive(Debug, Clone)]
pub(crate) enum Recipe {
    /// One file.
    Path(PathBuf),
    /// Files and folders as one zip archive.
    Archive(ArchiveRecipe),
}

/// What goes into an archive.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveRecipe {
    /// Names in the archive are relative to this folder; nothing outside of it is read.
    pub root: PathBuf,
    /// Which files below it, as globs on their relative names; none for all.
    pub include: Option<globset::GlobSet>,
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not there any more.
    #[error("{what} does not exist any more")]
    Missing {
        /// Which file.
        what: String,
    },
    /// It became another while it was read.
    #[error("{what} changed while it was read")]
    Changed {
        /// Which file.
        what: String,
    },
    /// It cannot be read.
    #[error("{what} cannot be read: {source}")]
    Io {
        /// Which file.
        what: String,
        /// Why.
        source: std::io::Error,
    },
}

impl SourceError {
    fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        let what = what.into();
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::Missing { what },
            _ => Self::Io { what, source },
        }
    }

    /// The job's fault that this is.
    #[must_use]
    pub fn fault(&self) -> JobFault {
        let (code, retryable) = match self {
            Self::Missing { .. } => (FaultCode::SourceMissing, false),
            Self::Changed { .. } => (FaultCode::SourceChanged, true),
            Self::Io { .. } => (FaultCode::SourceFailed, true),
        };
        JobFault {
            code,
            message: self.to_string(),
            retryable,
        }
    }
}

/// A source being read.
#[derive(Debug)]
pub struct Production {
    /// Bytes of the whole, where known beforehand.
    pub size: Option<u64>,
    /// How much of the input has been read, for a bar where the size is not known.
    pub work: Arc<Work>,
    /// The bytes, in order; an error is the last. Dropping it stops the source.
    pub chunks: mpsc::Receiver<Result<Bytes, SourceError>>,
}

/// How much of its input a source has read.
#[derive(Debug, Default)]
pub struct Work {
    done: AtomicU64,
    total: AtomicU64,
}

impl Work {
    /// Whole percent of the input that has been read, where its size is known.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let total = self.total.load(Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed).min(total);
        (done * 100).checked_div(total).map(|percent| percent as u8)
    }

    /// Bytes of the input that have been read.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn begin(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    fn advance(&self, by: usize) {
        self.done.fetch_add(by as u64, Ordering::Relaxed);
    }
}

/// Begins to read a source.
///
/// # Errors
/// [`SourceError`] where it cannot even be opened.
pub(crate) async fn produce(recipe: &Recipe) -> Result<Production, SourceError> {
    match recipe {
        Recipe::Path(path) => path::produce(path.clone()).await,
        Recipe::Archive(archive) => archive::produce(archive.clone()).await,
    }
}

/// Runs `read` on a blocking thread, feeding a short channel until it ends or nobody listens.
fn feed(
    size: Option<u64>,
    work: Arc<Work>,
    read: impl FnOnce(&mpsc::Sender<Result<Bytes, SourceError>>) -> Result<(), SourceError>
    + Send
    + 'static,
) -> Production {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    // Ends by itself: it stops at the first chunk that nobody takes.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&sender) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Production { size, work, chunks }
}
