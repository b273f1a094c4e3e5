//! A file on the server's disk, read as it is: one that changes meanwhile is an error that names it.

use std::{
    fs::File,
    io::{self, Read},
    time::SystemTime,
};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{
    CHUNK, Opened, Place, Production, Sharing, SourceError, Tether, Work, feed, print::Print,
};

/// An open file, and what it looked like when it was opened.
#[derive(Debug)]
pub(super) struct Found {
    file: File,
    what: String,
    before: Print,
}

pub(super) async fn find(place: Place) -> Result<Opened, SourceError> {
    let what = place.shown();
    let found = tokio::task::spawn_blocking(move || {
        let what = place.shown();
        let file = place.open()?;
        let before = Print::of(&file, &what)?;
        Ok(Found { file, what, before })
    });
    let found = found
        .await
        .map_err(|_| SourceError::io(what, io::ErrorKind::Interrupted.into()))??;
    let print = hex::encode(Sha256::digest(found.before.bytes()));
    Ok(Opened {
        sharing: if found.before.is_settled(SystemTime::now()) {
            Sharing::Lasting
        } else {
            Sharing::Flight
        },
        print,
        found: super::Found::Here(super::Here::Path(found)),
    })
}

pub(super) fn start(found: Found, print: String, tether: &Tether) -> Production {
    let size = found.before.size;
    tether.work.begin(size);
    let work = tether.work.clone();
    feed(tether, Some(size), Some(print), move |chunks| {
        read(found, &work, chunks)
    })
}

fn read(
    mut found: Found,
    work: &Work,
    chunks: &mpsc::Sender<Result<Bytes, SourceError>>,
) -> Result<(), SourceError> {
    let mut left = found.before.size;
    while left > 0 {
        let mut chunk = BytesMut::zeroed(left.min(CHUNK as u64) as usize);
        match found.file.read_exact(&mut chunk) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(SourceError::changed(found.what));
            }
            Err(error) => return Err(SourceError::io(found.what, error)),
        }
        left -= chunk.len() as u64;
        work.advance(chunk.len());
        if left == 0 {
            // Before the last chunk is given away: nobody may take the file for whole until it is
            // known to be one.
            found.before.still_holds(&found.file, &found.what)?;
        }
        if chunks.blocking_send(Ok(chunk.freeze())).is_err() {
            return Ok(());
        }
    }
    found.before.still_holds(&found.file, &found.what)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, path::Path};

    use super::*;
    use crate::source::{Recipe, open};

    fn recipe(folder: &Path, name: &str) -> Recipe {
        Recipe::Path(Place::below(folder, Path::new(name)))
    }

    #[tokio::test]
    async fn a_file_that_grows_while_it_is_read_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("growing.bin");
        std::fs::write(&path, vec![7; 16 * CHUNK]).expect("written");
        let opened = open(&recipe(folder.path(), "growing.bin")).await;
        let tether = Tether::default();
        let mut production = opened
            .expect("opened")
            .start_here(&tether)
            .expect("started");
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
        tether.let_go().await;
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_told_and_not_retried() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = open(&recipe(folder.path(), "gone")).await;
        let error = error.expect_err("missing");
        assert!(matches!(error, SourceError::Missing { .. }));
        assert!(!error.fault().retryable);
    }

    #[tokio::test]
    async fn a_folder_or_a_pipe_is_no_file_and_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("sub")).expect("made");
        let error = open(&recipe(folder.path(), "sub")).await;
        assert!(!error.expect_err("no file").fault().retryable);
    }

    #[tokio::test]
    async fn an_edit_that_sets_the_date_back_is_another_print() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "one").expect("written");
        let recipe = recipe(folder.path(), "a");
        let before = open(&recipe).await.expect("opened").print;
        assert_eq!(open(&recipe).await.expect("opened").print, before);
        let date = path.metadata().and_then(|m| m.modified()).expect("a date");
        // The inode's own date has steps: an edit shows once the clock has made one.
        let begun = std::time::Instant::now();
        loop {
            std::fs::write(&path, "two").expect("written");
            let file = File::options().append(true).open(&path).expect("opened");
            file.set_modified(date).expect("set back");
            if open(&recipe).await.expect("opened").print != before {
                break;
            }
            assert!(begun.elapsed().as_secs() < 10, "the edit never showed");
        }
    }
}
