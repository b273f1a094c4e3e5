//! Opening: the database as it is where it can be proven sound, else a new one from the journal.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Error, Options, Recovery,
    commit::Pending,
    journal::Journal,
    line::digest_of,
    proof::Proof,
    recovery::{fresh, recover},
    replay::{self, Replay},
    request::Tell,
    snapshot::write_snapshot,
};

/// Where sled keeps the number of the last commit and the digest of everything: no table's key
/// begins with a NUL.
pub(crate) const META: &[u8] = &[0];

/// Bytes that are laid into the database at once.
pub(crate) const MOST_PENDING: usize = 1 << 20;
/// How long a lock of sled's that is being given back is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// A database that is sound, with its journal.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) db: sled::Db,
    pub(crate) seq: u64,
    pub(crate) digest: u64,
    pub(crate) journal: Journal,
    /// Of a large one that is proven while it is used.
    pub(crate) proof: Option<Proof>,
}

/// Takes the folder for this process, until the file is dropped.
pub(crate) fn lock(dir: &Path) -> Result<File, Error> {
    fs::create_dir_all(dir).map_err(Error::io("making the database's folder"))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(Error::io("opening the database's lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            dir: dir.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::io("locking the database")(error)),
    }
}

/// Opens what is in `dir`, which is locked. A journal that is not `trusted` is written anew.
pub(crate) fn open(
    dir: &Path,
    options: &Options,
    tell: &Tell,
    trusted: bool,
) -> Result<(Opened, Option<Recovery>), Error> {
    let path = dir.join("journal.jsonl");
    let folder = dir.join("sled");
    let existed = folder.exists();
    let small = size(&folder) <= options.prove_first;
    let checked = if small {
        replay::read(&path, None)
    } else {
        replay::ends(&path)
    };
    let checked = checked.map_err(Error::io("reading the journal"))?;
    let found = if existed {
        open_checked(&folder, options, small, Some(Target::of(&path, &checked)))
    } else {
        Found::Unusable("its folder is missing".into(), None)
    };
    let (why, salvaged) = match found {
        Found::Sound(db, seq, digest) => {
            let follows = trusted
                && checked.is_sound_to_its_end()
                && (checked.seq, checked.digest) == (seq, digest);
            let opened = begin(&path, db, &checked, (small, follows), options, tell)?;
            return Ok((opened, None));
        }
        Found::Behind(db, seq) => {
            // Where the journal is whole, it says all; otherwise both together do.
            let salvaged = (!checked.is_sound_to_its_end()).then(|| readable(&db));
            let lost = checked.seq - seq;
            (format!("it had lost {lost} commits"), salvaged)
        }
        Found::Failed(error) => return Err(error),
        // Made, and stopped before its first commit.
        Found::Blank(db) if !checked.any => {
            db.insert(META, meta_value(0, 0).as_slice())?;
            db.flush()?;
            return Ok((anew(&path, db, options, tell)?, None));
        }
        Found::Blank(db) => {
            drop(db);
            ("it was found empty".to_owned(), None)
        }
        Found::Held => {
            return Err(Error::Locked {
                dir: dir.to_path_buf(),
            });
        }
        Found::Unusable(why, salvaged) => (why, salvaged),
    };
    if !existed && !checked.any {
        let db = fresh(&folder, &BTreeMap::new(), 0, options)?;
        return Ok((anew(&path, db, options, tell)?, None));
    }
    recover(dir, &why, salvaged, options, tell, Replay::is_complete)
}

/// What a database is to hold: all that its journal tells.
struct Target {
    journal: PathBuf,
    end: u64,
    seq: u64,
    digest: u64,
}

impl Target {
    fn of(journal: &Path, checked: &Replay) -> Self {
        Self {
            journal: journal.to_path_buf(),
            end: checked.end,
            seq: checked.seq,
            digest: checked.digest,
        }
    }

    /// Lays all commits after `seq` over the database, of which it may have some rows already. False
    /// where not all of them are there.
    fn lay(&self, db: &sled::Db, seq: u64) -> Result<bool, Error> {
        let mut pending = Pending::default();
        let mut at = (seq, 0);
        let all = replay::each_after(&self.journal, self.end, seq, |commit| {
            at = (commit.seq, commit.digest);
            pending.take(commit);
            if pending.bytes() >= MOST_PENDING {
                std::mem::take(&mut pending).rows(db, None)?;
            }
            Ok(())
        })?;
        if !all || at != (self.seq, self.digest) {
            return Ok(false);
        }
        pending.lay(db, self.seq, self.digest, None)?;
        tracing::debug!(commits = self.seq - seq, "caught up from the journal");
        Ok(true)
    }
}

/// Opens the database as it is, in a thread of its own.
pub(crate) fn as_it_is(folder: &Path, options: &Options, proven: bool) -> Found {
    open_checked(folder, options, proven, None)
}

/// Opens the database and closes it: sled writes the map of its pages when it opens, and only then.
/// Without one that is young, the next open reads the whole log.
pub(crate) fn map_anew(dir: &Path, options: &Options) {
    let folder = dir.join("sled");
    let found = as_it_is(&folder, options, false);
    if !matches!(found, Found::Sound(..) | Found::Blank(_)) {
        tracing::warn!("the database did not open after its close; the next start looks into it");
    }
}

/// Bytes on the disk, as far as they can be read.
fn size(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else {
        return 0;
    };
    let sizes = files.flatten().map(|file| match file.metadata() {
        Ok(about) if about.is_dir() => size(&file.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Goes on with a sound database and the journal that was found beside it, which `follows` it or not.
fn begin(
    path: &Path,
    db: sled::Db,
    checked: &Replay,
    (small, follows): (bool, bool),
    options: &Options,
    tell: &Tell,
) -> Result<Opened, Error> {
    if small && !follows {
        return anew(path, db, options, tell);
    }
    let (seq, digest) = meta(&db)?;
    let journal = Journal::open(path, checked.end, follows, options, tell.clone())?;
    let proof = match small {
        true => None,
        false => Some(Proof::begin(db.clone(), path, checked.end, tell.clone())?),
    };
    Ok(Opened {
        db,
        seq,
        digest,
        journal,
        proof,
    })
}

/// Goes on with a sound database and a journal that is made from it.
pub(crate) fn anew(
    path: &Path,
    db: sled::Db,
    options: &Options,
    tell: &Tell,
) -> Result<Opened, Error> {
    let (seq, digest) = meta(&db)?;
    let len = write_snapshot(path, &db)?;
    let journal = Journal::open(path, len, true, options, tell.clone())?;
    Ok(Opened {
        db,
        seq,
        digest,
        journal,
        proof: None,
    })
}

/// What opening a folder found.
pub(crate) enum Found {
    /// With its last commit, and the digest after it.
    Sound(sled::Db, u64, u64),
    /// With its last commit, from which the journal does not lead to where it should be.
    Behind(sled::Db, u64),
    /// Nothing at all in it, not even the mark that a new one gets.
    Blank(sled::Db),
    /// Another process has sled's own lock.
    Held,
    /// The disk is at fault, and not what is on it.
    Failed(Error),
    /// Why, and what could still be read.
    Unusable(String, Option<BTreeMap<Vec<u8>, Vec<u8>>>),
}

/// Opens, brings it to the `target`, and reads everything where it is to be `proven`, in a thread of its
/// own: sled may fail, panic, or hang on damaged files. A thread that hangs is left behind with the
/// folder, which is moved aside.
fn open_checked(folder: &Path, options: &Options, proven: bool, target: Option<Target>) -> Found {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (path, cache) = (folder.to_path_buf(), options.cache_bytes);
    let thread = std::thread::Builder::new()
        .name("durable-open".into())
        .spawn(move || {
            let _ = sender.send(check(&path, cache, proven, target));
        });
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) => return Found::Unusable(error.to_string(), None),
    };
    match receiver.recv_timeout(options.open_timeout) {
        Ok(found) => {
            let _ = thread.join();
            found
        }
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
            let seconds = options.open_timeout.as_secs();
            Found::Unusable(format!("it did not open within {seconds} s"), None)
        }
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            let _ = thread.join();
            Found::Unusable("sled panicked over it".into(), None)
        }
    }
}

fn check(folder: &Path, cache: u64, proven: bool, target: Option<Target>) -> Found {
    let deadline = Instant::now() + LOCK_PATIENCE;
    let db = loop {
        match config(folder, cache).open() {
            Ok(db) => break db,
            // Our own lock is held: what keeps sled's is a handle that is just going, as after a close.
            Err(error) if error.to_string().contains("could not acquire lock") => {
                if Instant::now() >= deadline {
                    return Found::Held;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Found::Unusable(error.to_string(), None),
        }
    };
    if db.is_empty() {
        return Found::Blank(db);
    }
    let unusable = |why: String| Found::Unusable(why, Some(readable(&db)));
    let (mut seq, mut digest) = match meta(&db) {
        Ok(at) => at,
        Err(error) => return unusable(error.to_string()),
    };
    if let Some(target) = target.filter(|target| target.seq > seq) {
        match target.lay(&db, seq) {
            Ok(true) => (seq, digest) = (target.seq, target.digest),
            Ok(false) => return Found::Behind(db, seq),
            Err(error @ Error::Io { .. }) => return Found::Failed(error),
            Err(error) => return unusable(error.to_string()),
        }
    }
    if proven && let Some(fault) = fault(&db, digest) {
        return unusable(fault);
    }
    Found::Sound(db, seq, digest)
}

/// What is wrong with a database that should have this digest.
fn fault(db: &sled::Db, digest: u64) -> Option<String> {
    let mut sum = 0_u64;
    for entry in db.iter() {
        match entry {
            Ok((key, _)) if key == META => {}
            Ok((key, value)) => sum = sum.wrapping_add(digest_of(&key, &value)),
            Err(error) => return Some(error.to_string()),
        }
    }
    (sum != digest).then(|| "its content is not what was stored".to_owned())
}

/// What a database still gives.
fn readable(db: &sled::Db) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries = db.iter().map_while(Result::ok);
    let entries = entries.filter(|(key, _)| key != META);
    entries
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

pub(crate) fn config(folder: &Path, cache: u64) -> sled::Config {
    sled::Config::new()
        .path(folder)
        .cache_capacity(cache)
        // The writer alone flushes.
        .flush_every_ms(None)
}

/// The number of the last commit, and the digest of everything after it.
pub(crate) fn meta(db: &sled::Db) -> Result<(u64, u64), Error> {
    match db.get(META)? {
        None => Ok((0, 0)),
        Some(value) => value
            .split_first_chunk::<8>()
            .and_then(|(seq, digest)| {
                let digest = <[u8; 8]>::try_from(digest).ok()?;
                Some((u64::from_be_bytes(*seq), u64::from_be_bytes(digest)))
            })
            .ok_or_else(|| Error::Database("its last commit cannot be read".into())),
    }
}

pub(crate) fn meta_value(seq: u64, digest: u64) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&seq.to_be_bytes());
    value[8..].copy_from_slice(&digest.to_be_bytes());
    value
}

/// Makes renames in a folder survive a power cut. Not every system lets a folder be synced.
pub(crate) fn sync_folder(folder: Option<&Path>) {
    if let Some(folder) = folder.and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
}
