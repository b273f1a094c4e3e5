//! Every refusal is a problem+json (RFC 9457).

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use longhaul_protocol::{JobId, Problem, ProblemCode};

use crate::{artifact::StorageError, queue::QueueError};

/// A refused request.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    problem: Problem,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with what happened this time.
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            problem: Problem::new(code, detail),
            retry_after: None,
        }
    }

    /// Says when to come back.
    #[must_use]
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// No token, or not a known one: the same words for both.
    #[must_use]
    pub(crate) fn no_token() -> Self {
        Self::new(
            ProblemCode::Unauthorized,
            "Send a token of this server as Authorization: Bearer.",
        )
    }

    /// The same, about a job that the caller could not know otherwise.
    #[must_use]
    pub(crate) fn about(mut self, job: JobId) -> Self {
        self.problem = self.problem.about(job);
        self
    }

    /// The job does not exist, or is another owner's: the same words for both.
    #[must_use]
    pub(crate) fn unknown_job() -> Self {
        Self::new(
            ProblemCode::UnknownJob,
            "There is no such job. It may have been forgotten after its time; ask for the file again.",
        )
    }
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::KeyReused => {
                Self::new(ProblemCode::IdempotencyKeyReused, error.to_string())
            }
            QueueError::Full => {
                Self::new(ProblemCode::QueueFull, error.to_string()).after(Duration::from_secs(30))
            }
            QueueError::Unknown => Self::unknown_job(),
            QueueError::Conflict(_) | QueueError::LeaseLost => {
                Self::new(ProblemCode::Conflict, error.to_string())
            }
            QueueError::Store(_) => {
                tracing::error!(%error, "the queue failed");
                Self::new(
                    ProblemCode::NotReady,
                    "The queue cannot be written or read at the moment; nothing was changed.",
                )
                .after(Duration::from_secs(5))
            }
        }
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "S3 failed");
        Self::new(
            ProblemCode::NotReady,
            "The storage cannot be reached at the moment; the artifact is kept.",
        )
        .after(Duration::from_secs(5))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds(wait));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Whole seconds, rounded up: a client that comes earlier comes in vain.
pub(super) fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
