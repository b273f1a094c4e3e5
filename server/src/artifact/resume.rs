//! An upload that an earlier attempt left is taken up again: what S3 has of it, part by part, each
//! held against the bytes that would have been sent.

use std::collections::BTreeMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use bytes::Bytes;
use md5::{Digest, Md5};

use super::{Artifacts, StorageError};
use crate::queue::UploadState;

/// The parts that S3 has, by number.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<i32, Found>);

#[derive(Debug)]
struct Found {
    size: u64,
    etag: String,
}

impl Artifacts {
    /// What S3 has of an upload; none where it knows no such upload any more.
    pub(super) async fn parts_of(
        &self,
        upload: &UploadState,
    ) -> Result<Option<Parts>, StorageError> {
        let mut parts = BTreeMap::new();
        let mut marker: Option<String> = None;
        loop {
            let page = self
                .client
                .list_parts()
                .bucket(&self.bucket)
                .key(&upload.key)
                .upload_id(&upload.upload_id)
                .set_part_number_marker(marker)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(None),
                Err(error) => return Err(StorageError::new("listing an upload's parts", &error)),
            };
            for part in page.parts() {
                if let (Some(number), Some(size), Some(etag)) =
                    (part.part_number(), part.size(), part.e_tag())
                {
                    let found = Found {
                        size: size.try_into().unwrap_or_default(),
                        etag: etag.to_owned(),
                    };
                    parts.insert(number, found);
                }
            }
            marker = page.next_part_number_marker().map(str::to_owned);
            if page.is_truncated() != Some(true) || marker.is_none() {
                return Ok(Some(Parts(parts)));
            }
        }
    }
}

impl Parts {
    /// The ETag of a part that S3 has with exactly these bytes. A part's ETag is its MD5, but for
    /// some ways of encryption: then nothing can be proven, and the part is sent again.
    pub(super) async fn proven(&mut self, number: i32, bytes: &Bytes) -> Option<String> {
        let found = self.0.remove(&number)?;
        if found.size != bytes.len() as u64 {
            return None;
        }
        let bytes = bytes.clone();
        let digest = tokio::task::spawn_blocking(move || hex::encode(Md5::digest(&bytes)));
        let digest = digest.await.ok()?;
        (found.etag.trim_matches('"').eq_ignore_ascii_case(&digest)).then_some(found.etag)
    }
}
