//! A request's body becomes a synced data file: one pass, digests checked before anything names the file.
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use md5::{Digest, Md5};
use s3s::{
    S3Error, S3Result, StdError, TrailingHeaders, checksum::ChecksumHasher, dto::StreamingBlob,
    s3_error,
};
use tokio::task::JoinHandle;

use crate::{
    checksum::{Algorithm, Checksum, Kind},
    error::refused,
    files::{self, DataFile, Layout, Reaper},
};

/// Bytes handed to the disk at a time; a body in flight holds two of these.
const BATCH: usize = 1 << 20;
/// A batch of tiny chunks is handed over before its bookkeeping outweighs it.
const BATCH_CHUNKS: usize = 512;
/// A body that sends nothing for this long is given up.
const STALL: Duration = Duration::from_secs(60);
/// S3's limit for one PUT or one part: 5 GiB.
const MAX_BODY: u64 = 5 << 30;

/// What a body must turn out to be.
#[derive(Debug, Default)]
pub(crate) struct Expect {
    length: Option<u64>,
    md5: Option<[u8; 16]>,
    algorithm: Option<Algorithm>,
    value: Option<String>,
    trailing: bool,
}

impl Expect {
    /// Reads the promises out of a request; `usual` is computed when the client names no algorithm.
    pub(crate) fn of(
        headers: &HeaderMap,
        length: Option<i64>,
        md5: Option<&str>,
        given: Option<(Algorithm, String)>,
        usual: Option<Algorithm>,
    ) -> S3Result<Self> {
        let length = length
            .map(u64::try_from)
            .transpose()
            .map_err(|_| s3_error!(InvalidArgument))?;
        if length.is_some_and(|length| length > MAX_BODY) {
            return Err(s3_error!(EntityTooLarge));
        }
        let md5 = md5
            .map(|text| {
                STANDARD
                    .decode(text)
                    .ok()
                    .and_then(|raw| <[u8; 16]>::try_from(raw).ok())
                    .ok_or_else(|| s3_error!(InvalidDigest))
            })
            .transpose()?;
        let trailer = headers
            .get("x-amz-trailer")
            .and_then(|value| value.to_str().ok())
            .and_then(|names| names.split(',').find_map(Algorithm::of_header));
        let trailing = given.is_none() && trailer.is_some();
        let (algorithm, value) = match given {
            Some((algorithm, value)) => (Some(algorithm), Some(value)),
            None => (trailer.or(usual), None),
        };
        Ok(Self {
            length,
            md5,
            algorithm,
            value,
            trailing,
        })
    }

    pub(crate) fn of_copy(algorithm: Option<Algorithm>) -> Self {
        Self {
            algorithm,
            ..Self::default()
        }
    }
}

/// A body that has arrived; nothing is synced or checked yet.
pub(crate) struct Received {
    sink: Sink,
    rest: Vec<Bytes>,
    expect: Expect,
}

/// A data file that is whole, checked and durable, and goes away unless something keeps it.
pub(crate) struct Ingested {
    pub(crate) file: Arc<DataFile>,
    pub(crate) size: u64,
    pub(crate) md5: String,
    pub(crate) checksum: Option<Checksum>,
}

struct Sink {
    layout: Layout,
    file: Arc<DataFile>,
    writer: Option<BufWriter<File>>,
    md5: Md5,
    sums: Option<(Algorithm, ChecksumHasher)>,
    size: u64,
}

impl Sink {
    fn absorb(mut self, batch: Vec<Bytes>) -> io::Result<Self> {
        if self.writer.is_none() {
            // Chunks as large as the buffer go past it.
            self.writer = Some(BufWriter::with_capacity(
                64 << 10,
                File::create_new(self.file.path())?,
            ));
        }
        for chunk in batch {
            self.md5.update(&chunk);
            if let Some((_, hasher)) = &mut self.sums {
                hasher.update(&chunk);
            }
            self.size += chunk.len() as u64;
            if let Some(writer) = &mut self.writer {
                writer.write_all(&chunk)?;
            }
        }
        Ok(self)
    }
}

/// Takes the body in, batch by batch: one is collected while the one before is digested and written.
pub(crate) async fn receive(
    layout: &Layout,
    reaper: &Reaper,
    body: Option<StreamingBlob>,
    mut expect: Expect,
    trailers: Option<&TrailingHeaders>,
) -> S3Result<Received> {
    let mut idle = Some(Sink {
        layout: layout.clone(),
        file: DataFile::fresh(layout, reaper),
        writer: None,
        md5: Md5::new(),
        sums: expect
            .algorithm
            .map(|algorithm| (algorithm, algorithm.hasher())),
        size: 0,
    });
    let mut busy: Option<JoinHandle<io::Result<Sink>>> = None;
    let (mut batch, mut held, mut total) = (Vec::new(), 0, 0_u64);
    let most = expect.length.unwrap_or(MAX_BODY);
    if let Some(mut body) = body {
        loop {
            let next = tokio::time::timeout(STALL, body.next()).await;
            let Some(chunk) = next.map_err(|_| {
                s3_error!(RequestTimeout, "The body stalled; nothing was replaced.")
            })?
            else {
                break;
            };
            let chunk = chunk.map_err(broken)?;
            total += chunk.len() as u64;
            if total > most {
                return Err(if expect.length.is_some() {
                    s3_error!(IncompleteBody, "The body is longer than it said.")
                } else {
                    s3_error!(EntityTooLarge)
                });
            }
            held += chunk.len();
            batch.push(chunk);
            if held >= BATCH || batch.len() >= BATCH_CHUNKS {
                let sink = settle(&mut idle, &mut busy).await?;
                let full = std::mem::take(&mut batch);
                held = 0;
                busy = Some(tokio::task::spawn_blocking(move || sink.absorb(full)));
            }
        }
    }
    if expect.length.is_some_and(|length| length != total) {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        ));
    }
    if expect.trailing
        && let Some(algorithm) = expect.algorithm
    {
        expect.value = trailers
            .and_then(|trailers| {
                trailers.read(|map| {
                    map.get(algorithm.header())
                        .and_then(|value| value.to_str().ok())
                        .map(|value| value.trim().to_owned())
                })
            })
            .flatten();
        if expect.value.is_none() {
            return Err(s3_error!(
                IncompleteBody,
                "The trailer promised a checksum that did not come."
            ));
        }
    }
    let sink = settle(&mut idle, &mut busy).await?;
    Ok(Received {
        sink,
        rest: batch,
        expect,
    })
}

async fn settle(
    idle: &mut Option<Sink>,
    busy: &mut Option<JoinHandle<io::Result<Sink>>>,
) -> S3Result<Sink> {
    if let Some(sink) = idle.take() {
        return Ok(sink);
    }
    match busy.take() {
        Some(job) => job.await.map_err(S3Error::internal_error)?.map_err(refused),
        None => Err(s3_error!(InternalError)),
    }
}

impl Received {
    /// Writes the rest, checks every promise, then syncs the file and its folder. Blocking.
    pub(crate) fn finish(self) -> S3Result<Ingested> {
        let Self { sink, rest, expect } = self;
        let sink = sink.absorb(rest).map_err(refused)?;
        let md5: [u8; 16] = sink.md5.finalize().into();
        if expect.md5.is_some_and(|wanted| wanted != md5) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let checksum = sink.sums.map(|(algorithm, hasher)| Checksum {
            algorithm,
            kind: Kind::Full,
            value: algorithm.value(hasher),
        });
        if let (Some(wanted), Some(found)) = (&expect.value, &checksum)
            && *wanted != found.value
        {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                found.algorithm.name()
            ));
        }
        if let Some(writer) = sink.writer {
            let file = writer
                .into_inner()
                .map_err(|error| refused(error.into_error()))?;
            file.sync_all().map_err(refused)?;
        }
        files::sync_folder(&sink.layout.data()).map_err(refused)?;
        Ok(Ingested {
            file: sink.file,
            size: sink.size,
            md5: hex::encode(md5),
            checksum,
        })
    }
}

/// A second name for a data file's bytes: a hard link where the file system has them, else a copy. Blocking.
pub(crate) fn link(layout: &Layout, reaper: &Reaper, source: &DataFile) -> S3Result<Arc<DataFile>> {
    let file = DataFile::fresh(layout, reaper);
    if fs::hard_link(source.path(), file.path()).is_err() {
        fs::copy(source.path(), file.path()).map_err(refused)?;
        File::options()
            .write(true)
            .open(file.path())
            .and_then(|copy| copy.sync_all())
            .map_err(refused)?;
    }
    Ok(file)
}

/// A body that broke off: the client left, or its signature or digest of the payload is not true.
fn broken(source: StdError) -> S3Error {
    let text = source.to_string();
    if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch)
    } else if text.to_lowercase().contains("sha256mismatch") {
        let mut error = S3Error::with_message(
            s3s::S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        error.set_status_code(http::StatusCode::BAD_REQUEST);
        error
    } else {
        let mut error = s3_error!(IncompleteBody, "The body broke off; nothing was replaced.");
        error.set_source(source);
        error
    }
}
