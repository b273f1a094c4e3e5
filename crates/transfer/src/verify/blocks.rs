//! Check blocks: each is proven as its last granule lands; a bad one is told, so that it alone is fetched again.
//!
//! A granule is written by one connection from end to end, so its CRC comes out of the chunks as
//! they pass. A block is one granule, or several whole ones whose CRCs are combined: no byte is
//! read a second time while a pull runs.

use std::{collections::HashMap, ops::Range, sync::Arc};

use longhaul_protocol::{Manifest, block_size_for};

use super::digest::joined;
use crate::segments::Segments;

/// How often one block may come damaged before the source is not believed any more.
const TRIES: u32 = 3;

/// What became of a granule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Proven, or nothing yet to hold it against.
    Fine,
    /// Its block is damaged: these granules are to be fetched again.
    Bad(Range<u32>),
    /// The block of this index, made of these granules, came damaged every time.
    Hopeless(usize, Range<u32>),
}

/// The CRCs of all granules, and what the manifest says of them.
#[derive(Debug)]
pub(crate) struct Blocks {
    manifest: Option<Arc<Manifest>>,
    granule: u64,
    crcs: Vec<u64>,
    tries: HashMap<usize, u32>,
    /// Bytes proven.
    proven: u64,
    /// Blocks that came damaged in this run.
    damaged: u32,
}

/// The granule for a file: the usual check block, unless the manifest's blocks are not made of it.
pub(crate) fn granule_for(size: u64, manifest: Option<&Manifest>) -> u64 {
    let usual = block_size_for(size);
    match manifest {
        Some(manifest) if !manifest.block_size.is_multiple_of(usual) => manifest.block_size,
        _ => usual,
    }
}

impl Blocks {
    pub(crate) fn new(granule: u64, manifest: Option<Arc<Manifest>>) -> Self {
        Self {
            manifest,
            granule,
            crcs: Vec::new(),
            tries: HashMap::new(),
            proven: 0,
            damaged: 0,
        }
    }

    /// Takes note of a granule that `segments` counts as done.
    pub(crate) fn landed(&mut self, granule: u32, crc: u64, segments: &Segments) -> Verdict {
        let index = granule as usize;
        if self.crcs.len() <= index {
            self.crcs.resize(index + 1, 0);
        }
        self.crcs[index] = crc;
        let Some((block, granules)) = self.block_of(granule, segments) else {
            return Verdict::Fine;
        };
        if !segments.has(&granules) {
            return Verdict::Fine;
        }
        if self.fits(block, &granules, segments) {
            self.proven +=
                segments.bytes(granules.end - 1).end - segments.bytes(granules.start).start;
            return Verdict::Fine;
        }
        self.damaged += 1;
        let tries = self.tries.entry(block).or_default();
        *tries += 1;
        match *tries > TRIES {
            true => Verdict::Hopeless(block, granules),
            false => Verdict::Bad(granules),
        }
    }

    /// The block that a granule is in, and all granules of that block.
    fn block_of(&self, granule: u32, segments: &Segments) -> Option<(usize, Range<u32>)> {
        let manifest = self.manifest.as_ref()?;
        let each = u32::try_from(manifest.block_size / self.granule)
            .unwrap_or(u32::MAX)
            .max(1);
        let block = granule / each;
        let start = block * each;
        Some((
            block as usize,
            start..start.saturating_add(each).min(segments.count()),
        ))
    }

    fn fits(&self, block: usize, granules: &Range<u32>, segments: &Segments) -> bool {
        let expected = self
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.crc64nvme.get(block));
        expected.is_some_and(|crc| crc.0 == self.combined(granules, segments))
    }

    /// The CRC of these granules together; all must be there.
    pub(crate) fn combined(&self, granules: &Range<u32>, segments: &Segments) -> u64 {
        granules.clone().fold(0, |whole, granule| {
            let bytes = segments.bytes(granule);
            joined(whole, self.crc(granule), bytes.end - bytes.start)
        })
    }

    /// The CRC of one granule that is there.
    pub(crate) fn crc(&self, granule: u32) -> u64 {
        self.crcs.get(granule as usize).copied().unwrap_or_default()
    }

    pub(crate) const fn proven(&self) -> u64 {
        self.proven
    }

    pub(crate) const fn damaged(&self) -> u32 {
        self.damaged
    }
}

#[cfg(test)]
mod tests {
    use longhaul_protocol::{Crc64Nvme, Sha256};

    use super::*;

    const MIB: u64 = 1 << 20;

    fn manifest(bytes: &[u8], block_size: u64) -> Arc<Manifest> {
        Arc::new(Manifest {
            size: bytes.len() as u64,
            etag: "\"e\"".into(),
            block_size,
            crc64nvme: bytes
                .chunks(usize::try_from(block_size).expect("small"))
                .map(|block| Crc64Nvme(crc_fast::crc64_nvme(block)))
                .collect(),
            sha256: Sha256([0; 32]),
        })
    }

    fn land(bytes: &[u8], block_size: u64, damage: Option<usize>) -> (Blocks, Vec<Verdict>) {
        let manifest = manifest(bytes, block_size);
        let granule = granule_for(bytes.len() as u64, Some(&manifest));
        let mut segments = Segments::new(bytes.len() as u64, granule, true);
        let mut blocks = Blocks::new(granule, Some(manifest));
        segments.take(1);
        let verdicts = bytes
            .chunks(usize::try_from(granule).expect("small"))
            .zip(0u32..)
            .map(|(chunk, index)| {
                segments.complete(1, index);
                let crc = crc_fast::crc64_nvme(chunk) ^ u64::from(damage == Some(index as usize));
                blocks.landed(index, crc, &segments)
            })
            .collect();
        (blocks, verdicts)
    }

    #[test]
    fn blocks_of_several_granules_are_proven_with_the_last_of_them() {
        let bytes: Vec<u8> = (0..5 * MIB + 9).map(|at| (at % 251) as u8).collect();
        let (blocks, verdicts) = land(&bytes, 2 * MIB, None);
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Fine));
        assert_eq!(blocks.proven(), bytes.len() as u64);
        let segments = Segments::new(bytes.len() as u64, MIB, true);
        assert_eq!(
            blocks.combined(&(0..6), &segments),
            crc_fast::crc64_nvme(&bytes)
        );
    }

    #[test]
    fn a_damaged_granule_condemns_its_block_and_no_other() {
        let bytes = vec![7; 6 * MIB as usize];
        let (blocks, verdicts) = land(&bytes, 2 * MIB, Some(2));
        assert_eq!(verdicts[3], Verdict::Bad(2..4));
        assert_eq!(blocks.proven(), 4 * MIB);
        assert_eq!(blocks.damaged(), 1);
    }

    #[test]
    fn odd_blocks_become_the_granule() {
        let bytes = vec![3; 300_000];
        let (blocks, verdicts) = land(&bytes, 70_000, Some(4));
        assert_eq!(verdicts.len(), 5);
        assert_eq!(verdicts[4], Verdict::Bad(4..5));
        assert_eq!(blocks.proven(), 280_000);
    }
}
