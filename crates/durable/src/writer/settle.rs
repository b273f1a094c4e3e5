//! What the writer does beside its groups: what may wait goes to the disk, the journal is written anew
//! and sled maps its pages, each in its time.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::Writer;
use crate::{
    Error,
    beside::Beside,
    content::Content,
    open::{self, Found, MOST_PENDING, Opened},
    proof::Proof,
};

/// A relaxed change is on the disk after so long.
const RELAXED_WITHIN: Duration = Duration::from_millis(250);
/// A change is in the database, and that on the disk, after so long.
const LAID_WITHIN: Duration = Duration::from_secs(1);
/// So many times [`MOST_PENDING`] may wait while others are laid; then the writer waits for them.
const MOST_WAITING: usize = 4;
/// So long without a request is a pause.
const PAUSE: Duration = Duration::from_secs(2);

impl Writer {
    /// When something is to be done even where no request comes.
    pub(super) fn due(&self) -> Option<Instant> {
        let opened = self.opened.as_ref()?;
        let sync = self.unsynced_since.map(|since| since + RELAXED_WITHIN);
        // What is being laid says when it is.
        let unlaid = self.unlaid_since.filter(|_| self.laying.is_none());
        let lay = unlaid.map(|since| since + LAID_WITHIN);
        let times = [sync, lay, opened.journal.due(), self.map_due()];
        times.into_iter().flatten().min()
    }

    /// Does what has its time.
    pub(super) fn settle(&mut self) {
        let past =
            |since: Option<Instant>, most| since.is_some_and(|since| since.elapsed() >= most);
        let mut outcome = Ok(());
        if past(self.unsynced_since, RELAXED_WITHIN) {
            outcome = self.sync();
        }
        outcome = outcome.and_then(|()| self.end_lay(false));
        let bytes = self
            .shared
            .content()
            .as_ref()
            .map_or(0, Content::pending_bytes);
        let due = past(self.unlaid_since, LAID_WITHIN) || bytes >= MOST_PENDING;
        let anew = || {
            let due = self.opened.as_ref().and_then(|opened| opened.journal.due());
            due.is_some_and(|due| due <= Instant::now())
        };
        if outcome.is_ok() && anew() {
            outcome = self.lay();
        } else if outcome.is_ok() && due {
            let full = bytes >= MOST_WAITING * MOST_PENDING;
            outcome = self.end_lay(full).and_then(|()| self.begin_lay());
        }
        if let Err(error) = outcome {
            tracing::warn!(%error, "the database is opened again by the next write");
        }
        if let Some(opened) = &mut self.opened {
            let laid = self.unlaid_since.is_none() && self.laying.is_none();
            opened
                .journal
                .settle(&opened.db, opened.seq, opened.digest, laid);
        }
        if self.map_due().is_some_and(|due| due <= Instant::now()) {
            self.map_anew();
        }
    }

    /// When sled is to map its pages at work: in a pause, or at once where none came for too long. Not
    /// while somebody else has the database.
    fn map_due(&self) -> Option<Instant> {
        let opened = self.opened.as_ref()?;
        let proven = self.shared.proven.load(Ordering::Relaxed);
        let is_free = proven && self.laying.is_none() && !opened.journal.is_written_anew();
        if !is_free || self.written < self.options.map_after {
            return None;
        }
        let urgent = self.written >= self.options.map_after.saturating_mul(4);
        Some(if urgent { self.last } else { self.last + PAUSE })
    }

    /// Opens the database anew, so that sled maps its pages: it does so only then, and an open after a
    /// kill would have to read the whole log since. Who reads waits.
    fn map_anew(&mut self) {
        let began = Instant::now();
        if self.sync().and_then(|()| self.lay()).is_err() {
            return;
        }
        let Some(opened) = self.opened.take() else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let mut content = shared.content_mut();
        drop(content.take());
        let (seq, digest) = (opened.seq, opened.digest);
        drop((opened.db, opened.proof));
        match open::as_it_is(&self.dir.join("sled"), &self.options, false) {
            Found::Sound(db, s, d) if (s, d) == (seq, digest) => {
                *content = Some(Content::of(db.clone()));
                self.opened = Some(Opened {
                    db,
                    seq,
                    digest,
                    journal: opened.journal,
                    proof: None,
                });
                self.written = 0;
                self.shared.mapped.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(took = ?began.elapsed(), "the database has mapped its pages");
            }
            found => {
                drop(found);
                opened.journal.close(None);
                tracing::warn!(
                    "the database did not open as it was closed; the next write looks into it"
                );
            }
        }
    }

    /// Brings all that is pending into the database, and that to the disk.
    pub(super) fn lay(&mut self) -> Result<(), Error> {
        self.end_lay(true)?;
        self.begin_lay()?;
        self.end_lay(true)
    }

    /// Has a thread bring what is pending into the database, and that to the disk, unless one does
    /// already. Who reads sees the same before and after, and nobody waits.
    fn begin_lay(&mut self) -> Result<(), Error> {
        if self.laying.is_some() || self.unlaid_since.is_none() {
            return Ok(());
        }
        // Of what the database may hold in part, the journal holds all.
        self.sync()?;
        let Some(opened) = &self.opened else {
            return Err(Error::Closed);
        };
        let (db, seq, digest) = (opened.db.clone(), opened.seq, opened.digest);
        let proof = opened.proof.as_ref().map(Proof::reading);
        let Some(pending) = self.shared.content_mut().as_mut().map(Content::lay) else {
            return Err(Error::Closed);
        };
        let lay = move |_: &_| pending.lay(&db, seq, digest, proof.as_deref());
        match Beside::start("durable-lay", self.tell.clone(), lay) {
            Ok(laying) => {
                self.laying = Some(laying);
                self.unlaid_since = None;
                Ok(())
            }
            // What it was given is in the journal.
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Takes note of what was laid, if it was; waits for it where asked to.
    fn end_lay(&mut self, wait: bool) -> Result<(), Error> {
        let Some(laying) = &self.laying else {
            return Ok(());
        };
        let outcome = match wait {
            true => Some(laying.wait()),
            false => laying.outcome(),
        };
        let Some(outcome) = outcome else {
            return Ok(());
        };
        if let Some(laying) = self.laying.take() {
            laying.end();
        }
        match outcome {
            Ok(()) => {
                if let Some(content) = self.shared.content_mut().as_mut() {
                    content.laid();
                }
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }
}
