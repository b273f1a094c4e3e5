//! The zip format: deflated members with one fixed date and mode, zip64 wherever a number needs it.

use std::io;

use ::zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::{Listing, Outlet, Stop};
use crate::source::Work;

/// From here on a member gets zip64 fields: deflate makes what cannot be compressed a little larger.
const ZIP64_FROM: u64 = 0xF000_0000;

pub(super) fn write<'o>(
    listing: &Listing,
    work: &Work,
    outlet: Outlet<'o>,
) -> Result<Outlet<'o>, Stop> {
    let mut zip = ZipWriter::new_stream(outlet);
    for member in &listing.members {
        let mut input = listing.open(member, work).map_err(Stop::Source)?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(4))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(member.print.size >= ZIP64_FROM);
        zip.start_file(&*member.name, options)
            .map_err(|error| input.failure(&of_zip(error)))?;
        io::copy(&mut input, &mut zip).map_err(|error| input.failure(&error))?;
        input.done().map_err(Stop::Source)?;
    }
    // Writing fails only where nobody listens any more.
    let finished = zip.finish().map_err(|_| Stop::NobodyListens)?;
    Ok(finished.into_inner())
}

fn of_zip(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidInput, other.to_string()),
    }
}
