//! An artifact's check blocks: a client proves each block as it lands, and fetches only a bad one again.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Crc64Nvme, Sha256};

const MIB: u64 = 1 << 20;

/// No manifest has more blocks than this.
pub(crate) const MAX_BLOCKS: u64 = 8192;

/// The check block size of an artifact of `size` bytes: 1 MiB up to 8 GiB, then doubled so that
/// there are at most 8,192 (contract, section 1).
#[must_use]
pub fn block_size_for(size: u64) -> u64 {
    let mut block = MIB;
    while size.div_ceil(block) > MAX_BLOCKS {
        block *= 2;
    }
    block
}

/// The answer of `GET /v1/jobs/{id}/manifest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Manifest {
    /// Bytes of the artifact.
    pub size: u64,
    /// The object's ETag, quotes included.
    pub etag: String,
    /// Bytes of each block but the last.
    pub block_size: u64,
    /// One for each block, in order; empty where the artifact is.
    pub crc64nvme: Vec<Crc64Nvme>,
    /// Of the whole artifact.
    pub sha256: Sha256,
}

impl Manifest {
    /// Whether the number of blocks fits the size: a manifest that says otherwise checks nothing.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.block_size > 0
            && self.size.div_ceil(self.block_size) == self.crc64nvme.len() as u64
            && self.crc64nvme.len() as u64 <= MAX_BLOCKS
    }

    /// The bytes `start..end` that block `index` covers.
    #[must_use]
    pub fn block(&self, index: usize) -> Option<std::ops::Range<u64>> {
        let start = (index as u64).checked_mul(self.block_size)?;
        (start < self.size).then(|| start..self.size.min(start + self.block_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_a_mebibyte_until_there_would_be_too_many() {
        assert_eq!(block_size_for(0), MIB);
        assert_eq!(block_size_for(8192 * MIB), MIB);
        assert_eq!(block_size_for(8192 * MIB + 1), 2 * MIB);
        assert_eq!(block_size_for(5 << 40), 1024 * MIB);
    }
}
