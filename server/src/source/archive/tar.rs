//! The tar.zst format: regular files of nobody, one date and mode, in one Zstandard frame.

use std::io;

use ::tar::{Builder, EntryType, Header};
use ::zstd::Encoder;

use super::{Listing, Outlet, Stop};
use crate::source::{SourceError, Work};

/// The level at which Zstandard keeps up with a disk.
const LEVEL: i32 = 3;

pub(super) fn write<'o>(
    listing: &Listing,
    work: &Work,
    outlet: Outlet<'o>,
) -> Result<Outlet<'o>, Stop> {
    let mut frame = Encoder::new(outlet, LEVEL).map_err(no_memory)?;
    frame.include_checksum(true).map_err(no_memory)?;
    let mut tar = Builder::new(frame);
    for member in &listing.members {
        let mut input = listing.open(member, work).map_err(Stop::Source)?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(member.print.size);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        tar.append_data(&mut header, &member.name, &mut input)
            .map_err(|error| input.failure(&error))?;
        input.done().map_err(Stop::Source)?;
    }
    // Writing fails only where nobody listens any more.
    let frame = tar.into_inner().map_err(|_| Stop::NobodyListens)?;
    frame.finish().map_err(|_| Stop::NobodyListens)
}

fn no_memory(error: io::Error) -> Stop {
    Stop::Source(SourceError::io("the archive", error))
}
