//! What can stop the store as a whole, by what its owner can do about it.
use std::{io, path::PathBuf};

/// Why the store could not be opened or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has this folder open: close it, or choose another folder.
    #[error("the store in {root} is already open in another process; nothing was changed")]
    Locked {
        /// The store's folder.
        root: PathBuf,
    },
    /// The disk refused: check space, rights and the device, then open again.
    #[error("could not {what} {path}: {source}; what was stored is kept as it was")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The runtime is shutting down.
    #[error("the runtime stopped while the store was working; it recovers at the next open")]
    Stopped,
}

impl Error {
    pub(crate) fn disk(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { what, path, source }
    }
}

/// A disk's refusal as the client sees it: 507 when it is full, 500 otherwise; the path stays in our log.
pub(crate) fn refused(source: io::Error) -> s3s::S3Error {
    if matches!(
        source.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        tracing::warn!(error = %source, "the store's disk is full");
        let mut error = s3s::S3Error::with_message(
            s3s::S3ErrorCode::Custom("InsufficientStorage".into()),
            "The store's disk is full; nothing was replaced.",
        );
        error.set_status_code(http::StatusCode::INSUFFICIENT_STORAGE);
        return error;
    }
    tracing::error!(error = %source, "the store's disk refused");
    s3s::S3Error::internal_error(source)
}

/// Runs disk work off the runtime's threads.
pub(crate) async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> s3s::S3Result<T> + Send + 'static,
) -> s3s::S3Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(s3s::S3Error::internal_error(error)),
    }
}
