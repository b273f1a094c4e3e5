//! Why a source gave no bytes, by whether asking it again can help.

use std::io;

use longhaul_protocol::{FaultCode, JobFault};

/// Why a source could not be read. The words name what a client may know: never a path above the
/// file's own name, a header or a query.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not there any more.
    #[error("{what} does not exist any more")]
    Missing {
        /// Which file.
        what: String,
    },
    /// It became another while it was read.
    #[error("{what} {how} while it was read")]
    Changed {
        /// Which file.
        what: String,
        /// "changed", "vanished", "appeared".
        how: &'static str,
    },
    /// It cannot be read.
    #[error("{what} cannot be read: {source}")]
    Io {
        /// Which file.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// It lies outside of the folder that it was named in.
    #[error("{what} leads out of its folder, and is not read")]
    Outside {
        /// Which file.
        what: String,
    },
    /// Another server gave no file.
    #[error("the origin {host} {why}")]
    Origin {
        /// Host and port.
        host: String,
        /// What it did, and whether asking again can help.
        why: String,
        /// The file is not there.
        gone: bool,
        /// Whether asking again can help.
        retryable: bool,
    },
    /// A fetched file cannot be kept here until it is stored.
    #[error("this server has no room for the file: {why}")]
    Spool {
        /// What is wrong.
        why: String,
    },
    /// A program failed.
    #[error("the command {what}{}", after(said))]
    Command {
        /// "exited with status 3".
        what: String,
        /// The last that it said on its standard error.
        said: String,
        /// Whether running it again can help.
        retryable: bool,
    },
}

fn after(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

impl SourceError {
    pub(super) fn io(what: impl Into<String>, source: io::Error) -> Self {
        let what = what.into();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { what },
            _ => Self::Io { what, source },
        }
    }

    pub(super) fn changed(what: impl Into<String>) -> Self {
        Self::Changed {
            what: what.into(),
            how: "changed",
        }
    }

    /// The job's fault that this is.
    #[must_use]
    pub fn fault(&self) -> JobFault {
        let (code, retryable) = match self {
            Self::Missing { .. } => (FaultCode::SourceMissing, false),
            Self::Changed { .. } => (FaultCode::SourceChanged, true),
            Self::Outside { .. } => (FaultCode::SourceFailed, false),
            // What is forbidden or no file stays so until somebody sees to it.
            Self::Io { source, .. } => (
                FaultCode::SourceFailed,
                !matches!(
                    source.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::IsADirectory
                        | io::ErrorKind::NotADirectory
                ),
            ),
            Self::Origin {
                gone, retryable, ..
            } => (
                if *gone {
                    FaultCode::SourceMissing
                } else {
                    FaultCode::SourceFailed
                },
                *retryable,
            ),
            Self::Spool { .. } => (FaultCode::Internal, true),
            Self::Command { retryable, .. } => (FaultCode::SourceFailed, *retryable),
        };
        JobFault {
            code,
            message: self.to_string(),
            retryable,
        }
    }
}
