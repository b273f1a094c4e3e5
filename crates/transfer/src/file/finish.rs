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

/// Syncs, renames and cleans up, but for the record where that is settled later; answers where the
/// file is. Blocking.
pub(crate) fn finish(part: &Part, record: &mut Record, settles: bool) -> Result<PathBuf, Error> {
    let place = &part.place;
    let failed = |error: &io::Error| Error::in_folder("finish the file", &place.folder, error);
    part.file.sync_all().map_err(|error| failed(&error))?;
    for neighbour in 0..NEIGHBOURS {
        let name = numbered(&place.name, neighbour);
        // Said before it is done: a crash right after the rename would otherwise leave a record
        // without a part file, and the download would be pulled a second time.
        record.landing = Some(name.clone());
        match control::replace(place, record) {
            // All bytes are there: that a crash might now cost a second pull is the smaller harm.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                tracing::warn!(name = ?place.name, "the disk is full: the file is finished without a word in its record");
            }
            replaced => replaced.map_err(|error| failed(&error))?,
        }
        let path = place.folder.join(name);
        match rename_into_free(&place.part(), &path) {
            Ok(()) => {
                sync_folder(&place.folder).map_err(|error| failed(&error))?;
                if !settles {
                    remove_file(&place.record()).map_err(|error| failed(&error))?;
                }
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

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a single range of granules is what is meant"
)]
mod tests {
    use longhaul_protocol::Crc64Nvme;
    use uuid::Uuid;

    use super::*;
    use crate::WhenTaken;
    use crate::file::{
        Earlier, begin,
        control::{HeadRecord, ObjectRecord},
        earlier,
    };

    const BYTES: &[u8] = b"all of it";

    /// A download whose bytes are all there, one instant before its last step.
    fn all_there(folder: &Path, id: Uuid) -> (Part, Record) {
        let part = begin(folder, id, "a.bin", WhenTaken::Number).expect("begins");
        std::fs::write(part.place.part(), BYTES).expect("writes");
        let mut record = Record::new(id, "a.bin");
        record.object = Some(ObjectRecord {
            size: BYTES.len() as u64,
            granule: 1 << 20,
            etag: None,
            last_modified: None,
        });
        record.done = vec![0..1];
        record.crcs = format!("{:016x}", crc_fast::crc64_nvme(BYTES));
        record.heads = Vec::<HeadRecord>::new();
        (part, record)
    }

    #[test]
    fn a_crash_right_after_the_rename_is_no_second_download() {
        let folder = tempfile::tempdir().expect("a folder");
        let id = Uuid::from_u128(1);
        let (part, mut record) = all_there(folder.path(), id);
        record.landing = Some("a.bin".into());
        control::replace(&part.place, &record).expect("writes");
        std::fs::rename(part.place.part(), folder.path().join("a.bin")).expect("renames");
        drop(part);
        let Ok(Earlier::Landed(path, place, record)) = earlier(folder.path(), id) else {
            panic!("not recognised");
        };
        assert_eq!(path, folder.path().join("a.bin"));
        assert_eq!(
            Crc64Nvme(whole_of(&record)),
            Crc64Nvme(crc_fast::crc64_nvme(BYTES))
        );
        // Until it is settled it is found again.
        assert!(matches!(
            earlier(folder.path(), id),
            Ok(Earlier::Landed(..))
        ));
        crate::file::settle(&place).expect("settles");
        crate::file::settle(&place).expect("nothing there is no error");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("reads").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn another_file_under_the_name_is_not_taken_for_the_download() {
        let folder = tempfile::tempdir().expect("a folder");
        let id = Uuid::from_u128(2);
        let (part, mut record) = all_there(folder.path(), id);
        record.landing = Some("a.bin".into());
        control::replace(&part.place, &record).expect("writes");
        std::fs::remove_file(part.place.part()).expect("removes");
        std::fs::write(folder.path().join("a.bin"), b"other too").expect("writes");
        drop(part);
        assert!(matches!(earlier(folder.path(), id), Ok(Earlier::Begun(..))));
        let kept = std::fs::read(folder.path().join("a.bin")).expect("reads");
        assert_eq!(kept, b"other too");
    }

    #[test]
    fn the_last_step_takes_the_next_free_name_and_cleans_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let (part, mut record) = all_there(folder.path(), Uuid::from_u128(3));
        std::fs::write(folder.path().join("a.bin"), b"mine").expect("writes");
        let path = finish(&part, &mut record, false).expect("finishes");
        assert_eq!(path, folder.path().join("a (1).bin"));
        assert_eq!(std::fs::read(path).expect("reads"), BYTES);
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("reads").collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
