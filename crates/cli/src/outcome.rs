//! How a run ends: exit codes, and sentences that say what happened, what was kept, what is next.

use std::process::ExitCode;

use longhaul_client::{ApiError, ListError, ManagerError};

/// The exit code, by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was done.
    Done,
    /// Something was not.
    Failed,
    /// What was typed makes no sense.
    Usage,
    /// The user stopped it.
    Interrupted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Usage => 2,
            // 128 + SIGINT, as shells have it.
            Outcome::Interrupted => 130,
        })
    }
}

/// A run that ends before its time.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            message: message.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Usage,
            message: message.into(),
        }
    }
}

impl From<ManagerError> for Stop {
    fn from(error: ManagerError) -> Self {
        match error {
            ManagerError::List(ListError::InUse { dir }) => Self::failed(format!(
                "another longhaul is working with the list in {} (`longhaul watch`, perhaps). \
                 Nothing was changed. Stop that one first (Ctrl-C; what it has is kept), or name \
                 another list with --state-dir.",
                dir.display()
            )),
            ManagerError::Server(error) => error.into(),
            ManagerError::Invalid(message) => Self::usage(message),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        let next = match &error {
            ApiError::Unreachable { .. } => {
                " Is it running, and is --server (or LONGHAUL_SERVER) right?"
            }
            ApiError::Refused(problem) if problem.status == 401 => {
                " Give the token with --token-file or LONGHAUL_TOKEN."
            }
            _ => "",
        };
        let mut message = error.to_string();
        if !message.ends_with(['.', '?', '!']) {
            message.push('.');
        }
        Self::failed(format!("{message}{next}"))
    }
}
