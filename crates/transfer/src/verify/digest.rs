//! Digests of the whole: CRC-64/NVME out of its granules', sha256 by a reader that trails the writers.

use std::{fs::File, io, sync::Arc};

use crc_fast::{CrcAlgorithm::Crc64Nvme as ALGORITHM, checksum_combine};
use longhaul_protocol::Sha256;
use sha2::Digest as _;
use tokio::{runtime::Handle, sync::watch};

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
    if length == 0 {
        return first;
    }
    checksum_combine(ALGORITHM, first, second, length)
}

/// The CRC of `start..end` of a file.
pub(crate) fn crc_of(file: &File, start: u64, end: u64) -> io::Result<u64> {
    let mut crc = crc();
    each_chunk(file, start, end, &mut Vec::new(), |bytes| crc.update(bytes))?;
    Ok(crc.finalize())
}

/// Hashes a file in order, as far as `frontier` says that it is there, up to `end`. Blocking.
/// None where the frontier's sender is gone before.
pub(crate) fn trailing_sha256(
    file: &Arc<File>,
    mut frontier: watch::Receiver<u64>,
    end: u64,
) -> io::Result<Option<Sha256>> {
    let mut sha = sha2::Sha256::new();
    let mut at = 0;
    let mut buffer = Vec::new();
    loop {
        let there = (*frontier.borrow_and_update()).min(end);
        each_chunk(file, at, there, &mut buffer, |bytes| sha.update(bytes))?;
        at = at.max(there);
        if at == end {
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
