//! A stream into S3: parts of bounded size, several in flight, digests on the way.

use std::sync::Arc;

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use longhaul_protocol::{FaultCode, JobFault, Manifest};
use tokio::task::JoinSet;

use super::{
    Artifacts, StorageError,
    digest::{Digester, Digests},
    gauge::Gauge,
    parts::{in_flight, part_size},
    presign::attachment,
    resume::Parts,
};
use crate::{
    queue::{Artifact, UploadState},
    source::{Production, SourceError},
};

const OCTETS: &str = "application/octet-stream";
/// What an artifact is tagged with, for whoever looks into the bucket.
const TAGGING: &str = "longhaul=artifact";

/// Why an artifact could not be made.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// S3 failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A task of ours ended early.
    #[error("the upload stopped in the middle")]
    Broken,
}

impl UploadError {
    /// The job's fault that this is.
    #[must_use]
    pub fn fault(&self) -> JobFault {
        let code = match self {
            Self::Source(error) => return error.fault(),
            Self::Storage(_) => FaultCode::StorageFailed,
            Self::Broken => FaultCode::Internal,
        };
        JobFault {
            code,
            message: format!("the file could not be stored: {self}"),
            retryable: true,
        }
    }
}

impl Artifacts {
    /// Stores all that a source gives under `key`, with its manifest beside it; or under the key of
    /// the upload that `resume` names, where S3 still has that: then only what is missing is sent.
    /// Dropping the future leaves at most an unfinished multipart upload, which `gauge` names.
    ///
    /// # Errors
    /// [`UploadError`]; whatever was begun is left for the caller to abort.
    pub async fn store(
        &self,
        key: &str,
        file_name: &str,
        mut production: Production,
        gauge: &Arc<Gauge>,
        resume: Option<UploadState>,
    ) -> Result<Artifact, UploadError> {
        let digester = Digester::start();
        let size = production.size;
        let first = next_part(&mut production, part_size(size, 1) as usize).await?;
        self.metrics.produced(first.bytes.len());
        digester
            .feed(first.bytes.clone())
            .await
            .ok_or(UploadError::Broken)?;
        gauge.begin(size);
        if first.last {
            let length = first.bytes.len() as u64;
            let etag = self.put(key, file_name, first.bytes).await?;
            gauge.put(length);
            let digests = digester.finish().await.ok_or(UploadError::Broken)?;
            return self.put_manifest(key, etag, digests).await;
        }
        let begun = self
            .begin(key, file_name, production.print.clone(), resume)
            .await?;
        gauge.begun(begun.state.clone());
        let key = begun.state.key.clone();
        let (etag, digests) = self
            .multipart(begun, first.bytes, production, digester, gauge)
            .await?;
        self.put_manifest(&key, etag, digests).await
    }

    async fn put(&self, key: &str, file_name: &str, bytes: Bytes) -> Result<String, StorageError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(OCTETS)
            .content_disposition(attachment(file_name))
            .set_tagging(self.tagging.then(|| TAGGING.to_owned()))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| StorageError::new("storing the object", &error))?;
        etag(put.e_tag, "storing the object")
    }

    /// Goes on with an upload, or begins one.
    async fn begin(
        &self,
        key: &str,
        file_name: &str,
        print: Option<String>,
        resume: Option<UploadState>,
    ) -> Result<Begun, StorageError> {
        if let Some(state) = resume
            && let Some(parts) = self.parts_of(&state).await?
        {
            tracing::info!(key = state.key, "an earlier attempt's upload goes on");
            return Ok(Begun { state, parts });
        }
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .content_type(OCTETS)
            .content_disposition(attachment(file_name))
            .set_tagging(self.tagging.then(|| TAGGING.to_owned()))
            .send()
            .await
            .map_err(|error| StorageError::new("beginning the upload", &error))?;
        let upload_id = begun
            .upload_id
            .ok_or_else(|| nothing("beginning the upload"))?;
        let state = UploadState {
            key: key.to_owned(),
            upload_id,
            print,
        };
        Ok(Begun {
            state,
            parts: Parts::default(),
        })
    }

    async fn multipart(
        &self,
        begun: Begun,
        first: Bytes,
        mut production: Production,
        digester: Digester,
        gauge: &Arc<Gauge>,
    ) -> Result<(String, Digests), UploadError> {
        let Begun { state, mut parts } = begun;
        let (key, upload_id) = (state.key, state.upload_id);
        let mut done: Vec<(i32, String)> = Vec::new();
        let mut running = JoinSet::new();
        let mut part = Part {
            bytes: first,
            last: false,
        };
        let mut number = 1;
        loop {
            if let Some(etag) = parts.proven(number, &part.bytes).await {
                gauge.found(part.bytes.len() as u64);
                done.push((number, etag));
            } else {
                let room = in_flight(part.bytes.len() as u64);
                while running.len() >= room {
                    done.push(joined(running.join_next().await)?);
                }
                running.spawn(self.clone().put_part(
                    key.clone(),
                    upload_id.clone(),
                    number,
                    part.bytes,
                    Arc::clone(gauge),
                ));
            }
            if part.last {
                break;
            }
            number += 1;
            let size = part_size(production.size, number as u32) as usize;
            part = next_part(&mut production, size).await?;
            self.metrics.produced(part.bytes.len());
            digester
                .feed(part.bytes.clone())
                .await
                .ok_or(UploadError::Broken)?;
            if part.bytes.is_empty() {
                break;
            }
        }
        while !running.is_empty() {
            done.push(joined(running.join_next().await)?);
        }
        done.sort_unstable();
        let parts = done
            .into_iter()
            .map(|(number, etag)| {
                CompletedPart::builder()
                    .part_number(number)
                    .e_tag(etag)
                    .build()
            })
            .collect();
        let complete = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload_id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .send()
            .await
            .map_err(|error| StorageError::new("completing the upload", &error))?;
        let etag = etag(complete.e_tag, "completing the upload")?;
        Ok((etag, digester.finish().await.ok_or(UploadError::Broken)?))
    }

    async fn put_part(
        self,
        key: String,
        upload_id: String,
        number: i32,
        bytes: Bytes,
        gauge: Arc<Gauge>,
    ) -> Result<(i32, String), StorageError> {
        const WHAT: &str = "storing a part";
        let length = bytes.len() as u64;
        let put = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload_id)
            .part_number(number)
            .body(ByteStream::from(bytes))
            .customize()
            // The digests that matter are taken from the stream and checked by the client; a
            // second sha256 of each part would cost as much CPU as the first.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| StorageError::new(WHAT, &error))?;
        gauge.put(length);
        Ok((number, etag(put.e_tag, WHAT)?))
    }

    async fn put_manifest(
        &self,
        key: &str,
        etag: String,
        digests: Digests,
    ) -> Result<Artifact, UploadError> {
        let manifest = Manifest {
            size: digests.size,
            etag: etag.clone(),
            block_size: digests.block_size,
            crc64nvme: digests.blocks,
            sha256: digests.sha256,
        };
        let manifest_key = key.strip_suffix("blob").unwrap_or(key).to_owned() + "manifest";
        let json = serde_json::to_vec(&manifest).map_err(|_| UploadError::Broken)?;
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(&manifest_key)
            .content_type("application/json")
            .set_tagging(self.tagging.then(|| TAGGING.to_owned()))
            .body(ByteStream::from(json))
            .send()
            .await
            .map_err(|error| StorageError::new("storing the manifest", &error))?;
        Ok(Artifact {
            key: key.to_owned(),
            manifest_key,
            size: digests.size,
            etag,
            sha256: digests.sha256,
            crc64nvme: digests.crc64nvme,
            stored_at: None,
        })
    }
}

/// A multipart upload, and what S3 has of it already.
struct Begun {
    state: UploadState,
    parts: Parts,
}

struct Part {
    bytes: Bytes,
    last: bool,
}

/// Fills a part from the source; a short one is the last. A part that is full by chance is
/// followed by an empty one.
async fn next_part(production: &mut Production, size: usize) -> Result<Part, SourceError> {
    let mut bytes = BytesMut::with_capacity(size);
    while bytes.len() < size {
        match production.chunks.recv().await {
            Some(chunk) => bytes.extend_from_slice(&chunk?),
            None => {
                return Ok(Part {
                    bytes: bytes.freeze(),
                    last: true,
                });
            }
        }
    }
    Ok(Part {
        bytes: bytes.freeze(),
        last: false,
    })
}

type Joined = Result<Result<(i32, String), StorageError>, tokio::task::JoinError>;

fn joined(outcome: Option<Joined>) -> Result<(i32, String), UploadError> {
    match outcome {
        Some(Ok(part)) => Ok(part?),
        _ => Err(UploadError::Broken),
    }
}

fn etag(etag: Option<String>, what: &'static str) -> Result<String, StorageError> {
    etag.ok_or_else(|| nothing(what))
}

fn nothing(what: &'static str) -> StorageError {
    StorageError {
        what,
        why: "S3 answered without an id".into(),
        code: None,
    }
}
