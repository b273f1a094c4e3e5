//! The whole content as the beginning of a journal.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    Error,
    line::{Changing, Line, VERSION, encode},
    open::{META, meta, sync_folder},
};

/// Entries are gathered into lines of about this size.
const CHUNK: usize = 256 << 10;

/// Writes a whole journal of what the database holds while nothing changes it; gives its length.
pub(crate) fn write_snapshot(path: &Path, db: &sled::Db) -> Result<u64, Error> {
    let (seq, digest) = meta(db)?;
    let mut new = Snapshot::begin(path, seq)?;
    new.entries(db, || true)?;
    Ok(new.end(seq, digest, &[])?.1)
}

/// A journal being written beside the present one, which it replaces at its end.
#[derive(Debug)]
pub(crate) struct Snapshot {
    path: PathBuf,
    out: BufWriter<File>,
    chunk: Changing,
    chunk_bytes: usize,
    len: u64,
}

impl Snapshot {
    /// Begins one of a database whose last commit is `seq`.
    pub(crate) fn begin(path: &Path, seq: u64) -> Result<Self, Error> {
        let file = File::create(new_path(path)).map_err(Error::io("writing the journal"))?;
        let mut new = Self {
            path: path.to_path_buf(),
            out: BufWriter::with_capacity(1 << 20, file),
            chunk: Changing::entries(CHUNK),
            chunk_bytes: 0,
            len: 0,
        };
        new.line(&encode(&Line::Snapshot {
            version: VERSION,
            seq,
        }))?;
        Ok(new)
    }

    /// Writes everything that the database holds, to the disk. It may change meanwhile: the scan may
    /// show some of the later commits already, which their own lines, laid over it, make right.
    /// False where it was told not to go on.
    pub(crate) fn entries(
        &mut self,
        db: &sled::Db,
        go_on: impl Fn() -> bool,
    ) -> Result<bool, Error> {
        for entry in db.iter() {
            let (key, value) = entry?;
            if key == META {
                continue;
            }
            self.chunk_bytes += key.len() + value.len();
            self.chunk.add(&key, Some(&value));
            if self.chunk_bytes >= CHUNK {
                self.end_chunk()?;
                if !go_on() {
                    return Ok(false);
                }
            }
        }
        self.end_chunk()?;
        self.out.flush().map_err(Error::io("writing the journal"))?;
        let file = self.out.get_ref();
        file.sync_data().map_err(Error::io("syncing the journal"))?;
        Ok(true)
    }

    fn end_chunk(&mut self) -> Result<(), Error> {
        self.chunk_bytes = 0;
        let chunk = std::mem::replace(&mut self.chunk, Changing::entries(CHUNK));
        self.line(&chunk.end_entries())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        self.len += line.len() as u64;
        self.out
            .write_all(line)
            .map_err(Error::io("writing the journal"))
    }

    /// Ends it with the last commit and the digest after it, and with the lines of all commits since
    /// it began; then it takes the journal's place. Gives the file, which stands at its end, and its length.
    pub(crate) fn end(mut self, seq: u64, digest: u64, tail: &[u8]) -> Result<(File, u64), Error> {
        self.line(&encode(&Line::Complete { seq, digest }))?;
        self.line(tail)?;
        let file = self
            .out
            .into_inner()
            .map_err(|error| Error::io("writing the journal")(error.into_error()))?;
        file.sync_all().map_err(Error::io("syncing the journal"))?;
        fs::rename(new_path(&self.path), &self.path).map_err(Error::io("renaming the journal"))?;
        sync_folder(self.path.parent());
        Ok((file, self.len))
    }
}

fn new_path(path: &Path) -> PathBuf {
    path.with_extension("jsonl.new")
}
