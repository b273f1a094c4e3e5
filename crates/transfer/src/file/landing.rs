//! A small file gets onto the disk at one go: without a name until it is whole and synced, so that
//! a crash leaves the file or nothing.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Place, blocking,
    control::{self, Record},
    name::numbered,
    part::claiming,
    part_of, record_of, remove_file, sync_folder,
};
use crate::{Error, WhenTaken};

/// A landing that takes no longer than this may be done on the runtime's own threads: handing it to
/// another thread and back costs as much.
const QUICK: Duration = Duration::from_micros(300);

/// For how long a quick landing vouches for the next one in the same folder.
const VOUCHES: Duration = Duration::from_millis(200);

/// Lands small files, and knows where that was quick a moment ago.
///
/// Only what was just measured counts, and only for the folder it was measured in: of another disk,
/// or of one that had time to go to sleep, nothing is known, and what may take long is kept off the
/// runtime's threads.
#[derive(Debug, Default)]
pub(crate) struct Landings(Mutex<Option<(PathBuf, Instant)>>);

impl Landings {
    /// [`land`], on whatever thread costs least.
    pub(crate) async fn land(
        self: &Arc<Self>,
        folder: &Path,
        wanted: &str,
        when_taken: WhenTaken,
        chunks: Vec<Bytes>,
        word: Option<Record>,
    ) -> Result<PathBuf, Error> {
        if self.are_quick_in(folder) {
            return self.timed(folder, wanted, when_taken, &chunks, word.as_ref());
        }
        let (this, folder, wanted) = (Arc::clone(self), folder.to_owned(), wanted.to_owned());
        blocking(move || this.timed(&folder, &wanted, when_taken, &chunks, word.as_ref())).await
    }

    fn timed(
        &self,
        folder: &Path,
        wanted: &str,
        when_taken: WhenTaken,
        chunks: &[Bytes],
        word: Option<&Record>,
    ) -> Result<PathBuf, Error> {
        let begun = Instant::now();
        let landed = land(folder, wanted, when_taken, chunks, word);
        self.took(folder, begun.elapsed());
        landed
    }

    fn are_quick_in(&self, folder: &Path) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .is_some_and(|(where_, when)| where_ == folder && when.elapsed() < VOUCHES)
    }

    fn took(&self, folder: &Path, time: Duration) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match (time <= QUICK, last.take()) {
            (true, Some((known, _))) if known == folder => Some((known, Instant::now())),
            (true, _) => Some((folder.to_owned(), Instant::now())),
            (false, other) => other.filter(|(known, _)| known != folder),
        };
    }
}

/// Writes `chunks` to a file in `folder` named `wanted`, or a numbered neighbour where one may be
/// taken; with `word`, a record says so before the file has its name. Blocking.
fn land(
    folder: &Path,
    wanted: &str,
    when_taken: WhenTaken,
    chunks: &[Bytes],
    word: Option<&Record>,
) -> Result<PathBuf, Error> {
    let failed = |error: &io::Error| Error::in_folder("write the file", folder, error);
    let attempt = || attempt(folder, wanted, when_taken, chunks, word);
    match attempt() {
        // Somebody removed the folder after it was looked at.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            attempt()
        }
        landed => landed,
    }
    .map_err(|error| failed(&error))?
    .ok_or_else(|| when_taken.none_is_free(wanted))
}

fn attempt(
    folder: &Path,
    wanted: &str,
    when_taken: WhenTaken,
    chunks: &[Bytes],
    word: Option<&Record>,
) -> io::Result<Option<PathBuf>> {
    let mut fresh = Fresh::new(folder)?;
    for chunk in chunks {
        fresh.file().write_all(chunk)?;
    }
    fresh.file().sync_data()?;
    for neighbour in 0..when_taken.tries() {
        let name = numbered(wanted, neighbour);
        // A name that another download, or another program, is about to use is left to it.
        if [record_of(&name), part_of(&name)]
            .iter()
            .any(|beside| fresh.is_beside(beside))
        {
            continue;
        }
        let place = word.map(|_| Place {
            folder: folder.to_owned(),
            name: name.clone(),
        });
        if let (Some(word), Some(place)) = (word, &place)
            && (fresh.is_beside(&name) || !say(place, &word.landing_at(&name))?)
        {
            continue;
        }
        let named = fresh.name(&name);
        if let (Err(_), Some(place)) = (&named, &place) {
            remove_file(&place.record())?;
        }
        match named {
            Ok(()) => {
                fresh.sync_folder()?;
                return Ok(Some(folder.join(name)));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Writes the record of what is about to have its name; answers whether nobody else has one there.
/// Not synced: a crash of this program alone is what it is for, and a power cut costs one more pull.
fn say(place: &Place, record: &Record) -> io::Result<bool> {
    let _alone = claiming();
    match control::reserve(place, record) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file on its way: nameless where the system can, else under a hidden name.
enum Fresh {
    #[cfg(target_os = "linux")]
    Nameless(nameless::Nameless),
    Hidden(hidden::Hidden),
}

impl Fresh {
    fn new(folder: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        match nameless::Nameless::new(folder) {
            Ok(file) => return Ok(Self::Nameless(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            // Not every file system can.
            Err(_) => {}
        }
        hidden::Hidden::new(folder).map(Self::Hidden)
    }

    const fn file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(fresh) => &mut fresh.file,
            Self::Hidden(fresh) => &mut fresh.file,
        }
    }

    /// Whether the folder has something of that name.
    fn is_beside(&self, name: &str) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(fresh) => fresh.is_beside(name),
            Self::Hidden(fresh) => fresh.folder.join(name).symlink_metadata().is_ok(),
        }
    }

    /// Gives it its name; an error of the kind `AlreadyExists` where that is taken.
    fn name(&mut self, name: &str) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(fresh) => fresh.name(name),
            Self::Hidden(fresh) => fresh.name(name),
        }
    }

    fn sync_folder(&self) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(fresh) => fresh.sync_folder(),
            Self::Hidden(fresh) => sync_folder(&fresh.folder),
        }
    }
}

mod hidden {
    use super::{File, Path, PathBuf, io};

    /// A file under a name that nobody looks for.
    pub(super) struct Hidden {
        pub(super) folder: PathBuf,
        pub(super) file: File,
        /// Until it has its own.
        named: Option<tempfile::NamedTempFile>,
    }

    impl Hidden {
        pub(super) fn new(folder: &Path) -> io::Result<Self> {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".").suffix(".part");
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            let named = builder.tempfile_in(folder)?;
            Ok(Self {
                folder: folder.to_owned(),
                file: named.as_file().try_clone()?,
                named: Some(named),
            })
        }

        pub(super) fn name(&mut self, name: &str) -> io::Result<()> {
            let Some(fresh) = self.named.take() else {
                return Err(io::Error::other("it has its name already"));
            };
            match fresh.persist_noclobber(self.folder.join(name)) {
                Ok(_) => Ok(()),
                Err(failed) => {
                    self.named = Some(failed.file);
                    Err(failed.error)
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod nameless {
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    use super::{File, Path, io};

    /// A file without a name, which goes with its last handle unless it is given one: open(2),
    /// `O_TMPFILE`. All is done beside one handle of the folder, so that its path is walked once.
    pub(super) struct Nameless {
        folder: OwnedFd,
        pub(super) file: File,
    }

    impl Nameless {
        pub(super) fn new(folder: &Path) -> io::Result<Self> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let folder = rustix::fs::open(folder, flags, Mode::empty())?;
            let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&folder, ".", flags, Mode::from_raw_mode(0o666))?;
            Ok(Self {
                folder,
                file: File::from(file),
            })
        }

        pub(super) fn is_beside(&self, name: &str) -> bool {
            rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
        }

        /// linkat(2) never replaces a file.
        pub(super) fn name(&self, name: &str) -> io::Result<()> {
            let (file, folder) = (&self.file, &self.folder);
            match rustix::fs::linkat(file, "", folder, name, AtFlags::EMPTY_PATH) {
                // Before Linux 6.10 a right (`CAP_DAC_READ_SEARCH`) is needed for this way.
                Err(rustix::io::Errno::NOENT) => {
                    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
                    rustix::fs::linkat(CWD, itself, folder, name, AtFlags::SYMLINK_FOLLOW)?;
                }
                linked => linked?,
            }
            Ok(())
        }

        pub(super) fn sync_folder(&self) -> io::Result<()> {
            Ok(rustix::fs::fsync(&self.folder)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: WhenTaken = WhenTaken::Number;

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
        let path = land(folder.path(), "a.txt", NUMBER, &chunks, None).expect("lands");
        assert_eq!(path, folder.path().join("a (2).txt"));
        assert_eq!(std::fs::read(path).expect("reads"), b"all of it");
        let left = ["a (1).txt.part.json", "a (2).txt", "a.txt"];
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn the_way_without_nameless_files_does_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut fresh = Fresh::Hidden(hidden::Hidden::new(folder.path()).expect("makes"));
        fresh.file().write_all(b"all of it").expect("writes");
        std::fs::write(folder.path().join("a"), "mine").expect("writes");
        assert!(fresh.is_beside("a"));
        assert!(!fresh.is_beside("b"));
        let error = fresh.name("a").expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        fresh.name("b").expect("free");
        fresh.sync_folder().expect("syncs");
        let free = std::fs::read(folder.path().join("b"));
        assert_eq!(free.expect("reads"), b"all of it");
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn a_folder_that_went_away_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone");
        land(&gone, "a", NUMBER, &[], None).expect("lands");
        assert_eq!(names(&gone), ["a"]);
    }

    #[tokio::test]
    async fn only_a_quick_landing_of_late_in_the_same_folder_vouches_for_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, there) = (folder.path(), Path::new("/elsewhere"));
        let landings = Arc::new(Landings::default());
        assert!(!landings.are_quick_in(here), "nothing is known yet");
        landings.took(here, QUICK);
        assert!(landings.are_quick_in(here));
        assert!(!landings.are_quick_in(there), "it may be another disk");
        landings.took(there, QUICK * 2);
        assert!(landings.are_quick_in(here));
        landings.took(here, QUICK * 2);
        assert!(!landings.are_quick_in(here), "the disk has stalled");
        for number in 0..3 {
            let chunks = vec![Bytes::from_static(b"whole")];
            let landed = landings
                .land(here, "a", NUMBER, chunks, None)
                .await
                .expect("lands");
            assert_eq!(landed, here.join(numbered("a", number)));
        }
    }
}
