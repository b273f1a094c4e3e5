//! The short way of a small file: one request, held in memory, proven, and written at one go. No
//! part file, and a control record only where the caller settles it: there is nothing in between
//! that a crash could leave.

use std::sync::Arc;

use bytes::Bytes;
use longhaul_protocol::{Crc64Nvme, Manifest, Sha256};
use sha2::Digest as _;

use crate::{
    Error, Finished, Phase,
    connection::First,
    download::Pull,
    file::{self, blocking, control::Record},
    opening::Opened,
    patience::in_words,
    probe::Fault,
    verify::digest::crc,
};

/// A second connection is of no use below this, and the whole fits into memory.
const SMALL: u64 = 1 << 20;

/// What came of trying the short way.
pub(crate) enum Short {
    There(Finished),
    /// It is not for this file.
    Long(Opened),
    /// The bytes did not come, or were damaged: the usual way, which resumes and repairs, from a
    /// new reply on.
    Again,
}

impl Pull<'_> {
    /// Takes a small file whole.
    pub(crate) async fn small(&mut self, opened: Opened) -> Result<Short, Error> {
        let parts = self.parts;
        let Some(size) = opened.object.size.filter(|size| *size <= SMALL) else {
            return Ok(Short::Long(opened));
        };
        let whole = opened
            .first
            .as_ref()
            .is_none_or(|first| first.end == Some(size));
        if !whole || !self.may_be_small {
            return Ok(Short::Long(opened));
        }
        let kibibytes = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX);
        let Ok(_room) = parts.room.try_acquire_many(kibibytes) else {
            return Ok(Short::Long(opened));
        };
        // Whatever comes of it, it is tried once.
        self.may_be_small = false;
        self.report.now.phase = Phase::Pulling;
        self.report.now.connections = 1;
        self.report.now.size = Some(size);
        self.report.tell();
        let chunks = match opened.first {
            Some(first) => match self.body(first, size).await {
                Ok(chunks) => chunks,
                Err(Fault::Stopped) => return Err(Error::Stopped { kept: 0 }),
                Err(fault) => {
                    self.again(&in_words(&fault));
                    return Ok(Short::Again);
                }
            },
            None => Vec::new(),
        };
        let expected = &self.request.expected;
        let manifest = expected.manifest.as_deref();
        let blocks = crcs_of(
            &chunks,
            manifest.map_or(u64::MAX, |manifest| manifest.block_size),
        );
        let fits = |manifest: &Manifest| blocks.iter().map(|(crc, _)| crc).eq(&manifest.crc64nvme);
        if manifest.is_some_and(|manifest| !fits(manifest)) {
            self.report.here.blocks_refetched += 1;
            self.again("a block came damaged");
            return Ok(Short::Again);
        }
        let whole = blocks.iter().fold(Crc64Nvme(0), |whole, (crc, length)| {
            whole.followed_by(*crc, *length)
        });
        let wants_sha = expected.sha256.is_some() && manifest.is_none();
        let sha256 = match wants_sha {
            true => {
                let hashed = chunks.clone();
                Some(blocking(move || Ok(sha256_of(&hashed))).await?)
            }
            false => None,
        };
        if let Some(what) = self.mismatch(whole, sha256) {
            return Err(Error::DigestMismatch {
                what: what.to_owned(),
                kept: 0,
            });
        }
        let request = &self.request;
        let word = request.settles.then(|| {
            parts.leftovers.begun(&request.folder, request.id);
            Record::of_whole(request.id, size, whole, self.report.counters())
        });
        let landing = parts.landings.land(
            &request.folder,
            &opened.name,
            request.when_taken,
            chunks,
            word,
        );
        let path = landing.await?;
        let record = file::beside(&path);
        Ok(Short::There(
            self.finished(path, record, size, whole, sha256),
        ))
    }

    fn again(&mut self, why: &str) {
        tracing::debug!("a small file did not come at one go: {why}");
        self.report.now.connections = 0;
        self.report.now.done = 0;
        self.report.now.trouble = Some(why.to_owned());
    }

    /// All of the body, which must be `size` bytes.
    async fn body(&mut self, mut first: First, size: u64) -> Result<Vec<Bytes>, Fault> {
        let stall = self.parts.config.stall_timeout;
        let fetched = Arc::clone(&self.report.fetched);
        let mut chunks = Vec::new();
        let mut left = size;
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Fault::Stopped),
                next = tokio::time::timeout(stall, first.body.chunk()) => next,
            };
            let chunk = next.map_err(|_| Fault::Network("the connection stalled".to_owned()))??;
            let Some(chunk) = chunk else { break };
            let length = chunk.len() as u64;
            fetched.fetch_add(length, std::sync::atomic::Ordering::Relaxed);
            left = left
                .checked_sub(length)
                .ok_or_else(|| Fault::Wrong("more bytes came than were asked for".to_owned()))?;
            chunks.push(chunk);
            self.report.now.done = size - left;
            if self.report.is_due() {
                self.report.tell();
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(Fault::Stopped),
                () = self.limits.take(length) => {}
            }
        }
        match left {
            0 => Ok(chunks),
            left => Err(Fault::Network(format!(
                "the reply ended {left} bytes early"
            ))),
        }
    }
}

/// The CRC and the length of each block of what came.
fn crcs_of(chunks: &[Bytes], block_size: u64) -> Vec<(Crc64Nvme, u64)> {
    let block_size = usize::try_from(block_size).unwrap_or(usize::MAX);
    let mut blocks = Vec::new();
    let (mut block, mut length) = (crc(), 0);
    for chunk in chunks {
        let mut rest: &[u8] = chunk;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(block_size - length));
            block.update(piece);
            length += piece.len();
            rest = more;
            if length == block_size {
                blocks.push((Crc64Nvme(block.finalize()), length as u64));
                block.reset();
                length = 0;
            }
        }
    }
    if length > 0 {
        blocks.push((Crc64Nvme(block.finalize()), length as u64));
    }
    blocks
}

fn sha256_of(chunks: &[Bytes]) -> Sha256 {
    let mut sha = sha2::Sha256::new();
    for chunk in chunks {
        sha.update(chunk);
    }
    Sha256(sha.finalize().into())
}
