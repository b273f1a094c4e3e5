//! Digests of an artifact, taken from the stream on a thread beside the upload.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use longhaul_protocol::{Crc64Nvme, Sha256, block_size_for};
use sha2::Digest;
use tokio::{sync::mpsc, task::JoinHandle};

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;
/// Blocks are taken at the smallest size and joined at the end, when the size is known.
const BLOCK: u64 = 1 << 20;
/// Buffers waiting to be digested; each is shared with the upload, not copied.
const WAITING: usize = 1;

/// What was found out about a stream.
pub(super) struct Digests {
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) crc64nvme: Crc64Nvme,
    pub(super) block_size: u64,
    pub(super) blocks: Vec<Crc64Nvme>,
}

/// A thread that digests what it is given, in order.
pub(super) struct Digester {
    input: mpsc::Sender<Bytes>,
    thread: JoinHandle<Digests>,
}

impl Digester {
    pub(super) fn start() -> Self {
        let (input, mut buffers) = mpsc::channel::<Bytes>(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            let mut taker = Taker::default();
            while let Some(buffer) = buffers.blocking_recv() {
                taker.take(&buffer);
            }
            taker.finish()
        });
        Self { input, thread }
    }

    /// Waits while the thread is behind. None where the thread is gone.
    pub(super) async fn feed(&self, buffer: Bytes) -> Option<()> {
        self.input.send(buffer).await.ok()
    }

    pub(super) async fn finish(self) -> Option<Digests> {
        drop(self.input);
        self.thread.await.ok()
    }
}

#[derive(Default)]
struct Taker {
    sha256: sha2::Sha256,
    size: u64,
    blocks: Vec<u64>,
}

impl Taker {
    fn take(&mut self, mut bytes: &[u8]) {
        self.sha256.update(bytes);
        while !bytes.is_empty() {
            let within = self.size % BLOCK;
            let n = (BLOCK - within).min(bytes.len() as u64);
            let (head, rest) = bytes.split_at(n as usize);
            let crc = checksum(ALGORITHM, head);
            match self.blocks.last_mut() {
                Some(last) if within > 0 => {
                    *last = Crc64Nvme(*last).followed_by(Crc64Nvme(crc), n).0;
                }
                _ => self.blocks.push(crc),
            }
            self.size += n;
            bytes = rest;
        }
    }

    fn finish(self) -> Digests {
        let block_size = block_size_for(self.size);
        let blocks = join(&self.blocks, self.size, block_size / BLOCK);
        let whole = join(&self.blocks, self.size, u64::MAX);
        Digests {
            size: self.size,
            sha256: Sha256(self.sha256.finalize().into()),
            crc64nvme: Crc64Nvme(
                whole
                    .first()
                    .copied()
                    .unwrap_or_else(|| checksum(ALGORITHM, &[])),
            ),
            block_size,
            blocks: blocks.into_iter().map(Crc64Nvme).collect(),
        }
    }
}

/// Joins each `by` neighbours of 1 MiB blocks of `size` bytes in all into one.
fn join(blocks: &[u64], size: u64, by: u64) -> Vec<u64> {
    let by = usize::try_from(by)
        .unwrap_or(usize::MAX)
        .clamp(1, blocks.len().max(1));
    let length = |index: usize| (size - index as u64 * BLOCK).min(BLOCK);
    blocks
        .chunks(by)
        .enumerate()
        .map(|(group, chunk)| {
            let first = group * by;
            (1..chunk.len()).fold(chunk[0], |crc, i| {
                let next = Crc64Nvme(chunk[i]);
                Crc64Nvme(crc).followed_by(next, length(first + i)).0
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn digests_do_not_depend_on_how_the_bytes_come(
            size in 0_usize..5_000_000,
            cuts in prop::collection::vec(1_usize..2_000_000, 1..8),
            by in 1_u64..5,
        ) {
            let bytes: Vec<u8> = (0..size).map(|i| ((i * 31) >> 3) as u8).collect();
            let mut taker = Taker::default();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                taker.take(head);
                rest = tail;
            }
            let joined = join(&taker.blocks, taker.size, by);
            let direct: Vec<u64> = bytes
                .chunks((by * BLOCK) as usize)
                .map(|block| checksum(ALGORITHM, block))
                .collect();
            prop_assert_eq!(joined, direct);
            let digests = taker.finish();
            prop_assert_eq!(digests.crc64nvme.0, checksum(ALGORITHM, &bytes));
            prop_assert_eq!(digests.sha256.0, <[u8; 32]>::from(sha2::Sha256::digest(&bytes)));
        }
    }
}
