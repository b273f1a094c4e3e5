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
//!
//! [[file]]
//! id = 70002
//! name = "table.csv"
//! command = { argv = ["./export", "--table", "orders"], env = ["DATABASE_URL"] }
//!
//! [[file]]
//! id = 70003
//! name = "mirror.iso"
//! url = "https://origin.example/mirror.iso"
//! headers = { Authorization = "ORIGIN_AUTHORIZATION" }
//! ```
//!
//! Paths are relative to the file itself, and climb nowhere from there; one from elsewhere is named
//! as a whole.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use globset::{Glob, GlobSet, GlobSetBuilder};
use http::{HeaderMap, HeaderName, HeaderValue};
use longhaul_protocol::{FileEntry, FileId, SignedUrl, SourceKind};
use serde::Deserialize;
use url::Url;

use super::{Environment, Item};
use crate::{
    config::ConfigError,
    source::{ArchiveRecipe, CommandRecipe, Folder, Format, Place, Recipe, UrlRecipe, stays_below},
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
    command: Option<Command>,
    url: Option<Url>,
    /// Names of headers, and of the variables that hold their values.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Archive {
    folder: Option<PathBuf>,
    #[serde(default)]
    folders: Vec<PathBuf>,
    #[serde(default, alias = "globs")]
    include: Vec<String>,
    #[serde(default)]
    format: Kind,
}

#[derive(Deserialize, Default, Clone, Copy)]
enum Kind {
    #[default]
    #[serde(rename = "zip")]
    Zip,
    #[serde(rename = "tar.zst")]
    TarZst,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    argv: Vec<String>,
    cwd: Option<PathBuf>,
    #[serde(default)]
    env: Vec<String>,
}

pub(super) fn read(path: &Path, environment: Environment<'_>) -> Result<Vec<Item>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::File {
        key: "catalog",
        path: path.to_owned(),
        source,
    })?;
    let document: Document = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let base = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Whole, so that a command finds its files wherever it runs.
    let base = fs::canonicalize(base).map_err(|source| ConfigError::File {
        key: "catalog",
        path: path.to_owned(),
        source,
    })?;
    let mut ids = HashSet::new();
    let mut items = Vec::with_capacity(document.files.len());
    for entry in document.files {
        let id = entry.id;
        if !ids.insert(id) {
            return Err(wrong(format!("the id {id} is given twice")));
        }
        let item = item(entry, &base, environment);
        items.push(item.map_err(|why| wrong(format!("the file {id}: {why}")))?);
    }
    Ok(items)
}

fn item(entry: Entry, base: &Path, environment: Environment<'_>) -> Result<Item, String> {
    let (recipe, kind, size) = match (entry.path, entry.archive, entry.command, entry.url) {
        (Some(path), None, None, None) => {
            let place = Place::named(base, &path).ok_or_else(|| climbs(&path))?;
            let file = place.open().ok().and_then(|file| file.metadata().ok());
            let size = file.filter(fs::Metadata::is_file).map(|file| file.len());
            (Recipe::Path(place), SourceKind::Path, size)
        }
        (None, Some(described), None, None) => {
            let recipe = archive(&described, base)?;
            (Recipe::Archive(recipe), SourceKind::Archive, None)
        }
        (None, None, Some(described), None) => {
            let recipe = command(described, base, environment)?;
            (Recipe::Command(recipe), SourceKind::Command, None)
        }
        (None, None, None, Some(url)) => {
            let recipe = origin(url, &entry.headers, environment)?;
            (Recipe::Url(recipe), SourceKind::Url, None)
        }
        _ => return Err("it needs one source: path, archive, command or url".into()),
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

fn archive(described: &Archive, base: &Path) -> Result<ArchiveRecipe, String> {
    let include = globs(&described.include)?;
    let mut folders = Vec::new();
    if let Some(folder) = &described.folder {
        if !described.folders.is_empty() {
            return Err("it has folder and folders: name all of them in folders".into());
        }
        folders.push(Folder {
            root: below(base, folder)?,
            prefix: String::new(),
        });
    }
    for folder in &described.folders {
        folders.push(Folder {
            root: below(base, folder)?,
            prefix: prefix(folder),
        });
    }
    if folders.is_empty() {
        if include.is_none() {
            return Err("its archive needs folder, folders or include".into());
        }
        folders.push(Folder {
            root: base.to_owned(),
            prefix: String::new(),
        });
    }
    Ok(ArchiveRecipe {
        format: match described.format {
            Kind::Zip => Format::Zip,
            Kind::TarZst => Format::TarZst,
        },
        folders,
        include,
    })
}

/// What the names of a folder's files begin with: the folder as it is named, or where that is a
/// whole path its last part.
fn prefix(folder: &Path) -> String {
    let named = if folder.is_absolute() {
        folder.file_name().map_or(Path::new(""), Path::new)
    } else {
        folder
    };
    let parts = named.components().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn command(
    described: Command,
    base: &Path,
    environment: Environment<'_>,
) -> Result<CommandRecipe, String> {
    let mut argv = described.argv;
    let program = argv.first_mut().filter(|program| !program.is_empty());
    let program = program.ok_or("its argv names no program")?;
    // A plain name is looked for in PATH; a path is one from here, wherever the command runs.
    if program.contains(['/', std::path::MAIN_SEPARATOR]) {
        *program = base.join(&*program).to_string_lossy().into_owned();
    }
    Ok(CommandRecipe {
        argv,
        cwd: described.cwd.map_or(base.to_owned(), |cwd| base.join(cwd)),
        env: described
            .env
            .into_iter()
            .filter_map(|name| environment(&name).map(|value| (name, value)))
            .collect(),
    })
}

fn origin(
    url: Url,
    named: &BTreeMap<String, String>,
    environment: Environment<'_>,
) -> Result<UrlRecipe, String> {
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() {
        return Err("its url must begin with http:// or https://, and name no user".into());
    }
    let mut headers = HeaderMap::new();
    for (name, variable) in named {
        let value = environment(variable)
            .ok_or_else(|| format!("the variable {variable} for its header {name} is not set"))?;
        let name = HeaderName::try_from(name).map_err(|_| format!("{name} is no header"))?;
        // The value is not told: it is a secret as often as not.
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| format!("what {variable} holds cannot stand in a header"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(UrlRecipe {
        url: SignedUrl::new(url),
        headers,
    })
}

fn below(base: &Path, folder: &Path) -> Result<PathBuf, String> {
    if folder.is_absolute() || folder == Path::new(".") || stays_below(folder) {
        Ok(base.join(folder))
    } else {
        Err(climbs(folder))
    }
}

fn climbs(path: &Path) -> String {
    format!(
        "{} is not below the catalogue's folder: name what lies elsewhere by its whole path",
        path.display()
    )
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(|error| error.to_string())?);
    }
    set.build().map(Some).map_err(|error| error.to_string())
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
        read(&file, &|name| (name == "SET").then(|| "a value".to_owned()))
    }

    fn entry(source: &str) -> String {
        format!("[[file]]\nid = 1\nname = \"a\"\n{source}\n")
    }

    #[test]
    fn an_entry_needs_an_id_of_its_own_and_one_source() {
        let good = entry("path = \"a\"");
        assert_eq!(read_text(&good).expect("valid").len(), 1);
        for (bad, word) in [
            (good.repeat(2), "twice"),
            (entry(""), "one source"),
            (
                entry("path = \"a\"\ncommand = { argv = [\"a\"] }"),
                "one source",
            ),
            ("[[file]]\nid = -1\nname = \"a\"\npath = \"a\"".into(), "id"),
            (
                entry("archive = { folder = \".\", include = [\"[\"] }"),
                "file 1",
            ),
            (entry("archive = { format = \"tar.zst\" }"), "folder"),
            (
                entry("archive = { folder = \"a\", format = \"rar\" }"),
                "rar",
            ),
            (entry("command = { argv = [] }"), "argv"),
            (entry("command = { argv = [\"a\"], shell = true }"), "shell"),
        ] {
            let error = read_text(&bad).expect_err("refused").to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_path_that_climbs_out_of_the_catalogue_is_refused_at_the_start() {
        for source in [
            "path = \"../a\"",
            "path = \"b/../../a\"",
            "archive = { folder = \"../a\" }",
            "archive = { folders = [\"b\", \"c/../../a\"] }",
        ] {
            let error = read_text(&entry(source)).expect_err("refused").to_string();
            assert!(error.contains("whole path"), "{error}");
        }
        assert!(read_text(&entry("path = \"/srv/a\"")).is_ok());
    }

    #[test]
    fn an_origins_headers_come_from_variables_that_are_set_and_are_never_shown() {
        let url = "url = \"https://origin.example/a?token=hidden\"\n";
        let text = entry(&format!("{url}headers = {{ X-Key = \"SET\" }}"));
        let items = read_text(&text).expect("valid");
        let Recipe::Url(recipe) = &items[0].recipe else {
            panic!("no url");
        };
        assert_eq!(recipe.headers["x-key"], "a value");
        let shown = format!("{:?}", items[0]);
        assert!(
            !shown.contains("a value") && !shown.contains("hidden"),
            "{shown}"
        );
        let text = entry(&format!("{url}headers = {{ X-Key = \"UNSET\" }}"));
        let error = read_text(&text).expect_err("not set").to_string();
        assert!(error.contains("UNSET"), "{error}");
        let error = read_text(&entry("url = \"file:///etc/passwd\"")).expect_err("refused");
        assert!(error.to_string().contains("http"), "{error}");
    }

    #[test]
    fn a_command_gets_the_variables_it_names_and_no_others() {
        let text = entry("command = { argv = [\"./x\", \"y\"], env = [\"SET\", \"UNSET\"] }");
        let items = read_text(&text).expect("valid");
        let Recipe::Command(recipe) = &items[0].recipe else {
            panic!("no command");
        };
        assert_eq!(recipe.env, [("SET".to_owned(), "a value".to_owned())]);
        assert!(Path::new(&recipe.argv[0]).is_absolute());
        let shown = format!("{recipe:?}");
        assert!(!shown.contains("a value"), "{shown}");
    }
}
