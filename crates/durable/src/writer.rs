//! The one thread that writes: runs what waits as a group, brings it to the journal, answers all, and
//! lays it into the database.

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
    commit::Step,
    open::{self, Opened},
    recovery,
    request::{Answer, Request, Run, Tell},
    table::Changes,
};

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
/// The database is on the disk after so long: what is in the journal alone is laid over it by an open.
const FLUSHED_WITHIN: Duration = Duration::from_secs(1);
/// After so many changed bytes, a close lets sled map its pages for the next open.
const MAPPED_AT_CLOSE: u64 = 16 << 20;

pub(crate) struct Writer {
    dir: PathBuf,
    options: Options,
    /// None after a failure, until it has been opened again.
    opened: Option<Opened>,
    shared: Arc<Shared>,
    /// Whether the journal's file may hold other than what it gave back when it was read.
    distrusted: bool,
    /// When the first commit was written that is not synced in the journal.
    unsynced_since: Option<Instant>,
    /// The same of the database.
    unflushed_since: Option<Instant>,
    /// Changed bytes since the database was opened.
    written: u64,
    /// Where a proof tells what it finds.
    tell: Tell,
    _lock: File,
}

impl Writer {
    pub(crate) fn new(
        dir: PathBuf,
        options: Options,
        opened: Opened,
        shared: Arc<Shared>,
        tell: Tell,
        lock: File,
    ) -> Self {
        Self {
            dir,
            options,
            opened: Some(opened),
            shared,
            distrusted: false,
            unsynced_since: None,
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
        let outcome = self.sync().and_then(|()| self.flush());
        if let Some(opened) = self.opened.take() {
            self.shut(opened, outcome.is_ok());
            if self.written >= MAPPED_AT_CLOSE {
                open::map_anew(&self.dir, &self.options);
            }
        }
        drop(self);
        if let Some(closing) = closing {
            let _ = closing.send(outcome);
        }
    }

    /// The next request; does meanwhile what has its time. None at the end.
    fn next(&mut self, requests: &mut mpsc::Receiver<Request>, clock: &Runtime) -> Option<Request> {
        loop {
            let Some(due) = self.due() else {
                return requests.blocking_recv();
            };
            let left = due.saturating_duration_since(Instant::now());
            let next = async { tokio::time::timeout(left, requests.recv()).await };
            match clock.block_on(next) {
                Ok(request) => return request,
                Err(_) => self.settle(),
            }
        }
    }

    /// When something is to be done even where no request comes.
    fn due(&self) -> Option<Instant> {
        let opened = self.opened.as_ref()?;
        let sync = self.unsynced_since.map(|since| since + RELAXED_WITHIN);
        let flush = self.unflushed_since.map(|since| since + FLUSHED_WITHIN);
        [sync, flush, opened.journal.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what has its time.
    fn settle(&mut self) {
        let past =
            |since: Option<Instant>, most| since.is_some_and(|since| since.elapsed() >= most);
        let mut outcome = Ok(());
        if past(self.unsynced_since, RELAXED_WITHIN) {
            outcome = self.sync();
        }
        if outcome.is_ok() && past(self.unflushed_since, FLUSHED_WITHIN) {
            outcome = self.flush();
        }
        if let Err(error) = outcome {
            tracing::warn!(%error, "the database is opened again by the next write");
        }
        if let Some(opened) = &mut self.opened {
            opened.journal.settle(&opened.db, opened.seq, opened.digest);
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
            match (request, &mut self.opened, &ready) {
                (Request::Close(done), ..) => {
                    after = After::Close(done);
                    break;
                }
                (Request::Damaged(why), ..) => {
                    after = After::Renew(why);
                    break;
                }
                (Request::Settle, ..) => {}
                (Request::Proven, ..) => self.shared.proven.store(true, Ordering::Relaxed),
                (Request::JournalDamaged, opened, _) => {
                    tracing::warn!("the journal is damaged; it is written anew");
                    if let Some(opened) = opened {
                        opened.journal.distrust();
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
        let written = ready.and_then(|()| self.write(changes, any_durable));
        let (step, outcome) = match written {
            Ok(step) => (step, Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.answer(answers, &outcome, step);
        self.settle();
        self.written += bytes as u64;
        after
    }

    /// Numbers a group's changes and brings them to the journal; none where there are none.
    fn write(&mut self, changes: Changes, durable: bool) -> Result<Option<Step>, Error> {
        if changes.is_empty() {
            return Ok(None);
        }
        let Some(opened) = &mut self.opened else {
            return Err(Error::Closed);
        };
        let step = guarded(|| Step::after(&opened.db, opened.seq, opened.digest, changes));
        let written = step.and_then(|step| {
            opened.journal.append(&step.line())?;
            Ok(step)
        });
        let step = match written {
            Ok(step) => step,
            Err(error) => return Err(self.failed(error)),
        };
        (opened.seq, opened.digest) = (step.seq(), step.digest());
        self.unsynced_since.get_or_insert_with(Instant::now);
        if durable {
            self.sync()?;
        }
        Ok(Some(step))
    }

    /// Answers a group, then lays it into the database. Who reads waits as long: what was answered is
    /// seen.
    fn answer(&mut self, answers: Vec<Answer>, outcome: &Result<(), Error>, step: Option<Step>) {
        let shared = Arc::clone(&self.shared);
        let readers =
            (step.is_some()).then(|| shared.db.write().unwrap_or_else(PoisonError::into_inner));
        let count = answers.len() as u64;
        self.shared.writes.fetch_add(count, Ordering::Relaxed);
        for answer in answers {
            let told = outcome.clone();
            if catch_unwind(AssertUnwindSafe(|| answer(told))).is_err() {
                tracing::error!("what followed a change to the database panicked");
            }
        }
        let (Some(step), Some(opened)) = (step, &self.opened) else {
            return;
        };
        self.unflushed_since.get_or_insert_with(Instant::now);
        let applied = guarded(|| step.apply(&opened.db, opened.proof.as_ref()));
        drop(readers);
        if let Err(error) = applied {
            // It is in the journal: the next open lays it over what is there.
            self.failed(error);
        }
    }

    /// Brings every commit to the disk, in the journal.
    fn sync(&mut self) -> Result<(), Error> {
        let Some(opened) = &mut self.opened else {
            return Err(Error::Closed);
        };
        if self.unsynced_since.is_none() {
            return Ok(());
        }
        #[cfg(test)]
        let failing = self
            .shared
            .failing_syncs
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        #[cfg(not(test))]
        let failing = false;
        let synced = match failing {
            true => Err(Error::Database("a fault made on purpose".into())),
            false => opened.journal.sync(),
        };
        if let Err(error) = synced {
            // The system may take pages for clean that never reached the disk.
            self.distrusted = true;
            return Err(self.failed(error));
        }
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        self.unsynced_since = None;
        Ok(())
    }

    /// Brings the database to the disk.
    fn flush(&mut self) -> Result<(), Error> {
        let Some(opened) = &self.opened else {
            return Err(Error::Closed);
        };
        if self.unflushed_since.is_none() {
            return Ok(());
        }
        // `flush_async` is never called: seven at once block each other for ever in sled 0.34.
        let flushed = guarded(|| Ok(opened.db.flush().map(drop)?));
        if let Err(error) = flushed {
            return Err(self.failed(error));
        }
        self.unflushed_since = None;
        Ok(())
    }

    /// After an error sled refuses everything, and the journal may end in half a line: both are opened
    /// again before the next group.
    fn failed(&mut self, error: Error) -> Error {
        tracing::error!(%error, "the database could not be written");
        self.unsynced_since = None;
        self.unflushed_since = None;
        if let Some(opened) = self.opened.take() {
            self.shut(opened, false);
        }
        error
    }

    /// Lets go of the database, also by those who read, so that it can be opened again. Where it is
    /// `whole`, the journal may be made from it.
    fn shut(&self, opened: Opened, whole: bool) {
        let mut shared = self
            .shared
            .db
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            drop(opened.proof);
            opened.journal.close(whole.then_some(&opened.db));
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
        let trusted = !self.distrusted;
        let found = guarded(|| open::open(&self.dir, &self.options, &self.tell, trusted))?;
        self.distrusted = false;
        self.take(found);
        Ok(())
    }

    /// Makes a database that was found damaged at work anew from its journal.
    fn renew(&mut self, why: &str) {
        tracing::error!(why, "the database is damaged");
        if let Err(error) = self.sync() {
            tracing::error!(%error, "the last changes may be missing");
        }
        if let Some(opened) = self.opened.take() {
            self.shut(opened, false);
        }
        match guarded(|| recovery::renew(&self.dir, why, &self.options, &self.tell)) {
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
