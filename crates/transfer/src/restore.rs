//! What an earlier run left is taken up again: only what its record claims and its bytes confirm.

use std::sync::Arc;

use longhaul_protocol::Manifest;
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    file::{Part, control::Record},
    probe::Object,
    segments::Head,
    table::Table,
    verify::{blocks::granule_for, digest::crc_of},
};

/// Why nothing of it is used, in words for the user.
pub(crate) type Distrust = &'static str;

/// Builds the table of an interrupted pull. Blocks that the manifest proves are trusted as they
/// are; all other claimed bytes are read once and held against the CRCs of when they came.
/// Blocking.
pub(crate) fn restore(
    part: &Part,
    record: &Record,
    expected: &Object,
    manifest: Option<&Arc<Manifest>>,
    stop: &CancellationToken,
) -> Result<Result<(Object, Table), Distrust>, Error> {
    let Some(claimed) = &record.object else {
        return Ok(Err("nothing was recorded yet"));
    };
    let object = Object {
        size: Some(claimed.size),
        etag: claimed.etag.clone(),
        last_modified: claimed.last_modified.clone(),
    };
    if crate::reply::compare(&object, Some(expected)).is_err() {
        return Ok(Err("what was kept is of another version of the file"));
    }
    if object.etag.is_none() && object.last_modified.is_none() && manifest.is_none() {
        return Ok(Err("the source gave nothing to recognise the file by"));
    }
    let Some(granules) = record.granule_crcs() else {
        return Ok(Err("the control record contradicts itself"));
    };
    if claimed.granule != granule_for(claimed.size, manifest.map(Arc::as_ref)) {
        return Ok(Err("the file is checked by other blocks now"));
    }
    let length = part
        .file
        .metadata()
        .map_err(|error| Error::in_folder("read", &part.place.folder, &error))?
        .len();
    if length != claimed.size {
        return Ok(Err("the part file has another length than was recorded"));
    }
    let check = Check {
        part,
        granule: claimed.granule,
        size: claimed.size,
        manifest: manifest.map(Arc::as_ref),
        stop,
    };
    let mut there = Vec::with_capacity(granules.len());
    for (granule, crc) in granules {
        if check.is_proven(granule, crc) || check.is_there(granule, u64::MAX, crc)? {
            there.push((granule, crc));
        }
    }
    let mut heads = Vec::new();
    for head in &record.heads {
        let free = there
            .binary_search_by_key(&head.granule, |(at, _)| *at)
            .is_err();
        let fits = u64::from(head.granule) * claimed.granule + head.length < claimed.size
            && (1..claimed.granule).contains(&head.length);
        if free && fits && check.is_there(head.granule, head.length, head.crc.0)? {
            heads.push((
                head.granule,
                Head {
                    length: head.length,
                    crc: head.crc.0,
                },
            ));
        }
    }
    heads.sort_unstable_by_key(|(granule, _)| *granule);
    heads.dedup_by_key(|(granule, _)| *granule);
    let table = Table::resumed(
        object.clone(),
        manifest.cloned(),
        claimed.granule,
        &there,
        &heads,
    );
    Ok(Ok((object, table)))
}

struct Check<'a> {
    part: &'a Part,
    granule: u64,
    size: u64,
    manifest: Option<&'a Manifest>,
    stop: &'a CancellationToken,
}

impl Check<'_> {
    /// Whether the manifest vouches for this CRC. Only where a block is one granule: a block of
    /// several is read, rather than believed in part.
    fn is_proven(&self, granule: u32, crc: u64) -> bool {
        self.manifest.is_some_and(|manifest| {
            manifest.block_size == self.granule
                && manifest
                    .crc64nvme
                    .get(granule as usize)
                    .is_some_and(|expected| expected.0 == crc)
        })
    }

    /// Whether the bytes on the disk have this CRC.
    fn is_there(&self, granule: u32, length: u64, crc: u64) -> Result<bool, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::Stopped { kept: 0 });
        }
        let start = u64::from(granule) * self.granule;
        let end = self.size.min(start + length.min(self.granule));
        crc_of(&self.part.file, start, end)
            .map(|found| found == crc)
            .map_err(|error| Error::in_folder("read", &self.part.place.folder, &error))
    }
}
