//! The thread that keeps the journal: appends each commit, and writes the whole anew when it has grown.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    Error,
    journal::{Changing, Line, VERSION, encode},
    open::{META, meta, sync_folder},
};

/// Under load the journal reaches the disk this often.
const SYNC_WITHIN: Duration = Duration::from_secs(1);
/// Without a commit for so long, it does so at once.
const PAUSE: Duration = Duration::from_millis(20);
/// After a failure, the next attempt to write it anew.
const RETRY: Duration = Duration::from_secs(5);
/// Entries are gathered into lines of about this size.
const CHUNK: usize = 256 << 10;
/// Commits that may arrive while a snapshot is written; more, and it is given up until later.
const MOST_TAIL: usize = 64 << 20;

/// One commit on its way into the journal.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) seq: u64,
    pub(crate) line: Vec<u8>,
}

/// What the journal's thread is told.
#[derive(Debug)]
enum News {
    Commit(Commit),
    /// What is there is damaged.
    WriteAnew,
}

/// The way to the journal's thread, and its end.
#[derive(Debug)]
pub(crate) struct Export {
    commits: Option<SyncSender<News>>,
    thread: Option<JoinHandle<()>>,
}

impl Export {
    /// Starts the thread on a journal that ends with `seq` and has `len` bytes; one that is not
    /// `sound` is written anew at once.
    pub(crate) fn start(
        path: PathBuf,
        db: sled::Db,
        seq: u64,
        len: u64,
        sound: bool,
        compact_above: u64,
    ) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(Error::io("opening the journal"))?;
        // Bounded: a journal on a slow disk slows the writes down rather than filling the memory.
        let (commits, receiver) = sync_channel(256);
        let keeper = Keeper {
            path,
            db,
            file,
            seq,
            len,
            live: len,
            compact_above,
            unsynced_since: None,
            broken_until: (!sound).then(Instant::now),
        };
        let thread = std::thread::Builder::new()
            .name("durable-journal".into())
            .spawn(move || keeper.run(&receiver))
            .map_err(Error::io("starting the journal"))?;
        Ok(Self {
            commits: Some(commits),
            thread: Some(thread),
        })
    }

    /// Hands over a commit that is on the disk already.
    pub(crate) fn append(&self, commit: Commit) {
        if let Some(commits) = &self.commits
            && commits.send(News::Commit(commit)).is_err()
        {
            tracing::error!("the journal's thread has ended: recovery would miss new changes");
        }
    }

    /// Has the journal written anew: it was found damaged.
    pub(crate) fn write_anew(&self) {
        if let Some(commits) = &self.commits {
            // An ended thread was told of already.
            let _ = commits.send(News::WriteAnew);
        }
    }

    /// Ends with everything on the disk.
    pub(crate) fn close(mut self) {
        self.commits = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Keeper {
    path: PathBuf,
    db: sled::Db,
    file: File,
    seq: u64,
    len: u64,
    /// Bytes of the last snapshot.
    live: u64,
    compact_above: u64,
    unsynced_since: Option<Instant>,
    /// A write failed: the file may end in half a line, and is written anew after this.
    broken_until: Option<Instant>,
}

impl Keeper {
    fn run(mut self, commits: &Receiver<News>) {
        loop {
            let wait = match (self.unsynced_since, self.broken_until) {
                (Some(_), _) => PAUSE,
                (None, Some(until)) => until.saturating_duration_since(Instant::now()),
                (None, None) => Duration::from_secs(3600),
            };
            match commits.recv_timeout(wait) {
                Ok(News::Commit(commit)) => self.append(&commit),
                Ok(News::WriteAnew) => self.broken_until = Some(Instant::now()),
                Err(RecvTimeoutError::Timeout) => self.sync(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self
                .unsynced_since
                .is_some_and(|since| since.elapsed() >= SYNC_WITHIN)
            {
                self.sync();
            }
            let grown = self.len > self.compact_above.max(4 * self.live);
            let due = self
                .broken_until
                .is_none_or(|until| until <= Instant::now());
            if due && (grown || self.broken_until.is_some()) {
                self.compact(commits);
            }
        }
        self.sync();
        if self.broken_until.is_some() {
            self.compact(commits);
        }
    }

    fn append(&mut self, commit: &Commit) {
        self.seq = commit.seq;
        if self.broken_until.is_some() {
            return;
        }
        match self.file.write_all(&commit.line) {
            Ok(()) => {
                self.len += commit.line.len() as u64;
                self.unsynced_since.get_or_insert_with(Instant::now);
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    fn sync(&mut self) {
        if self.unsynced_since.take().is_some()
            && let Err(error) = self.file.sync_data()
        {
            self.failed(&error.to_string());
        }
    }

    fn failed(&mut self, why: &str) {
        tracing::warn!(
            why,
            "the journal could not be written; it will be written anew"
        );
        self.unsynced_since = None;
        self.broken_until = Some(Instant::now() + RETRY);
    }

    fn compact(&mut self, commits: &Receiver<News>) {
        match self.write_anew(commits) {
            Ok((file, len)) => {
                self.file = file;
                self.len = len;
                self.live = len;
                self.unsynced_since = None;
                self.broken_until = None;
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    /// Writes a snapshot while commits go on. The scan may show some of them already, which their
    /// own lines, laid over it, make right: it counts once every commit that it may show follows it.
    fn write_anew(&mut self, commits: &Receiver<News>) -> Result<(File, u64), Error> {
        let mut tail = Vec::new();
        let mut new = Snapshot::begin(&self.path, self.seq)?;
        for entry in self.db.iter() {
            let (key, value) = entry?;
            if new.entry(&key, &value)? {
                while let Ok(news) = commits.try_recv() {
                    self.meanwhile(&news, &mut tail);
                }
                if tail.len() > MOST_TAIL {
                    return Err(Error::Database("too many changes at once".into()));
                }
            }
        }
        let (seq, digest) = meta(&self.db)?;
        let deadline = Instant::now() + RETRY;
        while self.seq < seq {
            match commits.try_recv() {
                Ok(news) => self.meanwhile(&news, &mut tail),
                Err(TryRecvError::Empty) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(_) => return Err(Error::Database("a commit did not arrive".into())),
            }
        }
        new.end(seq, digest, &tail)
    }

    /// A commit while a snapshot is written goes to both journals.
    fn meanwhile(&mut self, news: &News, tail: &mut Vec<u8>) {
        if let News::Commit(commit) = news {
            self.append(commit);
            tail.extend_from_slice(&commit.line);
        }
    }
}

/// Writes a whole journal of what the database holds while nothing changes it.
pub(crate) fn write_snapshot(path: &Path, db: &sled::Db) -> Result<u64, Error> {
    let (seq, digest) = meta(db)?;
    let mut new = Snapshot::begin(path, seq)?;
    for entry in db.iter() {
        let (key, value) = entry?;
        new.entry(&key, &value)?;
    }
    Ok(new.end(seq, digest, &[])?.1)
}

/// A journal being written beside the present one, which it replaces at its end.
struct Snapshot {
    path: PathBuf,
    out: BufWriter<File>,
    chunk: Changing,
    chunk_bytes: usize,
    len: u64,
}

impl Snapshot {
    fn begin(path: &Path, seq: u64) -> Result<Self, Error> {
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

    /// Adds an entry; true where that ended a line.
    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Error> {
        if key == META {
            return Ok(false);
        }
        self.chunk_bytes += key.len() + value.len();
        self.chunk.add(key, Some(value));
        if self.chunk_bytes < CHUNK {
            return Ok(false);
        }
        self.end_chunk()?;
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

    fn end(mut self, seq: u64, digest: u64, tail: &[u8]) -> Result<(File, u64), Error> {
        self.end_chunk()?;
        self.line(&encode(&Line::Complete { seq, digest }))?;
        self.line(tail)?;
        let file = self
            .out
            .into_inner()
            .map_err(|error| Error::io("writing the journal")(error.into_error()))?;
        file.sync_all().map_err(Error::io("syncing the journal"))?;
        fs::rename(new_path(&self.path), &self.path).map_err(Error::io("renaming the journal"))?;
        sync_folder(self.path.parent());
        drop(file);
        let file = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(Error::io("opening the journal"))?;
        Ok((file, self.len))
    }
}

fn new_path(path: &Path) -> PathBuf {
    path.with_extension("jsonl.new")
}
