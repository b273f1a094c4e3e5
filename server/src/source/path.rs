//! A file on the server's disk, read as it is: one that changes meanwhile is an error that names it.

use std::{
    fs::{File, Metadata},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use super::{CHUNK, Production, SourceError, Work, feed};

pub(super) async fn produce(path: PathBuf) -> Result<Production, SourceError> {
    let what = shown(&path);
    let opened = tokio::task::spawn_blocking(move || {
        let file = File::open(&path).map_err(|error| SourceError::io(shown(&path), error))?;
        let before = Print::of(&file, &path)?;
        Ok((path, file, before))
    });
    let (path, file, before) = opened
        .await
        .map_err(|_| SourceError::io(what, std::io::ErrorKind::Interrupted.into()))??;
    let work = Arc::new(Work::default());
    work.begin(before.size);
    let counter = Arc::clone(&work);
    let size = before.size;
    Ok(feed(Some(size), work, move |chunks| {
        read(&path, file, &before, &counter, chunks)
    }))
}

fn read(
    path: &Path,
    mut file: File,
    before: &Print,
    work: &Work,
    chunks: &mpsc::Sender<Result<Bytes, SourceError>>,
) -> Result<(), SourceError> {
    let mut left = before.size;
    while left > 0 {
        let mut chunk = BytesMut::zeroed(left.min(CHUNK as u64) as usize);
        match file.read_exact(&mut chunk) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(SourceError::Changed { what: shown(path) });
            }
            Err(error) => return Err(SourceError::io(shown(path), error)),
        }
        left -= chunk.len() as u64;
        work.advance(chunk.len());
        if chunks.blocking_send(Ok(chunk.freeze())).is_err() {
            return Ok(());
        }
    }
    before.still_holds(&file, path)
}

/// What tells that a file is still the one that was opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) size: u64,
    modified: Option<SystemTime>,
}

impl Print {
    pub(super) fn of(file: &File, path: &Path) -> Result<Self, SourceError> {
        let metadata = file
            .metadata()
            .map_err(|error| SourceError::io(shown(path), error))?;
        if !metadata.is_file() {
            return Err(SourceError::io(
                shown(path),
                std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file"),
            ));
        }
        Ok(Self::from(&metadata))
    }

    pub(super) fn still_holds(&self, file: &File, path: &Path) -> Result<(), SourceError> {
        if Self::of(file, path)? == *self {
            Ok(())
        } else {
            Err(SourceError::Changed { what: shown(path) })
        }
    }
}

impl From<&Metadata> for Print {
    fn from(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// The file's own name: a client is not told where the server keeps it.
pub(super) fn shown(path: &Path) -> String {
    path.file_name().map_or_else(
        || "the file".into(),
        |name| name.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::{Recipe, produce};

    #[tokio::test]
    async fn a_file_that_grows_while_it_is_read_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("growing.bin");
        std::fs::write(&path, vec![7; 16 * CHUNK]).expect("written");
        let mut production = produce(&Recipe::Path(path.clone())).await.expect("opened");
        let first = production.chunks.recv().await.expect("a chunk");
        assert_eq!(first.expect("bytes").len(), CHUNK);
        // The channel is shorter than the file, so the reader cannot be at its end yet.
        File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"more"))
            .expect("appended");
        let mut last = None;
        while let Some(chunk) = production.chunks.recv().await {
            last = Some(chunk);
        }
        let error = last.expect("something").expect_err("a change is told");
        assert_eq!(error.to_string(), "growing.bin changed while it was read");
        assert!(error.fault().retryable);
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_told_and_not_retried() {
        let folder = tempfile::tempdir().expect("a folder");
        let recipe = Recipe::Path(folder.path().join("gone"));
        let error = produce(&recipe).await.expect_err("missing");
        assert!(matches!(error, SourceError::Missing { .. }));
        assert!(!error.fault().retryable);
    }
}
