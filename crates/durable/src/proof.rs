//! A large database is proven while it is used: a thread reads all of it, and the whole journal.
//!
//! Small ones are proven before they are used. Reading a gigabyte first would keep a server from
//! its clients for many seconds after each start, to find out what is nearly always fine.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    ops::Bound,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    Error,
    line::digest_of,
    open::{META, meta},
    replay::Replay,
    request::{Request, Tell},
};

/// Entries read while the writer waits.
const STRIDE: usize = 256;
/// Given to others after each stride: the proof is in no hurry.
const BREATH: Duration = Duration::from_micros(500);

/// How far the reading is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The last key that was read.
    passed: Option<Vec<u8>>,
    /// The digest of all up to it.
    sum: u64,
    /// Rows are being laid into the database, whose own digest follows them.
    pub(crate) laying: bool,
}

impl Progress {
    /// A key's part of the digest changes by `turn`: what was read already changes with it.
    pub(crate) fn follow(&mut self, key: &[u8], turn: u64) {
        if self.passed.as_deref().is_some_and(|passed| key <= passed) {
            self.sum = self.sum.wrapping_add(turn);
        }
    }
}

/// A proof that runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Proof {
    reading: Arc<Reading>,
    thread: Option<JoinHandle<()>>,
}

/// What a proof has read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    progress: Mutex<Progress>,
    stop: AtomicBool,
}

impl Proof {
    /// Begins to read the database, then the journal's first `len` bytes, and tells the writer what
    /// is wrong with them.
    pub(crate) fn begin(db: sled::Db, journal: &Path, len: u64, tell: Tell) -> Result<Self, Error> {
        let reading = Arc::new(Reading::default());
        let inside = Arc::clone(&reading);
        // Opened now: it is this file that is checked, even where it is written anew meanwhile.
        let journal = File::open(journal);
        let thread = std::thread::Builder::new()
            .name("durable-proof".into())
            .spawn(move || {
                let news = match inside.database(&db) {
                    Ok(()) => Request::Proven,
                    Err(why) => Request::Damaged(why),
                };
                drop(db);
                tell.tell(news, &inside.stop);
                let sound = journal.and_then(|file| inside.journal(file.take(len)));
                if !sound.unwrap_or(false) {
                    tell.tell(Request::JournalDamaged, &inside.stop);
                }
            })
            .map_err(Error::io("starting the proof"))?;
        Ok(Self {
            reading,
            thread: Some(thread),
        })
    }

    /// What it has read so far.
    pub(crate) fn reading(&self) -> Arc<Reading> {
        Arc::clone(&self.reading)
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        self.reading.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic inside sled is told by the next open.
            let _ = thread.join();
        }
    }
}

impl Reading {
    /// Held while what may have been read is changed.
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reads everything in the order of its keys, beside the writer.
    fn database(&self, db: &sled::Db) -> Result<(), String> {
        while !self.stopped() {
            let mut progress = self.progress();
            let from = progress.passed.take();
            let start = from.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut last = None;
            for entry in db.range::<&[u8], _>((start, Bound::Unbounded)).take(STRIDE) {
                let (key, value) = entry.map_err(|error| error.to_string())?;
                if key != META {
                    progress.sum = progress.sum.wrapping_add(digest_of(&key, &value));
                }
                last = Some(key.to_vec());
            }
            let Some(last) = last else {
                if progress.laying {
                    progress.passed = from;
                    drop(progress);
                    std::thread::sleep(BREATH);
                    continue;
                }
                let (_, digest) = meta(db).map_err(|error| error.to_string())?;
                progress.passed = from;
                return match progress.sum == digest {
                    true => Ok(()),
                    false => Err("its content is not what was stored".into()),
                };
            };
            progress.passed = Some(last);
            drop(progress);
            std::thread::sleep(BREATH);
        }
        Ok(())
    }

    fn journal(&self, file: io::Take<File>) -> io::Result<bool> {
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut replay = Replay::default();
        while !self.stopped() {
            if !replay.read_line(&mut reader, false)? {
                return Ok(replay.is_sound());
            }
        }
        Ok(true)
    }
}
