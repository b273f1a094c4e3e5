//! A file below a folder that it cannot leave: not by `..`, not by a link, not by one that is put
//! there between the look and the opening.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::{Component, Path, PathBuf},
};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions},
};

use super::SourceError;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    root: PathBuf,
    relative: PathBuf,
}

impl Place {
    /// The file at `relative` below `root`.
    pub(crate) fn below(root: &Path, relative: &Path) -> Self {
        Self {
            root: root.to_owned(),
            relative: relative.to_owned(),
        }
    }

    /// A path as an entry of the catalogue names it: below the catalogue's own folder where it is
    /// relative, else below the folder that it names itself. None where it climbs out of that by
    /// `..`, or names no file.
    pub(crate) fn named(base: &Path, path: &Path) -> Option<Self> {
        if path.is_absolute() {
            let name = path.file_name()?;
            return Some(Self::below(path.parent()?, Path::new(name)));
        }
        stays_below(path).then(|| Self::below(base, path))
    }

    /// Opens the file. A link on the way is followed as long as it stays below the root. Blocking,
    /// but never on a pipe that nobody writes to.
    pub(crate) fn open(&self) -> Result<File, SourceError> {
        let root = open_root(&self.root).map_err(|error| self.failed(error))?;
        open_below(&root, &self.relative, FollowSymlinks::Yes).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> SourceError {
        told(self.shown(), error)
    }

    /// The file's own name: a client is not told where the server keeps it.
    pub(crate) fn shown(&self) -> String {
        let name = self.relative.file_name().or_else(|| self.root.file_name());
        name.map_or_else(
            || "the file".into(),
            |name: &OsStr| name.to_string_lossy().into_owned(),
        )
    }
}

/// Whether a relative path climbs nowhere.
pub(crate) fn stays_below(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && path.file_name().is_some()
}

pub(super) fn open_root(root: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(root, ambient_authority())
}

/// Opens a file below a folder, whatever stands there by now.
pub(super) fn open_below(root: &Dir, relative: &Path, links: FollowSymlinks) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).nonblock(true).follow(links);
    Ok(root.open_with(relative, &options)?.into_std())
}

/// An error of a confined opening, told apart: a way out is no mere lack of permission.
pub(super) fn told(what: String, error: io::Error) -> SourceError {
    // cap-std makes its own error for it, which alone has no number of the system's.
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        return SourceError::Outside { what };
    }
    SourceError::io(what, error)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    /// A root with a file in it, and a secret beside the root.
    fn folders() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("deep")).expect("made");
        std::fs::write(root.join("deep/a"), "inside").expect("written");
        std::fs::write(folder.path().join("secret"), "outside").expect("written");
        (folder, root)
    }

    fn read(root: &Path, relative: &str) -> Result<String, SourceError> {
        let mut file = Place::below(root, Path::new(relative)).open()?;
        let mut text = String::new();
        io::Read::read_to_string(&mut file, &mut text)
            .map_err(|error| SourceError::io(relative, error))?;
        Ok(text)
    }

    fn leads_out(root: &Path, relative: &str) {
        let refused = read(root, relative).expect_err("it leads out");
        assert!(
            matches!(refused, SourceError::Outside { .. }),
            "{relative}: {refused:?}"
        );
        assert!(!refused.fault().retryable);
    }

    #[test]
    fn dots_lead_nowhere_outside() {
        let (_folder, root) = folders();
        leads_out(&root, "../secret");
        leads_out(&root, "deep/../../secret");
        assert_eq!(read(&root, "deep/../deep/a").expect("inside"), "inside");
    }

    #[test]
    fn an_absolute_path_leads_nowhere_outside() {
        let (folder, root) = folders();
        let secret = folder.path().join("secret");
        leads_out(&root, secret.to_str().expect("unicode"));
    }

    #[test]
    fn a_link_to_the_outside_is_not_followed() {
        let (folder, root) = folders();
        symlink(folder.path().join("secret"), root.join("absolute")).expect("linked");
        symlink("../secret", root.join("relative")).expect("linked");
        symlink("..", root.join("up")).expect("linked");
        leads_out(&root, "absolute");
        leads_out(&root, "relative");
        leads_out(&root, "up/secret");
    }

    #[test]
    fn a_chain_of_links_to_the_outside_is_not_followed() {
        let (_folder, root) = folders();
        symlink("two", root.join("one")).expect("linked");
        symlink("deep/three", root.join("two")).expect("linked");
        symlink("../../secret", root.join("deep/three")).expect("linked");
        leads_out(&root, "one");
    }

    #[test]
    fn a_link_that_stays_inside_is_followed() {
        let (_folder, root) = folders();
        symlink("deep/a", root.join("latest")).expect("linked");
        assert_eq!(read(&root, "latest").expect("inside"), "inside");
    }

    #[test]
    fn a_loop_of_links_is_an_error_and_no_hang() {
        let (_folder, root) = folders();
        symlink("b", root.join("a")).expect("linked");
        symlink("a", root.join("b")).expect("linked");
        let refused = read(&root, "a").expect_err("a loop");
        assert!(matches!(refused, SourceError::Io { .. }), "{refused:?}");
    }

    #[test]
    fn a_folder_that_becomes_a_link_to_the_outside_between_look_and_opening_leads_nowhere() {
        let (folder, root) = folders();
        let place = Place::below(&root, Path::new("deep/a"));
        assert!(place.open().is_ok(), "the look");
        std::fs::rename(root.join("deep"), root.join("aside")).expect("moved");
        std::fs::create_dir(folder.path().join("elsewhere")).expect("made");
        std::fs::write(folder.path().join("elsewhere/a"), "outside").expect("written");
        symlink("../elsewhere", root.join("deep")).expect("linked");
        let refused = place.open().expect_err("it leads out");
        assert!(
            matches!(refused, SourceError::Outside { .. }),
            "{refused:?}"
        );
    }

    #[test]
    fn a_pipe_or_a_device_is_opened_without_waiting_for_anybody() {
        let (_folder, root) = folders();
        let made = Command::new("mkfifo").arg(root.join("pipe")).status();
        assert!(made.expect("mkfifo runs").success());
        // Opening a pipe to read blocks until somebody writes, unless it is told not to.
        let file = Place::below(&root, Path::new("pipe")).open();
        assert!(!file.expect("opened").metadata().expect("known").is_file());
    }

    #[test]
    fn an_entry_names_a_file_below_its_catalogue_or_by_its_whole_path() {
        let base = Path::new("/base");
        let named = |path: &str| Place::named(base, Path::new(path));
        assert_eq!(named("a/./b"), Some(Place::below(base, Path::new("a/./b"))));
        assert_eq!(
            named("/srv/x/b"),
            Some(Place::below(Path::new("/srv/x"), Path::new("b")))
        );
        for wrong in ["../a", "a/../../b", "..", "/", ""] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
