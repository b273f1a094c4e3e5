//! The one thread that writes: runs what waits as a group, brings it to the journal, answers all, and
//! lays it into the database.

mod settle;

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

use crate::{
    Error, Options, Recovery, Shared, Tx,
    beside::Beside,
    content::Content,
    error::guarded,
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
    unlaid_since: Option<Instant>,
    /// Lays what was pending into the database.
    laying: Option<Beside<()>>,
    /// Changed bytes since the database was opened, which is when sled maps its pages.
    written: u64,
    /// When the last group ended.
    last: Instant,
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
            unlaid_since: None,
            laying: None,
            written: 0,
            last: Instant::now(),
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
        let outcome = self.sync().and_then(|()| self.lay());
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

    /// Runs a group.
    fn group(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>) -> After {
        let ready = self.reopen();
        let mut group = Group::default();
        let after = self.gather(first, requests, &ready, &mut group);
        let outcome = ready.and_then(|()| self.write(group.changes, group.durable));
        let count = group.answers.len() as u64;
        self.shared.writes.fetch_add(count, Ordering::Relaxed);
        for answer in group.answers {
            let told = outcome.clone();
            if catch_unwind(AssertUnwindSafe(|| answer(told))).is_err() {
                tracing::error!("what followed a change to the database panicked");
            }
        }
        self.written += group.bytes as u64;
        self.last = Instant::now();
        self.settle();
        after
    }

    /// Runs the transactions that wait.
    fn gather(
        &mut self,
        first: Request,
        requests: &mut mpsc::Receiver<Request>,
        ready: &Result<(), Error>,
        group: &mut Group,
    ) -> After {
        let shared = Arc::clone(&self.shared);
        let content = shared.content();
        let mut next = Some(first);
        while let Some(request) = next {
            match (request, content.as_ref()) {
                (Request::Close(done), _) => return After::Close(done),
                (Request::Damaged(why), _) => return After::Renew(why),
                (Request::Settle, _) => {}
                (Request::Proven, _) => self.shared.proven.store(true, Ordering::Relaxed),
                (Request::JournalDamaged, _) => {
                    tracing::warn!("the journal is damaged; it is written anew");
                    if let Some(opened) = &mut self.opened {
                        opened.journal.distrust();
                    }
                }
                (Request::Change { run, relaxed }, Some(content)) => {
                    group.durable |= !relaxed;
                    group.run(content, run);
                }
                (Request::Change { run, .. }, None) => {
                    run(Err(ready.clone().err().unwrap_or(Error::Closed)));
                }
            }
            if group.is_full() {
                break;
            }
            next = requests.try_recv().ok();
        }
        After::Nothing
    }

    /// Numbers a group's changes and brings them to the journal; then they are seen.
    fn write(&mut self, changes: Changes, durable: bool) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let (Some(opened), shared) = (&mut self.opened, Arc::clone(&self.shared)) else {
            return Err(Error::Closed);
        };
        let commit = guarded(|| {
            let content = shared.content();
            let content = content.as_ref().ok_or(Error::Closed)?;
            content.commit(opened.seq, opened.digest, changes)
        });
        let written = commit.and_then(|commit| {
            opened.journal.append(&commit.line())?;
            opened.journal.grown(commit.growth);
            Ok(commit)
        });
        let commit = match written {
            Ok(commit) => commit,
            Err(error) => return Err(self.failed(error)),
        };
        (opened.seq, opened.digest) = (commit.seq, commit.digest);
        let now = Instant::now();
        self.unsynced_since.get_or_insert(now);
        self.unlaid_since.get_or_insert(now);
        if durable {
            self.sync()?;
        }
        if let Some(content) = shared.content_mut().as_mut() {
            content.take(commit);
        }
        Ok(())
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

    /// After an error sled refuses everything, and the journal may end in half a line: both are opened
    /// again before the next group.
    fn failed(&mut self, error: Error) -> Error {
        tracing::error!(%error, "the database could not be written");
        self.unsynced_since = None;
        self.unlaid_since = None;
        if let Some(opened) = self.opened.take() {
            self.shut(opened, false);
        }
        error
    }

    /// Lets go of the database, also by those who read, so that it can be opened again. Where it is
    /// `whole`, the journal may be made from it.
    fn shut(&mut self, opened: Opened, whole: bool) {
        if let Some(laying) = self.laying.take() {
            laying.end();
        }
        let mut content = self.shared.content_mut();
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            drop(opened.proof);
            opened.journal.close(whole.then_some(&opened.db));
            drop(content.take());
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
        *self.shared.content_mut() = Some(Content::of(opened.db.clone()));
        self.written = 0;
        let proven = opened.proof.is_none();
        self.shared.proven.store(proven, Ordering::Relaxed);
        self.shared.reopened.fetch_add(1, Ordering::Relaxed);
        self.opened = Some(opened);
    }
}

/// Transactions that are written as one.
#[derive(Default)]
struct Group {
    changes: Changes,
    answers: Vec<Answer>,
    /// Somebody waits until they are on the disk.
    durable: bool,
    bytes: usize,
}

impl Group {
    /// Runs one; one that panics is taken back.
    fn run(&mut self, content: &Content, run: Run) {
        let mut tx = Tx {
            content,
            changes: &mut self.changes,
            undo: Vec::new(),
        };
        match catch_unwind(AssertUnwindSafe(|| run(Ok(&mut tx)))) {
            Ok(answer) => {
                self.bytes += tx.written();
                self.answers.extend(answer);
            }
            Err(_) => tx.discard(),
        }
    }

    fn is_full(&self) -> bool {
        self.answers.len() >= MOST_AT_ONCE || self.bytes >= MOST_BYTES
    }
}
