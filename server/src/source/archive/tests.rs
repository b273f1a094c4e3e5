//! Archives of real folders, read back by other readers than wrote them.

use std::{fs, io::Cursor};

use super::*;
use crate::source::{Recipe, open};

fn of(root: &Path, format: Format) -> ArchiveRecipe {
    ArchiveRecipe {
        format,
        folders: vec![Folder {
            root: root.to_owned(),
            prefix: String::new(),
        }],
        include: None,
    }
}

/// The archive, or why there is none. `meanwhile` happens after the first chunk.
async fn made(recipe: ArchiveRecipe, meanwhile: impl FnOnce()) -> Result<Vec<u8>, SourceError> {
    let opened = open(&Recipe::Archive(recipe)).await?;
    let tether = Tether::default();
    let mut production = opened.start_here(&tether)?;
    let (mut bytes, mut failed) = (Vec::new(), None);
    let mut meanwhile = Some(meanwhile);
    while let Some(chunk) = production.chunks.recv().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => failed = Some(error),
        }
        if let Some(happen) = meanwhile.take() {
            happen();
        }
    }
    tether.let_go().await;
    match failed {
        None => Ok(bytes),
        Some(error) => Err(error),
    }
}

async fn archive(recipe: ArchiveRecipe) -> Vec<u8> {
    made(recipe, || ()).await.expect("an archive")
}

fn names_in_zip(bytes: Vec<u8>) -> Vec<String> {
    let zip = ::zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    zip.file_names()
        .map(|name| name.expect("a name").into_owned())
        .collect()
}

fn read_tar(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut tar = ::tar::Archive::new(::zstd::Decoder::new(bytes).expect("a frame"));
    let entries = tar.entries().expect("entries");
    let read = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("whole");
        (name, content)
    });
    read.collect()
}

/// Two folders of the same files, made in another order and at another time.
fn twins() -> (tempfile::TempDir, tempfile::TempDir) {
    let names = ["b/deep/\u{fc}.txt", "a", "b/c", "b.txt"];
    let make = |names: &mut dyn Iterator<Item = &&str>| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("b/deep")).expect("made");
        for name in names {
            fs::write(folder.path().join(name), name.repeat(9999)).expect("written");
        }
        folder
    };
    let (one, other) = (make(&mut names.iter()), make(&mut names.iter().rev()));
    let file = fs::File::options()
        .append(true)
        .open(other.path().join("a"));
    let long_ago = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    file.and_then(|file| file.set_modified(long_ago))
        .expect("dated");
    (one, other)
}

#[tokio::test]
async fn an_archive_of_the_same_files_has_the_same_bytes_whatever_their_dates_and_order() {
    let (one, other) = twins();
    for format in [Format::Zip, Format::TarZst] {
        let first = archive(of(one.path(), format)).await;
        assert_eq!(first, archive(of(one.path(), format)).await);
        assert_eq!(first, archive(of(other.path(), format)).await, "{format:?}");
    }
}

#[tokio::test]
async fn both_formats_hold_each_file_whole() {
    let (folder, _) = twins();
    let expected = ["a", "b.txt", "b/c", "b/deep/\u{fc}.txt"];
    let bytes = archive(of(folder.path(), Format::Zip)).await;
    let mut zip = ::zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    assert_eq!(zip.len(), 4);
    for name in expected {
        let mut content = String::new();
        let mut member = zip.by_name(name).expect("there");
        member.read_to_string(&mut content).expect("whole");
        assert_eq!(content, name.repeat(9999));
    }
    let tar = read_tar(&archive(of(folder.path(), Format::TarZst)).await);
    let names: Vec<_> = tar.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected);
    assert!(
        tar.iter()
            .all(|(name, content)| *content == name.repeat(9999).into_bytes())
    );
}

#[tokio::test]
async fn several_folders_and_globs_make_one_archive() {
    let (one, other) = twins();
    let folder = |root: &Path, prefix: &str| Folder {
        root: root.to_owned(),
        prefix: prefix.into(),
    };
    let globs = globset::GlobSetBuilder::new()
        .add(globset::Glob::new("**/*.txt").expect("a glob"))
        .build();
    let recipe = ArchiveRecipe {
        format: Format::Zip,
        folders: vec![folder(one.path(), "x/one"), folder(other.path(), "other")],
        include: Some(globs.expect("globs")),
    };
    let mut names = names_in_zip(archive(recipe).await);
    names.sort();
    assert_eq!(
        names,
        [
            "other/b.txt",
            "other/b/deep/\u{fc}.txt",
            "x/one/b.txt",
            "x/one/b/deep/\u{fc}.txt"
        ]
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_and_not_retried() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = made(of(&folder.path().join("gone"), Format::Zip), || ()).await;
    let error = made.expect_err("missing");
    assert!(matches!(error, SourceError::Missing { .. }), "{error:?}");
    assert!(!error.fault().retryable);
}

/// A folder whose archive is longer than the channel, so that something can happen meanwhile.
fn long_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    // What no compressor makes shorter than a channel of four chunks.
    let mixed: Vec<u8> = (0..(9_u64 << 20) / 32)
        .flat_map(|n| <[u8; 32]>::from(Sha256::digest(n.to_le_bytes())))
        .collect();
    fs::write(folder.path().join("m"), mixed).expect("written");
    for name in ["a", "z"] {
        fs::write(folder.path().join(name), name).expect("written");
    }
    folder
}

async fn happens(format: Format, what: impl FnOnce(&Path)) -> String {
    let folder = long_folder();
    let root = folder.path().to_owned();
    let made = made(of(folder.path(), format), || what(&root)).await;
    let error = made.expect_err("it is told");
    assert!(error.fault().retryable, "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_archived_is_an_error_that_names_it() {
    for format in [Format::Zip, Format::TarZst] {
        let yet_to_come = happens(format, |root| {
            fs::write(root.join("z"), "longer").expect("w");
        });
        assert_eq!(yet_to_come.await, "z changed while it was read");
        let read_already = happens(format, |root| {
            fs::write(root.join("a"), "longer").expect("w");
        });
        assert_eq!(read_already.await, "a changed while it was read");
    }
}

#[tokio::test]
async fn a_file_that_vanishes_while_it_is_archived_is_an_error_that_names_it() {
    for format in [Format::Zip, Format::TarZst] {
        for name in ["a", "z"] {
            let told = happens(format, |root| {
                fs::remove_file(root.join(name)).expect("gone");
            });
            assert_eq!(told.await, format!("{name} vanished while it was read"));
        }
    }
}

#[tokio::test]
async fn a_file_that_appears_while_it_is_archived_is_an_error_that_names_it() {
    let told = happens(Format::TarZst, |root| {
        fs::write(root.join("new"), "").expect("w");
    });
    assert_eq!(told.await, "new appeared while it was read");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_becomes_a_link_to_the_outside_while_it_is_archived_is_not_followed() {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(secret.path(), "z").expect("written");
    let told = happens(Format::Zip, |root| {
        fs::remove_file(root.join("z")).expect("gone");
        std::os::unix::fs::symlink(secret.path(), root.join("z")).expect("linked");
    });
    assert_eq!(told.await, "z changed while it was read");
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_pipes_are_not_archived() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).expect("linked");
    };
    let secret = tempfile::NamedTempFile::new().expect("a file");
    link(secret.path(), "file");
    link(Path::new("/etc"), "folder");
    link(Path::new("loop"), "loop");
    let pipe = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(pipe.expect("mkfifo runs").success());
    fs::write(folder.path().join("kept"), "kept").expect("written");
    for format in [Format::Zip, Format::TarZst] {
        let bytes = archive(of(folder.path(), format)).await;
        let names = match format {
            Format::Zip => names_in_zip(bytes),
            Format::TarZst => read_tar(&bytes).into_iter().map(|(name, _)| name).collect(),
        };
        assert_eq!(names, ["kept"], "{format:?}");
    }
}

#[tokio::test]
async fn more_files_than_a_plain_zip_can_count_are_all_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let some = u32::from(u16::MAX) + 10;
    for n in 0..some {
        let name = format!("{:03}/{n}", n % 256);
        if n < 256 {
            fs::create_dir(folder.path().join(format!("{n:03}"))).expect("made");
        }
        fs::File::create(folder.path().join(name)).expect("made");
    }
    let bytes = archive(of(folder.path(), Format::Zip)).await;
    let end = bytes.windows(4).rposition(|four| four == b"PK\x06\x06");
    assert!(end.is_some(), "the zip64 record of the end");
    assert_eq!(names_in_zip(bytes).len(), some as usize);
}

#[tokio::test]
async fn a_name_longer_than_a_tar_header_is_kept_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = "d".repeat(120) + "/" + &"e".repeat(120);
    fs::create_dir_all(folder.path().join(&deep)).expect("made");
    let name = format!("{deep}/f");
    fs::write(folder.path().join(&name), "x").expect("written");
    let tar = read_tar(&archive(of(folder.path(), Format::TarZst)).await);
    assert_eq!(tar, [(name, b"x".to_vec())]);
}
