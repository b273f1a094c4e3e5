//! What is asked of the engine, and what it answers.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use longhaul_protocol::{Crc64Nvme, Manifest, Sha256, SignedUrl};
use uuid::Uuid;

use crate::{Error, Limit, file::NEIGHBOURS};

/// One file to pull.
#[derive(Clone)]
pub struct Request {
    /// Identity of this download: a part file is taken up again only by the download that began it.
    pub id: Uuid,
    /// Where URLs for the object come from.
    pub source: Arc<dyn LinkSource>,
    /// Other places that have the same file. Each is asked for its size first, and, where no
    /// manifest proves each block, for a sample to be compared; then the segments are spread over
    /// all by their measured speed. [`Request::headers`] are not sent to them.
    pub mirrors: Vec<Arc<dyn LinkSource>>,
    /// The folder to put the file into; made where it is missing.
    pub folder: PathBuf,
    /// Another folder for it, by its name, asked once when that is known and nothing is on the disk
    /// yet.
    pub sort: Option<Sort>,
    /// The name to give it; sanitised. Where absent: Content-Disposition's, else the URL path's.
    pub name: Option<String>,
    /// What to do where something else in the folder has that name.
    pub when_taken: WhenTaken,
    /// Whether the control record of the finished file stays until [`Engine::settle`]. For a caller
    /// that notes what is finished: should it die before it has, the same request finds the file
    /// again instead of pulling it a second time.
    ///
    /// [`Engine::settle`]: crate::Engine::settle
    pub settles: bool,
    /// What is known of the content beforehand.
    pub expected: Expected,
    /// At most this many connections, 1–64; fewer where more do not help.
    pub connections: u8,
    /// The limit of this pull alone; can be changed while it runs.
    pub limit: Limit,
    /// Sent along to the source's own scheme, host and port, and to none that it redirects to.
    pub headers: reqwest::header::HeaderMap,
}

/// Names the folder for a file of some name, from the root on.
#[derive(Clone)]
pub struct Sort(Arc<dyn Fn(&str) -> PathBuf + Send + Sync>);

impl Sort {
    /// By this rule.
    pub fn new(rule: impl Fn(&str) -> PathBuf + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    pub(crate) fn folder_of(&self, name: &str) -> PathBuf {
        (self.0)(name)
    }
}

impl fmt::Debug for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sort")
    }
}

/// What to do where a file, or another download, has the name. No file is ever replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenTaken {
    /// A number is put behind it: `name (1).ext`.
    #[default]
    Number,
    /// Nothing is fetched, and the answer is [`Error::NameTaken`](crate::Error::NameTaken). Should
    /// the name be taken only while the bytes come, they are kept under a numbered one.
    Refuse,
}

impl WhenTaken {
    /// How many names are tried, and what is said when none is free.
    pub(crate) const fn tries(self) -> u32 {
        match self {
            Self::Number => NEIGHBOURS,
            Self::Refuse => 1,
        }
    }

    pub(crate) fn none_is_free(self, name: &str) -> Error {
        let (name, kept) = (name.to_owned(), 0);
        match self {
            Self::Number => Error::Name { name, kept },
            Self::Refuse => Error::NameTaken { name, kept },
        }
    }
}

/// What is known of the content before the first byte. Whatever is given is held against the
/// replies and the bytes; a difference is an error, never a file.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Bytes.
    pub size: Option<u64>,
    /// Strong ETag, quotes included.
    pub etag: Option<String>,
    /// Of the whole file.
    pub sha256: Option<Sha256>,
    /// Of the whole file.
    pub crc64nvme: Option<Crc64Nvme>,
    /// Check blocks: each is proven as it lands, and a bad one alone is fetched again.
    pub manifest: Option<Arc<Manifest>>,
}

/// A URL for the object, good for now.
#[derive(Debug, Clone)]
pub struct Link {
    /// The URL.
    pub url: SignedUrl,
    /// When it stops working, where known; it is renewed before.
    pub expires_at: Option<jiff::Timestamp>,
}

/// Why a link is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkReason {
    /// The pull begins, or goes on after a restart.
    Start,
    /// The last one ran out or was refused (400 or 403).
    Expired,
}

/// Names URLs for one object, as often as asked. For a plain URL it is always the same one; for
/// a job it asks the server, which signs afresh.
#[async_trait]
pub trait LinkSource: Send + Sync {
    /// A link that works now.
    async fn link(&self, reason: LinkReason) -> Result<Link, LinkError>;
}

/// A link could not be had.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct LinkError {
    /// What happened; no URL, no secret.
    pub message: String,
    /// Whether asking again later can help.
    pub retryable: bool,
}

/// How a finished file was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Each block against the manifest's CRC-64/NVME.
    Blocks,
    /// The whole against a sha256 or CRC-64/NVME given beforehand.
    Digest,
    /// Only its length and the object's validators: nothing better was known.
    Length,
}

/// A file that is complete, checked, synced and under its final name.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// How it was proven.
    pub verified: Verified,
    /// Of the whole file.
    pub crc64nvme: Crc64Nvme,
    /// Of the whole file, where it was computed.
    pub sha256: Option<Sha256>,
    /// Bytes that came over the network for it, over all runs.
    pub bytes_fetched: u64,
    /// How often the link was renewed, over all runs.
    pub links_renewed: u32,
    /// How many blocks came damaged and were fetched again, over all runs.
    pub blocks_refetched: u32,
    /// What each source did in this run: the first, then the mirrors in their order.
    pub sources: Vec<SourceUse>,
    /// The control record that stays until it is settled.
    pub(crate) record: Option<PathBuf>,
}

impl Finished {
    /// The control record that [`Engine::settle`] removes, where the request settles.
    ///
    /// [`Engine::settle`]: crate::Engine::settle
    #[must_use]
    pub fn record(&self) -> Option<&Path> {
        self.record.as_deref()
    }
}

/// What one source of a file did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUse {
    /// Bytes that came from it.
    pub fetched: u64,
    /// Why it was given up, where it was.
    pub dropped: Option<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("folder", &self.folder)
            .field("name", &self.name)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
