//! The library: each file below a folder, under an id made from its path, so that it is the same
//! after a restart and on every server that has the folder.

use std::{collections::HashMap, path::Path, sync::Arc};

use longhaul_protocol::{FileEntry, FileId, SourceKind};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::Item;
use crate::source::{Place, Recipe};

/// Ids of the library's files have thirteen digits at most: few enough to type.
const ID_BITS: u32 = 40;

/// Adds the library's files. Links are not followed, so that nothing outside the folder is offered.
pub(super) fn walk(root: &Path, items: &mut HashMap<FileId, Arc<Item>>) {
    for entry in WalkDir::new(root).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                tracing::warn!(%error, "a part of the library cannot be read, and is not offered");
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let (Ok(relative), Ok(metadata)) = (entry.path().strip_prefix(root), entry.metadata())
        else {
            continue;
        };
        let Some(file_id) = free_id(relative, items) else {
            continue;
        };
        let parts: Vec<_> = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        let item = Item {
            entry: FileEntry {
                file_id,
                name: parts.join("/"),
                size: Some(metadata.len()),
                kind: SourceKind::Path,
                modified_at: metadata.modified().ok().and_then(|at| at.try_into().ok()),
            },
            file_name: entry.file_name().to_string_lossy().into_owned(),
            recipe: Recipe::Path(Place::below(root, relative)),
        };
        items.insert(file_id, Arc::new(item));
    }
}

/// The id of a path; of two that share one, the later by name takes another.
fn free_id(relative: &Path, taken: &HashMap<FileId, Arc<Item>>) -> Option<FileId> {
    (0..16)
        .map(|salt| id_of(relative, salt))
        .find(|id| !taken.contains_key(id))
}

fn id_of(relative: &Path, salt: u8) -> FileId {
    let mut digest = Sha256::new();
    digest.update([salt]);
    digest.update(relative.as_os_str().as_encoded_bytes());
    let head = digest.finalize();
    let number = head[..8]
        .iter()
        .fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
    FileId::new(number >> (64 - ID_BITS)).unwrap_or(FIRST)
}

const FIRST: FileId = match FileId::new(0) {
    Some(id) => id,
    None => panic!("0 is within the range"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_id_outlives_a_restart_and_a_neighbour() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("b.bin"), "b").expect("written");
        let mut before = HashMap::new();
        walk(folder.path(), &mut before);
        std::fs::create_dir(folder.path().join("a")).expect("made");
        std::fs::write(folder.path().join("a/b.bin"), "ab").expect("written");
        let mut after = HashMap::new();
        walk(folder.path(), &mut after);
        assert_eq!(after.len(), 2);
        let id = *before.keys().next().expect("one file");
        assert_eq!(after[&id].entry.name, "b.bin");
        assert_eq!(id, id_of(Path::new("b.bin"), 0));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_library_is_not_offered() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).expect("linked");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("p")).expect("linked");
        let mut items = HashMap::new();
        walk(folder.path(), &mut items);
        assert!(items.is_empty());
    }
}
