//! Named entries, from a TOML file:
//!
//! ```toml
//! [[file]]
//! id = 70000
//! name = "photos.zip"
//! archive = { folder = "photos", include = ["**/*.jpg"] }
//!
//! [[file]]
//! id = 70001
//! name = "report.pdf"
//! path = "reports/latest.pdf"
//! ```
//!
//! Paths are relative to the file itself.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use globset::{Glob, GlobSet, GlobSetBuilder};
use longhaul_protocol::{FileEntry, FileId, SourceKind};
use serde::Deserialize;

use super::Item;
use crate::{
    config::ConfigError,
    source::{ArchiveRecipe, Recipe},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "file", alias = "files")]
    files: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: FileId,
    name: String,
    path: Option<PathBuf>,
    archive: Option<Archive>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Archive {
    folder: PathBuf,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Zip,
}

pub(super) fn read(path: &Path) -> Result<Vec<Item>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::File {
        key: "catalog",
        path: path.to_owned(),
        source,
    })?;
    let document: Document = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let base = path.parent().unwrap_or(Path::new("."));
    let mut ids = HashSet::new();
    let mut items = Vec::with_capacity(document.files.len());
    for entry in document.files {
        if !ids.insert(entry.id) {
            return Err(wrong(format!("the id {} is given twice", entry.id)));
        }
        items.push(item(entry, base)?);
    }
    Ok(items)
}

fn item(entry: Entry, base: &Path) -> Result<Item, ConfigError> {
    let (recipe, kind, size) = match (entry.path, entry.archive) {
        (Some(path), None) => {
            let path = base.join(path);
            let size = fs::metadata(&path).ok().map(|metadata| metadata.len());
            (Recipe::Path(path), SourceKind::Path, size)
        }
        (None, Some(archive)) => {
            let Format::Zip = archive.format;
            let recipe = ArchiveRecipe {
                root: base.join(archive.folder),
                include: globs(&archive.include, entry.id)?,
            };
            (Recipe::Archive(recipe), SourceKind::Archive, None)
        }
        _ => {
            return Err(wrong(format!(
                "the file {} needs one source: path or archive",
                entry.id
            )));
        }
    };
    Ok(Item {
        entry: FileEntry {
            file_id: entry.id,
            name: entry.name.clone(),
            size,
            kind,
            modified_at: None,
        },
        file_name: entry.name,
        recipe,
    })
}

fn globs(patterns: &[String], id: FileId) -> Result<Option<GlobSet>, ConfigError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(|error| wrong(format!("the file {id}: {error}")))?);
    }
    set.build()
        .map(Some)
        .map_err(|error| wrong(format!("the file {id}: {error}")))
}

fn wrong(why: String) -> ConfigError {
    ConfigError::Value {
        key: "catalog",
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Item>, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("catalog.toml");
        fs::write(&file, text).expect("written");
        read(&file)
    }

    #[test]
    fn an_entry_needs_an_id_of_its_own_and_one_source() {
        let good = "[[file]]\nid = 1\nname = \"a\"\npath = \"a\"\n";
        assert_eq!(read_text(good).expect("valid").len(), 1);
        for (bad, word) in [
            (good.repeat(2), "twice"),
            ("[[file]]\nid = 1\nname = \"a\"\n".into(), "one source"),
            ("[[file]]\nid = -1\nname = \"a\"\npath = \"a\"".into(), "id"),
            (
                "[[file]]\nid = 1\nname = \"a\"\narchive = { folder = \".\", include = [\"[\"] }"
                    .into(),
                "file 1",
            ),
        ] {
            let error = read_text(&bad).expect_err("refused").to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
