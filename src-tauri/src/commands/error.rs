//! A refusal as the page sees it: a stable code, and a sentence for people.

use longhaul_client::{ManagerError, Notice};
use longhaul_protocol::DownloadId;
use serde::Serialize;
use ts_rs::TS;

/// Why a command was not carried out.
#[derive(Debug, Clone, Serialize, TS, thiserror::Error)]
#[error("{message}")]
#[ts(export)]
pub(crate) struct CommandError {
    /// Stable, for programs and translations: the shell's own, or the server's problem code.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
}

impl CommandError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn unknown(id: DownloadId) -> Self {
        ManagerError::Unknown(id).into()
    }

    pub(crate) fn arguments(command: &str, error: &serde_json::Error) -> Self {
        Self::new(
            "invalid_arguments",
            format!("the arguments of “{command}” are not right: {error}"),
        )
    }
}

impl From<ManagerError> for CommandError {
    fn from(error: ManagerError) -> Self {
        let code = match error.first() {
            ManagerError::List(_) => "list",
            ManagerError::Network(_) => "network",
            ManagerError::Unknown(_) => "unknown_download",
            ManagerError::NotNow { .. } => "not_now",
            ManagerError::Invalid(_) => "invalid",
            ManagerError::Delete(_) => "not_deleted",
            ManagerError::Closed => "closed",
            ManagerError::Server(refusal) => return Self::new(refusal.code(), error.to_string()),
            ManagerError::Some { .. } => "unknown",
        };
        Self::new(code, error.to_string())
    }
}

/// For a page that did not ask: what was tried outside of it has failed.
impl From<CommandError> for Notice {
    fn from(error: CommandError) -> Self {
        Self {
            code: error.code,
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use longhaul_client::{Action, DownloadState};

    use super::*;

    #[test]
    fn a_refusal_is_a_sentence_with_a_code() {
        let refused = ManagerError::NotNow {
            action: Action::Resume,
            state: DownloadState::Verifying,
        };
        let error: CommandError = refused.into();
        assert_eq!(error.code, "not_now");
        assert_eq!(
            error.message,
            "a download that is being verified cannot be resumed"
        );
        let notice: Notice = error.clone().into();
        assert_eq!((notice.code, notice.message), (error.code, error.message));
    }
}
