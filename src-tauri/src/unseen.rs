//! Links that were given while the app ended, before the page could ask: kept for the next start.

use std::{fs, io, path::Path};

use crate::whole;

const NAME: &str = "given.json";

/// Keeps them; nothing is written where there are none. Blocks.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn keep(folder: &Path, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec(lines)?;
    whole::write(&folder.join(NAME), &text, None)
}

/// What the last run has kept, once. Blocks.
pub(crate) fn take(folder: &Path) -> Vec<String> {
    let path = folder.join(NAME);
    let Ok(text) = fs::read(&path) else {
        return Vec::new();
    };
    // First of all: what cannot be read is not tried again at each start.
    if let Err(error) = fs::remove_file(&path) {
        tracing::warn!(%error, "links of the last run cannot be taken");
        return Vec::new();
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_seen_is_there_once_at_the_next_start() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(take(folder.path()).is_empty());
        keep(folder.path(), &[]).expect("nothing to keep");
        assert!(!folder.path().join(NAME).exists());
        let lines = ["https://h/a.iso".to_owned(), "7".to_owned()];
        keep(folder.path(), &lines).expect("kept");
        assert_eq!(take(folder.path()), lines);
        assert!(take(folder.path()).is_empty());
        fs::write(folder.path().join(NAME), "{").expect("written");
        assert!(take(folder.path()).is_empty());
        assert!(!folder.path().join(NAME).exists());
    }
}
