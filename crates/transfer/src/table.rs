//! What all connections of one pull share: who fetches what, and what has landed. Locked once a granule.

use std::{collections::HashMap, sync::Arc};

use longhaul_protocol::{Crc64Nvme, Manifest};

use crate::{
    Error, SegmentView,
    file::control::{HeadRecord, ObjectRecord, Record},
    probe::Object,
    segments::{Head, LaneId, Segments, Work},
    verify::blocks::{Blocks, Verdict, granule_for},
};

/// A connection on trial takes no more than this at once, from the end of another's segment; and so
/// much of what it has asked for a connection brings still, when it is to leave. Bytes that are in
/// its socket by then were paid for: over a narrow line they are some per cent of a large file.
pub(crate) const ERRAND: u64 = 16 << 20;

/// What a granule's landing means for its connection.
#[derive(Debug)]
pub(crate) struct Landed {
    /// Whether it goes on with the next.
    pub(crate) goes_on: Result<bool, Error>,
    /// Whether the block was damaged that the granule made whole.
    pub(crate) is_damaged: bool,
}

/// Segments and their checksums.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) segments: Segments,
    pub(crate) blocks: Blocks,
    object: Object,
    granule: u64,
    /// While the last of the connections may be one too many.
    trying: bool,
}

impl Table {
    /// For an object of which nothing is there.
    pub(crate) fn new(object: Object, manifest: Option<Arc<Manifest>>, ranged: bool) -> Self {
        let granule = granule_for(object.size.unwrap_or_default(), manifest.as_deref());
        let segments = match object.size {
            Some(size) => Segments::new(size, granule, ranged),
            None => Segments::endless(granule),
        };
        Self {
            segments,
            blocks: Blocks::new(granule, manifest),
            object,
            granule,
            trying: false,
        }
    }

    /// For an object of which `granules` (ascending) and `heads` are there, checked.
    pub(crate) fn resumed(
        object: Object,
        manifest: Option<Arc<Manifest>>,
        granule: u64,
        granules: &[(u32, u64)],
        heads: &[(u32, Head)],
    ) -> Self {
        let size = object.size.unwrap_or_default();
        let mut table = Self {
            segments: Segments::new(size, granule, true),
            blocks: Blocks::new(granule, manifest),
            object,
            granule,
            trying: false,
        };
        let mut missing = Vec::new();
        let mut from = 0;
        for (at, _) in granules {
            missing.push(from..*at);
            from = at + 1;
        }
        missing.push(from..table.segments.count());
        table.segments = Segments::resumed(size, granule, &missing, heads);
        for (at, crc) in granules {
            if let Verdict::Bad(granules) = table.blocks.landed(*at, *crc, &table.segments) {
                table.segments.lose(granules);
            }
        }
        table
    }

    /// `lane` has written a granule.
    pub(crate) fn landed(&mut self, lane: LaneId, granule: u32, crc: u64) -> Landed {
        let goes_on = self.segments.complete(lane, granule);
        match self.blocks.landed(granule, crc, &self.segments) {
            Verdict::Fine => Landed {
                goes_on: Ok(goes_on),
                is_damaged: false,
            },
            Verdict::Bad(granules) => {
                tracing::warn!(?granules, "a block came damaged; it is fetched again");
                self.segments.lose(granules);
                Landed {
                    goes_on: Ok(goes_on),
                    is_damaged: true,
                }
            }
            Verdict::Hopeless(block, granules) => {
                self.segments.lose(granules);
                Landed {
                    goes_on: Err(Error::DigestMismatch {
                        what: format!("block {block} came damaged every time"),
                        kept: 0,
                    }),
                    is_damaged: true,
                }
            }
        }
    }

    /// A stream without a length has ended; `head` is what there is of its last granule.
    pub(crate) fn ended(&mut self, granule: u32, head: Head) -> Result<(), Error> {
        let size = self.segments.bytes(granule).start + head.length;
        self.segments.end_at(size);
        self.object.size = Some(size);
        if head.length > 0 {
            self.blocks.landed(granule, head.crc, &self.segments);
        }
        Ok(())
    }

    /// The CRC-64/NVME of the whole, once complete.
    pub(crate) fn whole(&self) -> Crc64Nvme {
        Crc64Nvme(
            self.blocks
                .combined(&(0..self.segments.count()), &self.segments),
        )
    }

    /// Writes what is on the disk into a record.
    pub(crate) fn note(&self, record: &mut Record) {
        record.object = self.object.size.map(|size| ObjectRecord {
            size,
            granule: self.granule,
            etag: self.object.etag.clone(),
            last_modified: self.object.last_modified.clone(),
        });
        record.done = self.segments.done();
        record.crcs = record
            .done
            .iter()
            .cloned()
            .flatten()
            .map(|granule| format!("{:016x}", self.blocks.crc(granule)))
            .collect();
        record.heads = self
            .segments
            .heads()
            .into_iter()
            .map(|(granule, head)| HeadRecord {
                granule,
                length: head.length,
                crc: Crc64Nvme(head.crc),
            })
            .collect();
    }

    /// Work for a free connection. While a number of connections is on trial it is an errand: half
    /// of what another one is on would be left behind in the middle of the file when the trial fails,
    /// and that other one would have to end there and ask anew.
    pub(crate) fn take(&mut self, lane: LaneId) -> Option<Work> {
        match self.trying {
            true => self.segments.take_some(lane, ERRAND),
            false => self.segments.take(lane),
        }
    }

    pub(crate) const fn set_trying(&mut self, trying: bool) {
        self.trying = trying;
    }

    /// The map and the sum of what is written; `positions` says how far the connections are.
    pub(crate) fn view(&self, positions: &HashMap<LaneId, u64>) -> (Vec<SegmentView>, u64) {
        let view = self.segments.view(|lane| positions.get(&lane).copied());
        let done = view.iter().map(|segment| segment.done).sum();
        (view, done)
    }
}
