//! Artifacts in S3: aws-sdk-s3 alone, against the embedded store as against any other.

mod bucket;
mod digest;
mod gauge;
mod open;
mod parts;
mod presign;
mod resume;
mod upload;

use std::sync::Arc;

use aws_sdk_s3::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use longhaul_protocol::{JobId, Manifest};

pub use bucket::Connection;
pub use gauge::Gauge;
pub use presign::Presigned;
pub(crate) use presign::attachment;
pub use upload::UploadError;

use crate::{
    metrics::Metrics,
    queue::{Artifact, UploadState},
};

/// Every key of ours begins with this.
pub const PREFIX: &str = "artifacts/";

/// Where an attempt puts its artifact; never made from a user's name.
#[must_use]
pub fn key(job: JobId, attempt: u32) -> String {
    format!("{PREFIX}{job}/{attempt}/blob")
}

/// The job that a key belongs to.
#[must_use]
pub fn job_of(key: &str) -> Option<JobId> {
    key.strip_prefix(PREFIX)?.split('/').next()?.parse().ok()
}

/// The job's attempt that stored a key.
#[must_use]
pub(crate) fn attempt_of(key: &str) -> Option<(JobId, u32)> {
    let mut names = key.strip_prefix(PREFIX)?.split('/');
    Some((names.next()?.parse().ok()?, names.next()?.parse().ok()?))
}

/// A page of what is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Keys, in order.
    pub(crate) keys: Vec<String>,
    /// Where the next page begins; none after the last.
    pub(crate) next: Option<String>,
}

/// S3 refused or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed: {why}")]
pub struct StorageError {
    /// What was tried.
    pub what: &'static str,
    /// What S3 said.
    pub why: String,
    /// S3's code, where it answered.
    pub code: Option<String>,
}

impl StorageError {
    /// Whether what was asked for is not there. A HEAD's answer has no body to hold a code.
    fn is_missing(&self) -> bool {
        matches!(self.code.as_deref(), Some("NotFound" | "NoSuchBucket"))
    }

    fn new<E, R>(what: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let code = error.code().map(str::to_owned);
        let why = match (&code, error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.clone(),
            _ => DisplayErrorContext(error).to_string(),
        };
        Self { what, why, code }
    }
}

/// The bucket, and how to reach it.
#[derive(Debug, Clone)]
pub struct Artifacts {
    client: Client,
    presigner: Client,
    bucket: String,
    tagging: bool,
    metrics: Arc<Metrics>,
}

impl Artifacts {
    /// Reads an artifact's check blocks.
    ///
    /// # Errors
    /// [`StorageError`] where it cannot be had, or is not a manifest.
    pub async fn manifest(&self, artifact: &Artifact) -> Result<Manifest, StorageError> {
        const WHAT: &str = "reading the manifest";
        let object = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&artifact.manifest_key)
            .send()
            .await
            .map_err(|error| StorageError::new(WHAT, &error))?;
        let wrong = |why: String| StorageError {
            what: WHAT,
            why,
            code: None,
        };
        let body = object
            .body
            .collect()
            .await
            .map_err(|error| wrong(error.to_string()))?;
        serde_json::from_slice(&body.into_bytes()).map_err(|error| wrong(error.to_string()))
    }

    /// Deletes an artifact and its manifest; gone already is as good.
    ///
    /// # Errors
    /// [`StorageError`] where S3 refused.
    pub async fn delete(&self, artifact: &Artifact) -> Result<(), StorageError> {
        self.delete_key(&artifact.key).await?;
        self.delete_key(&artifact.manifest_key).await
    }

    /// Deletes one object; gone already is as good.
    ///
    /// # Errors
    /// [`StorageError`] where S3 refused.
    pub(crate) async fn delete_key(&self, key: &str) -> Result<(), StorageError> {
        let deletion = self.client.delete_object().bucket(&self.bucket).key(key);
        let deleted = deletion.send().await.map(drop);
        deleted.map_err(|error| StorageError::new("deleting an artifact", &error))
    }

    /// A page of all that is stored, from where the last one ended.
    ///
    /// # Errors
    /// [`StorageError`] where S3 refused.
    pub(crate) async fn stored(&self, after: Option<String>) -> Result<Stored, StorageError> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(PREFIX)
            .set_continuation_token(after)
            .send()
            .await
            .map_err(|error| StorageError::new("listing artifacts", &error))?;
        let objects = page.contents().iter();
        Ok(Stored {
            keys: objects.filter_map(|o| o.key().map(str::to_owned)).collect(),
            next: page.next_continuation_token,
        })
    }

    /// Aborts an upload; gone already is as good.
    ///
    /// # Errors
    /// [`StorageError`] where S3 refused.
    pub async fn abort(&self, upload: &UploadState) -> Result<(), StorageError> {
        let aborted = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(&upload.key)
            .upload_id(&upload.upload_id)
            .send()
            .await;
        match aborted {
            Err(error) if error.code() != Some("NoSuchUpload") => {
                Err(StorageError::new("aborting an upload", &error))
            }
            _ => Ok(()),
        }
    }

    /// All unfinished uploads of ours, with when each began.
    ///
    /// # Errors
    /// [`StorageError`] where S3 refused.
    pub async fn uploads(&self) -> Result<Vec<(UploadState, jiff::Timestamp)>, StorageError> {
        let (mut key_marker, mut id_marker) = (None, None);
        let mut found = Vec::new();
        loop {
            let page = self
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .prefix(PREFIX)
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await
                .map_err(|error| StorageError::new("listing uploads", &error))?;
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else {
                    continue;
                };
                let began = upload
                    .initiated()
                    .and_then(|at| jiff::Timestamp::from_second(at.secs()).ok())
                    .unwrap_or_default();
                let state = UploadState {
                    key: key.to_owned(),
                    upload_id: id.to_owned(),
                    print: None,
                };
                found.push((state, began));
            }
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            key_marker = page.next_key_marker().map(str::to_owned);
            id_marker = page.next_upload_id_marker().map(str::to_owned);
        }
    }

    /// Whether the bucket answers.
    ///
    /// # Errors
    /// [`StorageError`] with what it said instead.
    pub async fn reach(&self) -> Result<(), StorageError> {
        self.client
            .head_bucket()
            .bucket(&self.bucket)
            .send()
            .await
            .map(drop)
            .map_err(|error| StorageError::new("reaching the bucket", &error))
    }
}
