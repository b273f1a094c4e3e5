//! Digests of the whole: CRC-64/NVME out of its granules', sha256 by a reader that trails the writers.

use std::{fs::File, io, sync::Arc};

use crc_fast::CrcAlgorithm::Crc64Nvme as ALGORITHM;
use longhaul_protocol::{Crc64Nvme, Sha256};
use sha2::Digest as _;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use crate::file::read_exact_at;

/// Read at once; large enough that the call costs nothing, small enough to stay in the cache.
const BUFFER: usize = 256 << 10;

/// A running CRC-64/NVME.
pub(crate) type Crc = crc_fast::Digest;

/// A fresh one.
pub(crate) fn crc() -> Crc {
    Crc::new(ALGORITHM)
}

/// The CRC of two stretches one after the other; `length` is the second's.
pub(crate) fn joined(first: u64, second: u64, length: u64) -> u64 {
    Crc64Nvme(first).followed_by(Crc64Nvme(second), length).0
}

/// The CRC of `start..end` of a file.
pub(crate) fn crc_of(file: &File, start: u64, end: u64) -> io::Result<u64> {
    let mut crc = crc();
    each_chunk(file, start, end, &mut Vec::new(), |bytes| crc.update(bytes))?;
    Ok(crc.finalize())
}

/// A sha256 that follows the writers through the page cache, in order.
#[derive(Debug)]
pub(crate) struct Trailing {
    frontier: watch::Sender<u64>,
    hasher: JoinHandle<io::Result<Option<Sha256>>>,
}

impl Trailing {
    /// Begins to hash `file`, which will have `size` bytes where that is known.
    pub(crate) fn start(file: Arc<File>) -> Self {
        let (frontier, follows) = watch::channel(0);
        Self {
            frontier,
            // Owned here: it ends by itself when this is dropped, at the latest one buffer later.
            hasher: tokio::task::spawn_blocking(move || follow(&file, follows)),
        }
    }

    /// Everything before `at` is written.
    pub(crate) fn reached(&self, at: u64) {
        self.frontier.send_if_modified(|frontier| {
            let moved = at > *frontier;
            *frontier = at.max(*frontier);
            moved
        });
    }

    /// No digest is wanted any more. Waited for, because its handle on the file holds the file's lock.
    pub(crate) async fn abandon(self) {
        drop(self.frontier);
        // How it ended is of no interest.
        let _ = self.hasher.await;
    }

    /// All `size` bytes are written: the digest of them.
    pub(crate) async fn finish(self, size: u64) -> io::Result<Sha256> {
        self.frontier.send_replace(size | END);
        match self.hasher.await {
            Ok(Ok(Some(sha))) => Ok(sha),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => Err(io::Error::other("the hasher ended early")),
        }
    }
}

/// Marks the frontier as the end: no file is 8 EiB long.
const END: u64 = 1 << 63;

fn follow(file: &File, mut frontier: watch::Receiver<u64>) -> io::Result<Option<Sha256>> {
    let mut sha = sha2::Sha256::new();
    let mut buffer = Vec::new();
    let mut at = 0;
    loop {
        let seen = *frontier.borrow_and_update();
        let there = seen & !END;
        while at < there {
            let next = there.min(at + BUFFER as u64);
            each_chunk(file, at, next, &mut buffer, |bytes| sha.update(bytes))?;
            at = next;
            if frontier.has_changed().is_err() {
                return Ok(None);
            }
        }
        if seen & END != 0 {
            return Ok(Some(Sha256(sha.finalize().into())));
        }
        if Handle::current().block_on(frontier.changed()).is_err() {
            return Ok(None);
        }
    }
}

fn each_chunk(
    file: &File,
    start: u64,
    end: u64,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut at = start;
    while at < end {
        let length = usize::try_from(end - at).map_or(BUFFER, |left| left.min(BUFFER));
        buffer.resize(length, 0);
        read_exact_at(file, buffer, at)?;
        take(buffer);
        at += length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_crc_of_parts_joined_is_the_crc_of_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..4000), cut in 0usize..4000) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(
                joined(crc_fast::crc64_nvme(first), crc_fast::crc64_nvme(second), second.len() as u64),
                crc_fast::crc64_nvme(&bytes)
            );
        }
    }
}
