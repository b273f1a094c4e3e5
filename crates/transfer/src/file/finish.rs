//! The last step: a part file gets its final name, never over another file, and leaves nothing behind.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::TempPath;

use super::{
    Place,
    control::{self, Record},
    name::numbered,
    part::{NEIGHBOURS, Part},
    remove_file, sync_folder,
};
use crate::{
    Error,
    verify::digest::{crc_of, joined},
};

/// Syncs, renames and cleans up; answers where the file is. Blocking.
pub(crate) fn finish(part: &Part, record: &mut Record) -> Result<PathBuf, Error> {
    let place = &part.place;
    let failed = |error: &io::Error| Error::in_folder("finish the file", &place.folder, error);
    part.file.sync_all().map_err(|error| failed(&error))?;
    for neighbour in 0..NEIGHBOURS {
        let name = numbered(&place.name, neighbour);
        // Said before it is done: a crash right after the rename would otherwise leave a record
        // without a part file, and the download would be pulled a second time.
        record.landing = Some(name.clone());
        control::replace(place, record).map_err(|error| failed(&error))?;
        let path = place.folder.join(name);
        match rename_into_free(&place.part(), &path) {
            Ok(()) => {
                sync_folder(&place.folder).map_err(|error| failed(&error))?;
                remove_file(&place.record()).map_err(|error| failed(&error))?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(Error::Name {
        name: place.name.clone(),
        kept: 0,
    })
}

/// The finished file of a run that died between its rename and the removal of its record: proven
/// to be that file by its bytes. Blocking.
pub(crate) fn landed(place: &Place, record: &Record) -> Option<PathBuf> {
    let path = place.folder.join(record.landing.as_ref()?);
    let object = record.object.as_ref()?;
    let crcs = record.granule_crcs()?;
    if crcs.len() as u64 != object.size.div_ceil(object.granule) || place.part().exists() {
        return None;
    }
    let file = File::open(&path).ok()?;
    if file.metadata().ok()?.len() != object.size {
        return None;
    }
    let whole = whole_of(record);
    (crc_of(&file, 0, object.size).ok()? == whole).then_some(path)
}

/// The CRC-64/NVME of all granules that a record claims, in order.
pub(crate) fn whole_of(record: &Record) -> u64 {
    let (Some(object), Some(crcs)) = (&record.object, record.granule_crcs()) else {
        return 0;
    };
    crcs.iter().fold(0, |whole, (granule, crc)| {
        let start = u64::from(*granule) * object.granule;
        joined(whole, *crc, object.granule.min(object.size - start))
    })
}

/// `renameat2` with `RENAME_NOREPLACE`, or what the system has in its place.
fn rename_into_free(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = TempPath::try_from_path(from)?;
    // It is no temporary file: a failed rename must leave it where it is.
    from.disable_cleanup(true);
    from.persist_noclobber(to).map_err(|failed| failed.error)
}
