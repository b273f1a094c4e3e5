//! Why the database refused, by what the caller can do about it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

/// Why the database refused. Nothing that was answered with an error may be taken as stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process works in this folder.
    #[error("{} is in use by another process; nothing was changed", .dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// A file could not be written or read: often a full disk. Later calls may succeed again.
    #[error("{what} failed: {why}; nothing was confirmed, and the next write tries again")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The system's word for it.
        why: String,
    },
    /// The database itself failed. The next write opens it again, from its journal if need be.
    #[error("the database failed: {0}; nothing was confirmed, and the next write tries again")]
    Database(String),
    /// The caller's own closure panicked; its changes were dropped.
    #[error("a change to the database panicked and was dropped")]
    Panicked,
    /// The database has been closed.
    #[error("the database is closed")]
    Closed,
}

impl Error {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Io {
            what,
            why: error.to_string(),
        }
    }
}

impl From<sled::Error> for Error {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Io {
                what: "the database's file",
                why: error.to_string(),
            },
            other => Self::Database(other.to_string()),
        }
    }
}

/// Turns a panic inside sled into an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Database("sled panicked".into())))
}
