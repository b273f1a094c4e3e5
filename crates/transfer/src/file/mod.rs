//! What a pull does to the disk: a part file and its record beside the final name, and nothing else.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::{Error, SegmentView};

mod ahead;
pub(crate) mod control;
mod finish;
mod keeper;
mod landing;
mod leftovers;
pub(crate) mod name;
mod pace;
mod part;
mod writer;

pub(crate) use finish::{finish, whole_of};
pub(crate) use keeper::Keeper;
pub(crate) use landing::Landings;
pub(crate) use leftovers::Leftovers;
pub(crate) use part::{Earlier, NEIGHBOURS, Part, begin, earlier, is_free};
pub(crate) use writer::{Writer, read_exact_at};

/// Where one download's files are: `NAME.part`, `NAME.part.json`, and in the end `NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn part(&self) -> PathBuf {
        self.folder.join(part_of(&self.name))
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join(record_of(&self.name))
    }

    /// Where the next record is made before it replaces the last.
    pub(crate) fn fresh_record(&self) -> PathBuf {
        self.folder.join(format!("{}.part.new", self.name))
    }
}

pub(crate) const RECORD_SUFFIX: &str = ".part.json";

fn part_of(name: &str) -> String {
    format!("{name}.part")
}

fn record_of(name: &str) -> String {
    format!("{name}{RECORD_SUFFIX}")
}

/// The record of a file that landed under its own name at once.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(record_of(&name))
}

/// The records in `folder` that name `id`, sound or not.
pub(crate) fn find(folder: &Path, id: Uuid) -> io::Result<Vec<(Place, control::Found)>> {
    let mut found = records(folder)?;
    found.retain(|(_, owner, _)| *owner == id);
    Ok(found
        .into_iter()
        .map(|(place, _, found)| (place, found))
        .collect())
}

/// The records in `folder`, sound or not, and whose they are.
pub(crate) fn records(folder: &Path) -> io::Result<Vec<(Place, Uuid, control::Found)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let file_name = entry?.file_name();
        let Some(name) = file_name
            .to_str()
            .and_then(|name| name.strip_suffix(RECORD_SUFFIX))
        else {
            continue;
        };
        let place = Place {
            folder: folder.to_owned(),
            name: name.to_owned(),
        };
        // A record that cannot be read at all is not ours to judge: another may own it.
        match control::read(&place.record()) {
            Ok(control::Found::Sound(record)) if record.name == name => {
                found.push((place, record.id, control::Found::Sound(record)));
            }
            Ok(control::Found::Damaged(Some(owner))) => {
                found.push((place, owner, control::Found::Damaged(Some(owner))));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Removes part file and record of a download that is given up.
pub(crate) async fn discard(folder: &Path, id: Uuid) -> Result<(), Error> {
    let folder = folder.to_owned();
    blocking(move || {
        let gone = |error: &io::Error| Error::in_folder("remove the part file", &folder, error);
        for (place, _) in find(&folder, id).map_err(|error| gone(&error))? {
            part::remove(&place)?;
        }
        Ok(())
    })
    .await
}

/// Removes the record of a finished file. Blocking.
pub(crate) fn settle(record: &Path) -> Result<(), Error> {
    let folder = record.parent().unwrap_or(record);
    remove_file(record).map_err(|error| Error::in_folder("remove the record in", folder, &error))
}

/// The map of what the record of a download claims.
pub(crate) async fn kept(folder: &Path, id: Uuid) -> Result<Vec<SegmentView>, Error> {
    let folder = folder.to_owned();
    blocking(move || {
        let found = find(&folder, id).map_err(|error| Error::in_folder("read", &folder, &error))?;
        let record = found.into_iter().find_map(|(_, found)| match found {
            control::Found::Sound(record) => Some(record),
            _ => None,
        });
        Ok(record.map_or_else(Vec::new, |record| record.segments()))
    })
    .await
}

/// Syncs a folder, so that a rename in it survives a power cut. Windows has no such call.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Removes a file; one that is not there is removed already.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Runs disk work off the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Error::Folder {
                doing: "work",
                reason: error.to_string(),
                kept: 0,
            })
        })
}
