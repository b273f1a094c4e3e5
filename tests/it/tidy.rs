//! The house stays in order: files are short and say their idea first, and the map shows rooms that exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders of our own code, and what is made inside them.
const ROOMS: [&str; 6] = [
    "server",
    "crates",
    "src-tauri",
    "tests",
    "benches",
    "ui/src",
];
const MADE: [&str; 4] = ["node_modules", "generated", "target", "gen"];
/// A file beyond this says why, by being one of few.
const LONG: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("reads") {
        let path = entry.expect("reads").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !MADE.contains(&name.as_ref()) {
                sources(&path, found);
            }
        } else if ["rs", "ts", "tsx"]
            .iter()
            .any(|end| name.ends_with(&format!(".{end}")))
        {
            found.push(path);
        }
    }
}

fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for room in ROOMS {
        sources(&root().join(room), &mut found);
    }
    assert!(found.len() > 100, "the sources were not found");
    found
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).expect("text").lines().count()
}

#[test]
fn most_files_are_short_and_few_are_long() {
    let mut sizes: Vec<_> = all().iter().map(|path| lines(path)).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(
        median <= 150,
        "half of all files have {median} lines or more"
    );
    let long = sizes.iter().filter(|size| **size > LONG).count();
    assert!(
        long * 10 <= sizes.len(),
        "{long} of {} files have more than {LONG} lines",
        sizes.len()
    );
}

#[test]
fn the_first_line_of_each_rust_file_says_its_idea() {
    let silent = |path: &&PathBuf| {
        let text = fs::read_to_string(path).expect("text");
        path.extension().is_some_and(|end| end == "rs") && !text.starts_with("//! ")
    };
    let found = all();
    let silent: Vec<_> = found.iter().filter(silent).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn the_map_shows_rooms_that_exist() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    let listed = map.split("```").nth(1).expect("the list of rooms");
    let mut inside = PathBuf::new();
    let mut rooms = 0;
    for line in listed.lines().filter(|line| !line.trim().is_empty()) {
        let name = line.split_whitespace().next().expect("a name");
        let path = if line.starts_with(' ') {
            inside.join(name)
        } else {
            inside = PathBuf::from(name);
            inside.clone()
        };
        assert!(
            root().join(&path).exists(),
            "{} is not there",
            path.display()
        );
        rooms += 1;
    }
    assert!(rooms > 20, "{rooms} rooms");
}
