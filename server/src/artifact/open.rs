//! Reading an artifact, whole or a part of it, as the bytes come: for the proxy mode.

use std::ops::RangeInclusive;

use aws_sdk_s3::primitives::SdkBody;

use super::{Artifacts, StorageError};
use crate::queue::Artifact;

impl Artifacts {
    /// Opens an artifact, or the bytes of it that `range` names. Nothing is read ahead of who reads
    /// the body: memory stays what one chunk of the connection takes.
    ///
    /// # Errors
    /// [`StorageError`] where S3 refused, or holds another object than was stored.
    pub async fn open(
        &self,
        artifact: &Artifact,
        range: Option<RangeInclusive<u64>>,
    ) -> Result<SdkBody, StorageError> {
        let range = range.map(|range| format!("bytes={}-{}", range.start(), range.end()));
        let object = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&artifact.key)
            .if_match(&artifact.etag)
            .set_range(range)
            .send()
            .await
            .map_err(|error| StorageError::new("reading an artifact", &error))?;
        Ok(object.body.into_inner())
    }
}
