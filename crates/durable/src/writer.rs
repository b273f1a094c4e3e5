//! The one thread that writes: runs what waits as a group, flushes once, answers all.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

use crate::{
    Error, Options, Recovery, Shared, Tx,
    export::Commit,
    journal::{Changing, digest_of},
    open::{self, META, Opened, meta_value},
    proof::Proof,
    table::Changes,
};

/// What a transaction leaves to be told its outcome; runs what the caller wants done in order.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// A transaction; given an error instead of tables, it tells its caller so.
pub(crate) type Run = Box<dyn FnOnce(Result<&mut Tx<'_>, Error>) -> Option<Answer> + Send>;

pub(crate) enum Request {
    Change {
        run: Run,
        relaxed: bool,
    },
    /// The database was found not to be what was stored.
    Damaged(String),
    /// So was the journal.
    JournalDamaged,
    /// The database is what was stored.
    Proven,
    Close(oneshot::Sender<Result<(), Error>>),
}

/// What is to be done after a group.
enum After {
    Nothing,
    Renew(String),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// Transactions in one group.
const MOST_AT_ONCE: usize = 512;
/// Changed bytes after which a group is closed.
const MOST_BYTES: usize = 8 << 20;
/// A relaxed change is on the disk after so long.
const RELAXED_WITHIN: Duration = Duration::from_millis(250);
/// After so many changed bytes, a close lets sled map its pages for the next open.
const MAPPED_AT_CLOSE: u64 = 16 << 20;

pub(crate) struct Writer {
    dir: PathBuf,
    options: Options,
    /// None after a failure, until it has been opened again.
    opened: Option<Opened>,
    shared: Arc<Shared>,
    /// Commits applied but not flushed, with the time of the first.
    unflushed: Vec<Commit>,
    unflushed_since: Option<Instant>,
    /// Changed bytes since the database was opened.
    written: u64,
    /// Where a proof tells what it finds.
    tell: mpsc::WeakSender<Request>,
    _lock: File,
}

impl Writer {
    pub(crate) fn new(
        dir: PathBuf,
        options: Options,
        opened: Opened,
        shared: Arc<Shared>,
        tell: mpsc::WeakSender<Request>,
        lock: File,
    ) -> Self {
        Self {
            dir,
            options,
            opened: Some(opened),
            shared,
            unflushed: Vec::new(),
            unflushed_since: None,
            written: 0,
            tell,
            _lock: lock,
        }
    }

    pub(crate) fn run(mut self, mut requests: mpsc::Receiver<Request>, clock: &Runtime) {
        let closing = loop {
            let Some(first) = self.next(&mut requests, clock) else {
                break None;
            };
            match self.group(first, &mut requests) {
                After::Nothing => {}
                After::Renew(why) => self.renew(&why),
                After::Close(closing) => break Some(closing),
            }
        };
        requests.close();
        let outcome = self.flush();
        if let Some(opened) = self.opened.take() {
            self.shut(opened);
            if self.written >= MAPPED_AT_CLOSE {
                open::map_anew(&self.dir, &self.options);
            }
        }
        drop(self);
        if let Some(closing) = closing {
            let _ = closing.send(outcome);
        }
    }

    /// The next request; flushes relaxed changes whose time has come meanwhile. None at the end.
    fn next(&mut self, requests: &mut mpsc::Receiver<Request>, clock: &Runtime) -> Option<Request> {
        let Some(since) = self.unflushed_since else {
            return requests.blocking_recv();
        };
        let left = RELAXED_WITHIN.saturating_sub(since.elapsed());
        match clock.block_on(async { tokio::time::timeout(left, requests.recv()).await }) {
            Ok(request) => request,
            Err(_) => {
                if let Err(error) = self.flush() {
                    tracing::warn!(%error, "changes that may be lost were lost");
                }
                requests.blocking_recv()
            }
        }
    }

    /// Runs a group.
    fn group(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>) -> After {
        let mut changes = Changes::new();
        let mut answers = Vec::new();
        let mut any_durable = false;
        let mut after = After::Nothing;
        let ready = self.reopen();
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some(request) = next {
            match (request, &self.opened, &ready) {
                (Request::Close(done), ..) => {
                    after = After::Close(done);
                    break;
                }
                (Request::Damaged(why), ..) => {
                    after = After::Renew(why);
                    break;
                }
                (Request::Proven, ..) => self.shared.proven.store(true, Ordering::Relaxed),
                (Request::JournalDamaged, opened, _) => {
                    tracing::warn!("the journal is damaged; it is written anew");
                    if let Some(opened) = opened {
                        opened.export.write_anew();
                    }
                }
                (Request::Change { run, relaxed }, Some(opened), Ok(())) => {
                    any_durable |= !relaxed;
                    answers.extend(run_one(&opened.db, &mut changes, run, &mut bytes));
                }
                (Request::Change { run, .. }, _, refused) => {
                    run(Err(refused.clone().err().unwrap_or(Error::Closed)));
                }
            }
            if answers.len() >= MOST_AT_ONCE || bytes >= MOST_BYTES {
                break;
            }
            next = requests.try_recv().ok();
        }
        let changed = !changes.is_empty();
        let mut outcome = ready.and_then(|()| self.apply(changes));
        let due = self
            .unflushed_since
            .is_some_and(|since| since.elapsed() >= RELAXED_WITHIN);
        if outcome.is_ok() && ((any_durable && changed) || due) {
            outcome = self.flush();
        }
        let count = answers.len() as u64;
        self.shared.writes.fetch_add(count, Ordering::Relaxed);
        for answer in answers {
            let told = outcome.clone();
            if catch_unwind(AssertUnwindSafe(|| answer(told))).is_err() {
                tracing::error!("what followed a change to the database panicked");
            }
        }
        self.written += bytes as u64;
        after
    }

    /// Applies a group's changes as one batch, and numbers it.
    fn apply(&mut self, changes: Changes) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let Some(opened) = &mut self.opened else {
            return Err(Error::Closed);
        };
        let bytes = changes.iter().map(|(key, value)| {
            // With its share of the line's own marks.
            key.len() + value.as_ref().map_or(0, Vec::len) + 8
        });
        let mut line = Changing::commit(bytes.sum());
        let applied = guarded(|| {
            let mut digest = opened.digest;
            let mut batch = sled::Batch::default();
            // What a proof has read changes with it, as one.
            let mut proven = opened.proof.as_ref().map(Proof::progress);
            for (key, value) in changes {
                let mut turn = 0_u64;
                // Besides: each read lets sled free a little of what it threw away. Without them a
                // million inserts were seen to take 17 GB.
                if let Some(old) = opened.db.get(&key)? {
                    turn = turn.wrapping_sub(digest_of(&key, &old));
                }
                line.add(&key, value.as_deref());
                if let Some(value) = &value {
                    turn = turn.wrapping_add(digest_of(&key, value));
                }
                if let Some(proven) = &mut proven {
                    proven.follow(&key, turn);
                }
                digest = digest.wrapping_add(turn);
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
            }
            let seq = opened.seq + 1;
            batch.insert(META, meta_value(seq, digest).as_slice());
            opened.db.apply_batch(batch)?;
            Ok((seq, digest, line.end_commit(seq, digest)))
        });
        match applied {
            Ok((seq, digest, line)) => {
                opened.seq = seq;
                opened.digest = digest;
                self.unflushed.push(Commit { seq, line });
                self.unflushed_since.get_or_insert_with(Instant::now);
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Brings everything applied to the disk, then hands it to the journal: the journal never knows
    /// of a commit that the database could still lose.
    fn flush(&mut self) -> Result<(), Error> {
        let Some(opened) = &self.opened else {
            return Err(Error::Closed);
        };
        if self.unflushed.is_empty() {
            return Ok(());
        }
        #[cfg(test)]
        let failing = self
            .shared
            .failing_flushes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        #[cfg(not(test))]
        let failing = false;
        let flushed = guarded(|| {
            if failing {
                return Err(Error::Database("a fault made on purpose".into()));
            }
            opened.db.flush()?;
            Ok(())
        });
        if let Err(error) = flushed {
            return Err(self.failed(error));
        }
        self.shared.flushes.fetch_add(1, Ordering::Relaxed);
        self.unflushed_since = None;
        for commit in self.unflushed.drain(..) {
            opened.export.append(commit);
        }
        Ok(())
    }

    /// After an error sled refuses everything: it is opened again before the next group.
    fn failed(&mut self, error: Error) -> Error {
        tracing::error!(%error, "the database could not be written");
        self.unflushed.clear();
        self.unflushed_since = None;
        if let Some(opened) = self.opened.take() {
            self.shut(opened);
        }
        error
    }

    /// Lets go of the database, also by those who read, so that it can be opened again.
    fn shut(&self, opened: Opened) {
        let mut shared = self
            .shared
            .db
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            drop(opened.proof);
            opened.export.close();
            drop(shared.take());
            drop(opened.db);
        }));
        if dropped.is_err() {
            tracing::error!("closing the database panicked");
        }
    }

    fn reopen(&mut self) -> Result<(), Error> {
        if self.opened.is_some() {
            return Ok(());
        }
        let found = guarded(|| open::open(&self.dir, &self.options, &self.tell))?;
        self.take(found);
        Ok(())
    }

    /// Makes a database that was found damaged at work anew from its journal.
    fn renew(&mut self, why: &str) {
        tracing::error!(why, "the database is damaged");
        // What it still holds back goes to the journal first.
        if let Err(error) = self.flush() {
            tracing::error!(%error, "the last changes may be missing");
        }
        if let Some(opened) = self.opened.take() {
            self.shut(opened);
        }
        match guarded(|| open::renew(&self.dir, why, &self.options, &self.tell)) {
            Ok(found) => self.take(found),
            // The next write tries again.
            Err(error) => tracing::error!(%error, "it could not be made anew"),
        }
    }

    fn take(&mut self, (opened, recovery): (Opened, Option<Recovery>)) {
        if let Some(recovery) = recovery {
            tracing::error!(
                message = recovery.message,
                "the database was recovered at work"
            );
        }
        let mut shared = (self.shared.db.write()).unwrap_or_else(PoisonError::into_inner);
        *shared = Some(opened.db.clone());
        drop(shared);
        let proven = opened.proof.is_none();
        self.shared.proven.store(proven, Ordering::Relaxed);
        self.shared.reopened.fetch_add(1, Ordering::Relaxed);
        self.opened = Some(opened);
    }
}

/// Runs one transaction into the group's changes; none where it panicked, and was taken back.
fn run_one(db: &sled::Db, changes: &mut Changes, run: Run, bytes: &mut usize) -> Option<Answer> {
    let mut tx = Tx {
        db,
        changes,
        undo: Vec::new(),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| run(Ok(&mut tx))));
    let Ok(answer) = outcome else {
        tx.discard();
        return None;
    };
    *bytes += tx.written();
    answer
}

/// Turns a panic inside sled into an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Database("sled panicked".into())))
}
