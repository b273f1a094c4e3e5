//! A zip archive made on the way: streamed, never a temporary copy, the same bytes for the same files.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use walkdir::WalkDir;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{
    ArchiveRecipe, CHUNK, Production, SourceError, Work, feed,
    path::{Print, shown},
};

/// From here on an entry needs zip64 fields; asking for them earlier changes no byte that matters.
const ZIP64_FROM: u64 = 0xF000_0000;

pub(super) async fn produce(recipe: ArchiveRecipe) -> Result<Production, SourceError> {
    let what = shown(&recipe.root);
    let members = tokio::task::spawn_blocking(move || members(&recipe))
        .await
        .map_err(|_| SourceError::io(what, io::ErrorKind::Interrupted.into()))??;
    let work = Arc::new(Work::default());
    work.begin(members.iter().map(|member| member.size).sum());
    let counter = Arc::clone(&work);
    Ok(feed(None, work, move |chunks| {
        write(&members, &counter, Outlet::new(chunks))
    }))
}

struct Member {
    path: PathBuf,
    name: String,
    size: u64,
}

/// The files of an archive in the order of their names, so that its bytes are always the same.
/// Links are not followed: nothing outside the root can get in.
fn members(recipe: &ArchiveRecipe) -> Result<Vec<Member>, SourceError> {
    let mut members = Vec::new();
    for entry in WalkDir::new(&recipe.root).sort_by_file_name() {
        let entry = entry.map_err(|error| walk_error(&recipe.root, error))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let Ok(relative) = entry.path().strip_prefix(&recipe.root) else {
            continue;
        };
        if recipe
            .include
            .as_ref()
            .is_some_and(|globs| !globs.is_match(relative))
        {
            continue;
        }
        let size = entry
            .metadata()
            .map_err(|error| walk_error(&recipe.root, error))?
            .len();
        members.push(Member {
            name: zip_name(relative),
            path: entry.into_path(),
            size,
        });
    }
    if members.is_empty() && !recipe.root.is_dir() {
        return Err(SourceError::Missing {
            what: shown(&recipe.root),
        });
    }
    Ok(members)
}

fn walk_error(root: &Path, error: walkdir::Error) -> SourceError {
    let what = shown(error.path().unwrap_or(root));
    SourceError::io(what, error.into())
}

fn zip_name(relative: &Path) -> String {
    let parts: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

fn write(members: &[Member], work: &Work, outlet: Outlet<'_>) -> Result<(), SourceError> {
    let mut zip = ZipWriter::new_stream(outlet);
    for member in members {
        match add(&mut zip, member, work) {
            Ok(()) => {}
            Err(Stop::Source(error)) => return Err(error),
            Err(Stop::NobodyListens) => return Ok(()),
        }
    }
    match zip.finish() {
        Ok(mut outlet) => outlet.get_mut().send_rest(),
        // Writing fails only where nobody listens any more.
        Err(_) => Ok(()),
    }
}

enum Stop {
    Source(SourceError),
    NobodyListens,
}

fn add<W: Write + io::Seek>(
    zip: &mut ZipWriter<W>,
    member: &Member,
    work: &Work,
) -> Result<(), Stop> {
    let source = |error| Stop::Source(SourceError::io(shown(&member.path), error));
    let mut file = File::open(&member.path).map_err(source)?;
    let before = Print::of(&file, &member.path).map_err(Stop::Source)?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(4))
        .last_modified_time(modified(&file))
        .unix_permissions(0o644)
        .large_file(before.size >= ZIP64_FROM);
    zip.start_file(&*member.name, options)
        .map_err(|_| Stop::NobodyListens)?;
    let mut left = before.size;
    let mut buffer = vec![0; CHUNK.min(64 << 10)];
    while left > 0 {
        let n = file.read(&mut buffer).map_err(source)?;
        if n == 0 {
            break;
        }
        left = left.saturating_sub(n as u64);
        work.advance(n);
        zip.write_all(&buffer[..n])
            .map_err(|_| Stop::NobodyListens)?;
    }
    before
        .still_holds(&file, &member.path)
        .map_err(Stop::Source)
}

/// Zip knows the years 1980 to 2107, in steps of two seconds; anything else becomes its epoch.
fn modified(file: &File) -> DateTime {
    let time = || {
        let modified = file.metadata().ok()?.modified().ok()?;
        let time = jiff::Timestamp::try_from(modified).ok()?;
        let utc = jiff::tz::TimeZone::UTC.to_datetime(time);
        DateTime::from_date_and_time(
            utc.year().try_into().ok()?,
            utc.month().try_into().ok()?,
            utc.day().try_into().ok()?,
            utc.hour().try_into().ok()?,
            utc.minute().try_into().ok()?,
            utc.second().try_into().ok()?,
        )
        .ok()
    };
    time().unwrap_or_default()
}

/// What the archive's bytes are written to: whole chunks go down the channel.
struct Outlet<'a> {
    chunks: &'a mpsc::Sender<Result<Bytes, SourceError>>,
    buffer: BytesMut,
}

impl<'a> Outlet<'a> {
    fn new(chunks: &'a mpsc::Sender<Result<Bytes, SourceError>>) -> Self {
        Self {
            chunks,
            buffer: BytesMut::with_capacity(CHUNK),
        }
    }

    fn send_rest(&mut self) -> Result<(), SourceError> {
        if !self.buffer.is_empty() {
            let _ = self.chunks.blocking_send(Ok(self.buffer.split().freeze()));
        }
        Ok(())
    }
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let take = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..take]);
        if self.buffer.len() == CHUNK {
            let chunk = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK));
            self.chunks
                .blocking_send(Ok(chunk.freeze()))
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::source::Recipe;

    async fn archive(root: &Path) -> Vec<u8> {
        let recipe = Recipe::Archive(ArchiveRecipe {
            root: root.to_owned(),
            include: None,
        });
        let mut production = crate::source::produce(&recipe).await.expect("opened");
        let mut bytes = Vec::new();
        while let Some(chunk) = production.chunks.recv().await {
            bytes.extend_from_slice(&chunk.expect("no error"));
        }
        assert_eq!(production.work.percent(), Some(100));
        bytes
    }

    #[tokio::test]
    async fn an_archive_holds_each_file_and_is_the_same_each_time() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("deep")).expect("made");
        std::fs::write(folder.path().join("deep/ü.txt"), "hello".repeat(9999)).expect("written");
        std::fs::write(folder.path().join("empty"), "").expect("written");
        let first = archive(folder.path()).await;
        assert_eq!(first, archive(folder.path()).await);
        let mut zip = zip::ZipArchive::new(Cursor::new(first)).expect("a zip");
        assert_eq!(zip.len(), 2);
        let mut text = String::new();
        zip.by_name("deep/ü.txt")
            .expect("there")
            .read_to_string(&mut text)
            .expect("whole");
        assert_eq!(text, "hello".repeat(9999));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_out_of_the_root_leads_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = tempfile::NamedTempFile::new().expect("a file");
        std::os::unix::fs::symlink(secret.path(), folder.path().join("link")).expect("linked");
        let zip = zip::ZipArchive::new(Cursor::new(archive_or_empty(folder.path()).await));
        assert_eq!(zip.expect("a zip").len(), 0);
    }

    async fn archive_or_empty(root: &Path) -> Vec<u8> {
        let recipe = Recipe::Archive(ArchiveRecipe {
            root: root.to_owned(),
            include: None,
        });
        let mut production = crate::source::produce(&recipe).await.expect("opened");
        let mut bytes = Vec::new();
        while let Some(chunk) = production.chunks.recv().await {
            bytes.extend_from_slice(&chunk.expect("no error"));
        }
        bytes
    }
}
