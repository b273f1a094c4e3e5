//! A small file gets onto the disk at one go: without a name until it is whole and synced, so that
//! a crash leaves the file or nothing.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{Place, name::numbered, part::NEIGHBOURS, sync_folder};
use crate::Error;

/// Writes `chunks` to a file in `folder` named `wanted`, or a numbered neighbour. Blocking.
pub(crate) fn land(folder: &Path, wanted: &str, chunks: &[Bytes]) -> Result<PathBuf, Error> {
    let failed = |error: &io::Error| Error::in_folder("write the file", folder, error);
    match attempt(folder, wanted, chunks) {
        // Somebody removed the folder after it was looked at.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            attempt(folder, wanted, chunks)
        }
        landed => landed,
    }
    .map_err(|error| failed(&error))?
    .ok_or_else(|| Error::Name {
        name: wanted.to_owned(),
        kept: 0,
    })
}

fn attempt(folder: &Path, wanted: &str, chunks: &[Bytes]) -> io::Result<Option<PathBuf>> {
    let mut fresh = Fresh::new(folder)?;
    for chunk in chunks {
        fresh.file().write_all(chunk)?;
    }
    fresh.file().sync_data()?;
    for neighbour in 0..NEIGHBOURS {
        let place = Place {
            folder: folder.to_owned(),
            name: numbered(wanted, neighbour),
        };
        // A name that another download, or another program, is about to use is left to it.
        if [place.record(), place.part()]
            .iter()
            .any(|path| path.symlink_metadata().is_ok())
        {
            continue;
        }
        let path = folder.join(place.name);
        match fresh.name(&path) {
            Ok(()) => {
                sync_folder(folder)?;
                return Ok(Some(path));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// A file on its way: nameless where the system can, else under a hidden name.
enum Fresh {
    #[cfg(target_os = "linux")]
    Nameless(File),
    Hidden(Option<tempfile::NamedTempFile>, File),
}

impl Fresh {
    fn new(folder: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        match nameless::open(folder) {
            Ok(file) => return Ok(Self::Nameless(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            // Not every file system can.
            Err(_) => {}
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let named = builder.tempfile_in(folder)?;
        let file = named.as_file().try_clone()?;
        Ok(Self::Hidden(Some(named), file))
    }

    fn file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Hidden(_, file) => file,
        }
    }

    /// Gives it its name; an error of the kind `AlreadyExists` where that is taken.
    fn name(&mut self, path: &Path) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => nameless::link(file, path),
            Self::Hidden(named, _) => {
                let Some(fresh) = named.take() else {
                    return Err(io::Error::other("it has its name already"));
                };
                match fresh.persist_noclobber(path) {
                    Ok(_) => Ok(()),
                    Err(failed) => {
                        *named = Some(failed.file);
                        Err(failed.error)
                    }
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod nameless {
    use std::{
        fs::File,
        io,
        os::fd::{AsFd as _, AsRawFd as _},
        path::Path,
    };

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    /// open(2), `O_TMPFILE`: the file goes with its last handle unless it is given a name.
    pub(super) fn open(folder: &Path) -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666))?;
        Ok(File::from(file))
    }

    /// linkat(2) never replaces a file.
    pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
        let itself = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        rustix::fs::linkat(CWD, itself, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("reads")
            .map(|entry| entry.expect("reads").file_name().to_string_lossy().into())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_lands_whole_beside_what_is_there_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let chunks = [Bytes::from_static(b"all "), Bytes::from_static(b"of it")];
        std::fs::write(folder.path().join("a.txt"), "mine").expect("writes");
        std::fs::write(folder.path().join("a (1).txt.part.json"), "reserved").expect("writes");
        let path = land(folder.path(), "a.txt", &chunks).expect("lands");
        assert_eq!(path, folder.path().join("a (2).txt"));
        assert_eq!(std::fs::read(path).expect("reads"), b"all of it");
        let left = ["a (1).txt.part.json", "a (2).txt", "a.txt"];
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn the_way_without_nameless_files_does_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let named = tempfile::Builder::new()
            .tempfile_in(folder.path())
            .expect("makes");
        let file = named.as_file().try_clone().expect("clones");
        let mut fresh = Fresh::Hidden(Some(named), file);
        fresh.file().write_all(b"all of it").expect("writes");
        let (taken, free) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&taken, "mine").expect("writes");
        let error = fresh.name(&taken).expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        fresh.name(&free).expect("free");
        assert_eq!(std::fs::read(free).expect("reads"), b"all of it");
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn a_folder_that_went_away_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone");
        land(&gone, "a", &[]).expect("lands");
        assert_eq!(names(&gone), ["a"]);
    }
}
