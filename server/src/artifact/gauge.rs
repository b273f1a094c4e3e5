//! How far an upload is: written by the upload, read by the heartbeat beside it.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::queue::UploadState;

/// One upload's gauge.
#[derive(Debug, Default)]
pub struct Gauge {
    size: OnceLock<u64>,
    stored: AtomicU64,
    sent: AtomicU64,
    uploading: AtomicBool,
    upload: Mutex<Option<UploadState>>,
}

impl Gauge {
    /// Bytes of the whole, once known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size.get().copied()
    }

    /// Bytes that S3 has.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Bytes that this attempt sent: fewer than are stored where an earlier one had sent some.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether anything has been sent to S3.
    #[must_use]
    pub fn uploading(&self) -> bool {
        self.uploading.load(Ordering::Relaxed)
    }

    /// The multipart upload that was begun, if there is one.
    #[must_use]
    pub fn upload(&self) -> Option<UploadState> {
        self.lock().clone()
    }

    pub(super) fn begin(&self, size: Option<u64>) {
        if let Some(size) = size {
            let _ = self.size.set(size);
        }
        self.uploading.store(true, Ordering::Relaxed);
    }

    pub(super) fn begun(&self, upload: UploadState) {
        *self.lock() = Some(upload);
    }

    /// Bytes that an earlier attempt had stored.
    pub(super) fn found(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn put(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<UploadState>> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
