//! The part file: who may have it, how it begins, and how it is taken up again.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fs4::{FileExt, TryLockError};
use uuid::Uuid;

use super::{
    Place,
    ahead::Ahead,
    control::{self, Counters, Found, Record},
    find,
    finish::landed,
    name, remove_file,
};
use crate::{Error, WhenTaken};

/// Numbered neighbours of a name that are tried.
pub(crate) const NEIGHBOURS: u32 = 1000;

/// A part file that this pull holds, locked until it is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) place: Place,
    pub(crate) file: Arc<File>,
    ahead: Ahead,
}

impl Part {
    fn new(place: Place, file: File) -> Self {
        Self {
            place,
            file: Arc::new(file),
            ahead: Ahead::default(),
        }
    }
}

/// What an earlier run left.
#[derive(Debug)]
pub(crate) enum Earlier {
    Nothing,
    /// A part file; without its record where that was damaged, so that all begins again.
    Begun(Part, Option<Box<Record>>),
    /// The finished file: the run died between its rename and the removal of its record, which is at
    /// the second path.
    Landed(PathBuf, PathBuf, Box<Record>),
}

/// Looks for what an earlier run of `id` left in `folder`, and takes it up. Blocking.
pub(crate) fn earlier(folder: &Path, id: Uuid) -> Result<Earlier, Error> {
    let failed = |error: &io::Error| Error::in_folder("read", folder, error);
    let mut found = find(folder, id).map_err(|error| failed(&error))?;
    // The sound one first; more than one is the work of a crash in the middle of a fresh start.
    found.sort_by_key(|(_, found)| !matches!(found, Found::Sound(_)));
    let mut found = found.into_iter();
    let Some((place, first)) = found.next() else {
        return Ok(Earlier::Nothing);
    };
    for (other, _) in found {
        remove(&other)?;
    }
    let record = match first {
        Found::Sound(record) => Some(record),
        _ => None,
    };
    if let Some(record) = &record
        && let Some(path) = landed(&place, record)
    {
        return Ok(Earlier::Landed(path, place.record(), record.clone()));
    }
    let file = open(&place)?;
    lock(&file)?;
    Ok(Earlier::Begun(Part::new(place, file), record))
}

impl Part {
    /// Empties the part file, and its record of all claims; what it cost stays known. Blocking.
    pub(crate) fn blank(&self, id: Uuid, counters: Counters) -> Result<(), Error> {
        let mut record = Record::new(id, &self.place.name);
        record.counters = counters;
        // The claims go first: a crash in between leaves a record that claims nothing.
        control::replace(&self.place, &record)
            .and_then(|()| self.file.set_len(0))
            .map_err(|error| Error::in_folder("empty the part file", &self.place.folder, &error))
    }

    /// Reserves room for `size` bytes, so that a full disk is known at once. Blocking.
    pub(crate) fn allocate(&self, size: u64) -> Result<(), Error> {
        let failed = |error: &io::Error| Error::in_folder("make room", &self.place.folder, error);
        let there = FileExt::allocated_size(&*self.file).unwrap_or_default();
        let needed = size.saturating_sub(there);
        if fs4::available_space(&self.place.folder).is_ok_and(|room| room < needed) {
            return Err(Error::DiskFull { needed, kept: 0 });
        }
        self.file.set_len(size).map_err(|error| failed(&error))?;
        match self.ahead.reserve(&self.file, &self.place.part(), size) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                Err(Error::DiskFull { needed, kept: 0 })
            }
            // Not every file system can reserve; then the writes will tell.
            Err(error) => {
                tracing::debug!(%error, "this file system does not reserve room");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Removes all that there is of this download. Blocking.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        remove_files(&self.place)
    }
}

/// Reserves `wanted`, or a numbered neighbour where one may be taken, and makes the part file.
pub(crate) fn begin(
    folder: &Path,
    id: Uuid,
    wanted: &str,
    when_taken: WhenTaken,
) -> Result<Part, Error> {
    for neighbour in 0..when_taken.tries() {
        let place = Place {
            folder: folder.to_owned(),
            name: name::numbered(wanted, neighbour),
        };
        if let Some(part) = claim(place, id)? {
            return Ok(part);
        }
    }
    Err(when_taken.none_is_free(wanted))
}

/// Whether nothing in `folder` has that name, nor is about to. Blocking.
pub(crate) fn is_free(folder: &Path, name: &str) -> bool {
    let place = Place {
        folder: folder.to_owned(),
        name: name.to_owned(),
    };
    [folder.join(name), place.record(), place.part()]
        .iter()
        .all(|path| matches!(taken(path), Ok(false)))
}

/// One claim at a time in this process: a record that is just being written by another pull would
/// be read as a damaged one, which is nobody's.
static CLAIMING: Mutex<()> = Mutex::new(());

pub(super) fn claiming() -> MutexGuard<'static, ()> {
    CLAIMING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Claims one name: the record first, because only it says whose the part file is. None where
/// the name is taken.
fn claim(place: Place, id: Uuid) -> Result<Option<Part>, Error> {
    let _alone = claiming();
    let failed = |error: &io::Error| Error::in_folder("create the part file", &place.folder, error);
    if taken(&place.folder.join(&place.name)).map_err(|error| failed(&error))? {
        return Ok(None);
    }
    let record = Record::new(id, &place.name);
    match control::reserve(&place, &record) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return take_over(place, &record);
        }
        Err(error) => return Err(failed(&error)),
    }
    match OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(place.part())
    {
        Ok(file) => {
            lock(&file)?;
            Ok(Some(Part::new(place, file)))
        }
        Err(error) => {
            // Another program's part file, or a full disk: the reservation is given back, unless
            // another process has taken it over meanwhile.
            if matches!(control::read(&place.record()), Ok(Found::Sound(found)) if found.id == id) {
                remove_file(&place.record()).map_err(|error| failed(&error))?;
            }
            match error.kind() {
                io::ErrorKind::AlreadyExists => Ok(None),
                _ => Err(failed(&error)),
            }
        }
    }
}

/// A record that nobody can read any more is nobody's, unless a pull holds its part file.
fn take_over(place: Place, record: &Record) -> Result<Option<Part>, Error> {
    let failed = |error: &io::Error| Error::in_folder("create the part file", &place.folder, error);
    match control::read(&place.record()) {
        Ok(Found::Damaged(None)) => {}
        _ => return Ok(None),
    }
    let file = open(&place)?;
    if lock(&file).is_err() {
        return Ok(None);
    }
    tracing::warn!(name = ?place.name, "a damaged control record was found; its download starts over");
    control::replace(&place, record).map_err(|error| failed(&error))?;
    Ok(Some(Part::new(place, file)))
}

/// Removes what a download left, unless a pull holds it. The record goes last: it alone says
/// whose the part file is.
pub(crate) fn remove(place: &Place) -> Result<(), Error> {
    match OpenOptions::new().read(true).write(true).open(place.part()) {
        Ok(file) => lock(&file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::disk("open the part file", &error)),
    }
    remove_files(place)
}

fn remove_files(place: &Place) -> Result<(), Error> {
    for path in [place.part(), place.fresh_record(), place.record()] {
        remove_file(&path).map_err(|error| Error::disk("remove the part file", &error))?;
    }
    Ok(())
}

fn open(place: &Place) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(place.part())
        .map_err(|error| Error::in_folder("open the part file", &place.folder, &error))
}

fn lock(file: &File) -> Result<(), Error> {
    match FileExt::try_lock(file) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { kept: 0 }),
        // Some network file systems have no locks: the record's id still keeps downloads apart.
        Err(TryLockError::Error(error)) => {
            tracing::debug!(%error, "this file system has no locks");
            Ok(())
        }
    }
}

fn taken(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
