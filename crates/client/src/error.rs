//! Why something could not be done.

use longhaul_protocol::DownloadId;

use crate::{
    api::ApiError,
    list::ListError,
    view::{Action, DownloadState},
};

/// Something could not be done, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The list cannot be opened or written.
    #[error(transparent)]
    List(#[from] ListError),
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Server(#[from] ApiError),
    /// TLS or the proxy settings of this machine cannot be used.
    #[error("{0}")]
    Network(longhaul_transfer::Error),
    /// No such row.
    #[error("there is no download {0} in the list")]
    Unknown(DownloadId),
    /// The row's state does not allow it; its `can` says what it does.
    #[error("a download that {} cannot be {}", now(*.state), past(*.action))]
    NotNow {
        /// What was asked.
        action: Action,
        /// Where the row stands.
        state: DownloadState,
    },
    /// What was asked for cannot be: the message says which part and why.
    #[error("{0}")]
    Invalid(String),
    /// The finished file could not be deleted; the row stays.
    #[error("the file could not be deleted ({0}); it is where it was, and so is its row")]
    Delete(std::io::Error),
    /// Some rows of several were refused; the others were done.
    #[error("{first}{}", and_others(*.others))]
    Some {
        /// Why the first was.
        first: Box<ManagerError>,
        /// How many more.
        others: usize,
    },
    /// The manager has shut down.
    #[error("the download manager has shut down")]
    Closed,
}

impl ManagerError {
    /// Of several refusals the first; of one, itself.
    #[must_use]
    pub fn first(&self) -> &Self {
        match self {
            Self::Some { first, .. } => first.first(),
            one => one,
        }
    }
}

fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!("; {others} more could not be either"),
    }
}

const fn now(state: DownloadState) -> &'static str {
    match state {
        DownloadState::Queued => "waits",
        DownloadState::Preparing => "is being prepared",
        DownloadState::Downloading => "is being downloaded",
        DownloadState::Verifying => "is being verified",
        DownloadState::Completed => "is complete",
        DownloadState::Paused => "is paused",
        DownloadState::Failed => "has failed",
        DownloadState::Cancelled => "was cancelled",
    }
}

const fn past(action: Action) -> &'static str {
    match action {
        Action::Pause => "paused",
        Action::Resume => "resumed",
        Action::Cancel => "cancelled",
        Action::Retry => "tried again",
        Action::KeepBoth | Action::Replace => "pulled under another name or in another's place",
        Action::Remove => "removed",
        Action::Open => "opened",
        Action::ShowInFolder => "shown",
    }
}
