//! Why a pull ended without a file, sorted by what the caller can do about it.

use std::{io, path::Path};

use crate::LinkError;

/// A pull ended without a file. The message says what happened, without URLs; [`Error::kept`]
/// what is still on the disk for the same id; [`Error::retryable`] whether the same request can
/// succeed later without anyone's doing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller asked for it.
    #[error("stopped; {kept} bytes are kept")]
    Stopped {
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// There is no room for the file; it goes on from here once there is.
    #[error("the disk is full: {needed} more bytes are needed; {kept} bytes are kept")]
    DiskFull {
        /// Bytes that did not fit.
        needed: u64,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The folder or the part file cannot be used.
    #[error("cannot {doing} in the folder: {reason}")]
    Folder {
        /// What was tried: "write", "create the part file".
        doing: &'static str,
        /// The system's words.
        reason: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// No usable name is left: the name and its numbered neighbours are taken.
    #[error("{name:?} and its numbered neighbours are taken")]
    Name {
        /// The name that was wanted.
        name: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// Something else in the folder has the name, and no other was to be taken.
    #[error("{name:?} is already in the folder; nothing was fetched")]
    NameTaken {
        /// The name that was wanted.
        name: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// Another pull holds this download's part file.
    #[error("this download is already being pulled")]
    InUse {
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The other side serves something else than was expected, or keeps changing it.
    #[error("the file has changed at its source: {what}")]
    Changed {
        /// What differs.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The reply is a page or an encoded body, not the file.
    #[error("the reply is not the file: {what}")]
    NotAFile {
        /// What it is instead.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The bytes are not those that were promised; none of the damaged ones are kept.
    #[error("the bytes are not those promised: {what}")]
    DigestMismatch {
        /// Which digest differs.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The manifest contradicts itself, so that it proves nothing.
    #[error("the manifest contradicts itself")]
    Manifest {
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// No link that works could be had.
    #[error("no working link: {reason}")]
    LinkRefused {
        /// What was said.
        reason: String,
        /// Whether asking again later can help.
        retryable: bool,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// There is no such file at the source (404, 410).
    #[error("the source does not have the file (status {status})")]
    NotFound {
        /// HTTP status.
        status: u16,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The source refused for a reason that waiting does not cure.
    #[error("the source refused with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The source leads elsewhere without end, or to where no pull may follow.
    #[error("the source redirects too often, or to where it must not")]
    Redirect {
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The source, or where it redirects to, is at an address that may not be connected to.
    #[error("{host} is not an address that may be connected to")]
    NotAllowed {
        /// The host, by name or address.
        host: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The source's certificate is not to be trusted; nothing was sent to it.
    #[error("the source's certificate is not trusted: {what}")]
    Untrusted {
        /// What is wrong with it.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The proxy does not do what it is there for.
    #[error("the proxy refuses: {what}")]
    Proxy {
        /// What it said.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// A header was given that the engine sets itself, or that is not for the other end.
    #[error("the header {name} cannot be given: the engine sets it itself")]
    Header {
        /// Its name.
        name: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The source failed or refused for lack of capacity, every time.
    #[error("the source is overloaded or failing (status {status})")]
    Overloaded {
        /// The last HTTP status.
        status: u16,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The replies contradict what was asked, every time.
    #[error("the source answers wrongly: {what}")]
    BadReply {
        /// What is wrong.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// Connecting or reading failed, every time.
    #[error("the network failed: {what}; {kept} bytes are kept")]
    Network {
        /// The last failure.
        what: String,
        /// Bytes kept on the disk.
        kept: u64,
    },
    /// The engine could not be set up.
    #[error("cannot set up the network: {what}")]
    Setup {
        /// What failed.
        what: String,
    },
}

impl Error {
    /// Whether the same request may succeed later without anyone's doing.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Stopped { .. }
            | Self::InUse { .. }
            | Self::Overloaded { .. }
            | Self::BadReply { .. }
            | Self::Network { .. } => true,
            Self::LinkRefused { retryable, .. } => *retryable,
            Self::DiskFull { .. }
            | Self::Folder { .. }
            | Self::Name { .. }
            | Self::NameTaken { .. }
            | Self::Changed { .. }
            | Self::NotAFile { .. }
            | Self::DigestMismatch { .. }
            | Self::Manifest { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::Redirect { .. }
            | Self::NotAllowed { .. }
            | Self::Untrusted { .. }
            | Self::Proxy { .. }
            | Self::Header { .. }
            | Self::Setup { .. } => false,
        }
    }

    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::DiskFull { .. } => "disk_full",
            Self::Folder { .. } => "folder",
            Self::Name { .. } => "name",
            Self::NameTaken { .. } => "name_taken",
            Self::InUse { .. } => "in_use",
            Self::Changed { .. } => "changed",
            Self::NotAFile { .. } => "not_a_file",
            Self::DigestMismatch { .. } => "digest_mismatch",
            Self::Manifest { .. } => "manifest",
            Self::LinkRefused { .. } => "link_refused",
            Self::NotFound { .. } => "not_found",
            Self::Refused { .. } => "refused",
            Self::Redirect { .. } => "redirect",
            Self::NotAllowed { .. } => "not_allowed",
            Self::Untrusted { .. } => "untrusted",
            Self::Proxy { .. } => "proxy",
            Self::Header { .. } => "header",
            Self::Overloaded { .. } => "overloaded",
            Self::BadReply { .. } => "bad_reply",
            Self::Network { .. } => "network",
            Self::Setup { .. } => "setup",
        }
    }

    /// Bytes kept on the disk, from which a later pull with the same id goes on.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.clone().kept_mut().map_or(0, |kept| *kept)
    }

    pub(crate) fn with_kept(mut self, bytes: u64) -> Self {
        if let Some(kept) = self.kept_mut() {
            *kept = bytes;
        }
        self
    }

    fn kept_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::Stopped { kept }
            | Self::DiskFull { kept, .. }
            | Self::Folder { kept, .. }
            | Self::Name { kept, .. }
            | Self::NameTaken { kept, .. }
            | Self::InUse { kept }
            | Self::Changed { kept, .. }
            | Self::NotAFile { kept, .. }
            | Self::DigestMismatch { kept, .. }
            | Self::Manifest { kept }
            | Self::LinkRefused { kept, .. }
            | Self::NotFound { kept, .. }
            | Self::Refused { kept, .. }
            | Self::Redirect { kept }
            | Self::NotAllowed { kept, .. }
            | Self::Untrusted { kept, .. }
            | Self::Proxy { kept, .. }
            | Self::Header { kept, .. }
            | Self::Overloaded { kept, .. }
            | Self::BadReply { kept, .. }
            | Self::Network { kept, .. } => Some(kept),
            Self::Setup { .. } => None,
        }
    }

    /// A failure of the file system. A full disk is told apart: the cure is another one.
    pub(crate) fn disk(doing: &'static str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { needed: 1, kept: 0 }
            }
            _ => Self::Folder {
                doing,
                reason: error.to_string(),
                kept: 0,
            },
        }
    }

    pub(crate) fn in_folder(doing: &'static str, folder: &Path, error: &io::Error) -> Self {
        match Self::disk(doing, error) {
            Self::Folder {
                doing,
                reason,
                kept,
            } => Self::Folder {
                doing,
                reason: format!("{reason} ({})", folder.display()),
                kept,
            },
            other => other,
        }
    }

    pub(crate) fn changed(what: impl Into<String>) -> Self {
        Self::Changed {
            what: what.into(),
            kept: 0,
        }
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Self::LinkRefused {
            reason: error.message,
            retryable: error.retryable,
            kept: 0,
        }
    }
}
