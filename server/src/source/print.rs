//! What a file looks like from outside: whether it is still the same one, and still unchanged.

use std::{
    fs::{File, Metadata},
    io,
    time::{Duration, SystemTime},
};

use super::SourceError;

/// A file's looks at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) size: u64,
    modified: Option<SystemTime>,
    /// Device and inode, where the system has them.
    identity: Option<(u64, u64)>,
    /// The change of its inode: an edit that sets the date back changes it all the same. Not
    /// compared while a file is read, because a backup's hard link changes it too.
    changed: Option<(i64, i64)>,
}

impl Print {
    /// Looks at an open file; one that is no file at all is an error.
    pub(super) fn of(file: &File, what: &str) -> Result<Self, SourceError> {
        let metadata = file
            .metadata()
            .map_err(|error| SourceError::io(what, error))?;
        if !metadata.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
            return Err(SourceError::io(what, error));
        }
        Ok(Self::from(&metadata))
    }

    /// Whether a file that looks so has the same bytes, as far as one can tell while it is read.
    pub(super) fn is_unchanged(&self, now: &Self) -> bool {
        (self.size, self.modified, self.identity) == (now.size, now.modified, now.identity)
    }

    pub(super) fn still_holds(&self, file: &File, what: &str) -> Result<(), SourceError> {
        if self.is_unchanged(&Self::of(file, what)?) {
            Ok(())
        } else {
            Err(SourceError::changed(what))
        }
    }

    /// Whether an edit of this very moment would show. Dates have the steps of the kernel's clock,
    /// and on some file systems whole seconds: within one, two states look alike.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let Some(modified) = self.modified else {
            return false;
        };
        let coarse = modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .is_ok_and(|since| since.subsec_nanos() == 0);
        let step = Duration::from_millis(if coarse { 2000 } else { 20 });
        now.duration_since(modified).is_ok_and(|age| age > step)
    }

    /// The looks as bytes, to be digested.
    pub(super) fn bytes(&self) -> Vec<u8> {
        format!(
            "{} {:?} {:?} {:?};",
            self.size, self.modified, self.identity, self.changed
        )
        .into_bytes()
    }
}

impl From<&Metadata> for Print {
    fn from(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (identity, changed) = {
            use std::os::unix::fs::MetadataExt;
            (
                Some((metadata.dev(), metadata.ino())),
                Some((metadata.ctime(), metadata.ctime_nsec())),
            )
        };
        #[cfg(not(unix))]
        let (identity, changed) = (None, None);
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            identity,
            changed,
        }
    }
}
