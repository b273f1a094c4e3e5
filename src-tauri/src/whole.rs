//! Files that are whole at any moment: the old one, then the new one.

use std::{
    fs::{File, Permissions},
    io::{self, Write as _},
    path::Path,
};

/// Puts `bytes` in the place of that file, with these permissions or else for this user alone; when
/// it returns they are on the disk. Blocks.
///
/// # Errors
/// When it cannot; what was there still is.
pub(crate) fn write(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(bytes)?;
    if let Some(permissions) = permissions {
        fresh.as_file().set_permissions(permissions)?;
    }
    fresh.as_file().sync_all()?;
    fresh.persist(path)?;
    // The name as well; elsewhere a folder cannot be opened.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
