//! What the writer does beside its groups: what may wait goes to the disk, the journal is written anew
//! and sled maps its pages, each in its time.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{Writer, guarded};
use crate::{
    Content, Error,
    open::{self, Found, MOST_PENDING, Opened},
};

/// A relaxed change is on the disk after so long.
const RELAXED_WITHIN: Duration = Duration::from_millis(250);
/// A change is in the database, and that on the disk, after so long.
const LAID_WITHIN: Duration = Duration::from_secs(1);
/// So long without a request is a pause.
const PAUSE: Duration = Duration::from_secs(2);

impl Writer {
    /// When something is to be done even where no request comes.
    pub(super) fn due(&self) -> Option<Instant> {
        let opened = self.opened.as_ref()?;
        let sync = self.unsynced_since.map(|since| since + RELAXED_WITHIN);
        let lay = self.unlaid_since.map(|since| since + LAID_WITHIN);
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
        let many = || {
            self.content()
                .as_ref()
                .is_some_and(|content| content.pending.bytes() >= MOST_PENDING)
        };
        let anew = || {
            let due = self.opened.as_ref().and_then(|opened| opened.journal.due());
            due.is_some_and(|due| due <= Instant::now())
        };
        if outcome.is_ok() && (past(self.unlaid_since, LAID_WITHIN) || many() || anew()) {
            outcome = self.lay();
        }
        if let Err(error) = outcome {
            tracing::warn!(%error, "the database is opened again by the next write");
        }
        if let Some(opened) = &mut self.opened {
            let laid = self.unlaid_since.is_none();
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
        let is_free = proven && !opened.journal.is_written_anew();
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
        let mut content = (shared.content.write()).unwrap_or_else(PoisonError::into_inner);
        drop(content.take());
        let (seq, digest) = (opened.seq, opened.digest);
        drop((opened.db, opened.proof));
        match open::open_checked(&self.dir.join("sled"), &self.options, false) {
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

    /// Brings what is pending into the database, and that to the disk. Who reads sees the same before
    /// and after, and goes on meanwhile.
    pub(super) fn lay(&mut self) -> Result<(), Error> {
        let Some(opened) = &self.opened else {
            return Err(Error::Closed);
        };
        if self.unlaid_since.is_none() {
            return Ok(());
        }
        let laid = guarded(|| {
            if let Some(content) = self.content().as_ref() {
                let proof = opened.proof.as_ref();
                content
                    .pending
                    .lay(&opened.db, opened.seq, opened.digest, proof)?;
            }
            // `flush_async` is never called: seven at once block each other for ever in sled 0.34.
            opened.db.flush()?;
            Ok(())
        });
        if let Err(error) = laid {
            return Err(self.failed(error));
        }
        let shared = Arc::clone(&self.shared);
        let mut content = shared
            .content
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = content.as_mut() {
            content.pending.clear();
        }
        self.unlaid_since = None;
        Ok(())
    }
}
