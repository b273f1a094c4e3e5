//! Where this copy of the app is, and how another version takes its place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tauri::{AppHandle, utils::platform::bundle_type};
use tauri_plugin_updater::Update;

use crate::whole;

/// What every program of Linux begins with, an AppImage too.
const ELF: &[u8] = b"\x7fELF";

/// A copy that can be replaced.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// This one file.
    AppImage(PathBuf),
    /// What the system has installed; it asks for a password where it wants one.
    Installed,
}

impl Place {
    /// None where this copy was put there by hand: nobody knows what belongs to it.
    pub(crate) fn of(app: &AppHandle) -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            use tauri::{Manager as _, utils::config::BundleType};
            let packaged = matches!(bundle_type(), Some(BundleType::Deb | BundleType::Rpm));
            match app.env().appimage {
                _ if packaged => Some(Self::Installed),
                path => path.map(|path| Self::AppImage(path.into())),
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = app;
            bundle_type().map(|_| Self::Installed)
        }
    }

    /// Puts the new version, whose signature was verified, where this one is. This one goes on until
    /// it ends. Blocks.
    ///
    /// # Errors
    /// When it cannot; this copy is then as it was.
    pub(crate) fn put(&self, update: &Update, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::AppImage(path) => {
                replace(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
            }
            Self::Installed => update.install(bytes).map_err(|error| error.to_string()),
        }
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if !bytes.starts_with(ELF) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "what came is no AppImage",
        ));
    }
    // What a link leads to, and not the link.
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    whole::write(&path, bytes, Some(permissions))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_program_is_replaced_by_a_program_and_by_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = folder.path().join("Longhaul.AppImage");
        let link = folder.path().join("longhaul");
        fs::write(&old, b"\x7fELF old").expect("writes");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o750)).expect("sets");
        std::os::unix::fs::symlink(&old, &link).expect("links");
        assert!(replace(&link, b"<html>not found</html>").is_err());
        assert_eq!(fs::read(&old).expect("reads"), b"\x7fELF old");
        replace(&link, b"\x7fELF new").expect("replaced");
        assert_eq!(fs::read(&old).expect("reads"), b"\x7fELF new");
        assert_eq!(fs::read_link(&link).expect("still a link"), old);
        let mode = fs::metadata(&old).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o750);
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 2);
    }
}
