//! A group of transactions as one: a line of the journal, then part of what is laid into the database.

use crate::{
    Error,
    content::part,
    line::Changing,
    open::{META, meta_value},
    proof::Reading,
    table::Changes,
};

/// A group's changes, numbered.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) seq: u64,
    /// Of everything after it.
    pub(crate) digest: u64,
    /// Bytes that everything grows by, in keys and values.
    pub(crate) growth: i64,
    pub(crate) changes: Changes,
}

impl Commit {
    /// Its line for the journal.
    pub(crate) fn line(&self) -> Vec<u8> {
        let bytes = self.changes.iter().map(|(key, value)| {
            // With its share of the line's own marks.
            key.len() + value.as_ref().map_or(0, Vec::len) + 8
        });
        let mut line = Changing::commit(bytes.sum());
        for (key, value) in &self.changes {
            line.add(key, value.as_deref());
        }
        line.end_commit(self.seq, self.digest)
    }
}

/// What the journal has and the database has not yet. A row that many groups change, or that one
/// makes and another removes, reaches sled once or not at all.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    changes: Changes,
    bytes: usize,
}

impl Pending {
    pub(crate) const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Bytes that wait.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a commit that the journal has.
    pub(crate) fn take(&mut self, commit: Commit) {
        for (key, value) in commit.changes {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.changes.insert(key, value);
        }
    }

    /// Lays all into the database, then its last commit and digest, and brings that to the disk. What
    /// a proof has read changes with it.
    ///
    /// Row by row, and not as one batch: sled lets nobody read while it applies one, and writes its
    /// log twice for it. A process that ends in the middle leaves some rows of commits after the one
    /// that the database names; the journal has those commits, and an open lays them all again.
    pub(crate) fn lay(
        &self,
        db: &sled::Db,
        seq: u64,
        digest: u64,
        proof: Option<&Reading>,
    ) -> Result<(), Error> {
        if let Some(proof) = proof {
            proof.progress().laying = true;
        }
        self.rows(db, proof)?;
        let mut proven = proof.map(Reading::progress);
        db.insert(META, meta_value(seq, digest).as_slice())?;
        if let Some(proven) = &mut proven {
            proven.laying = false;
        }
        drop(proven);
        // `flush_async` is never called: seven at once block each other for ever in sled 0.34.
        db.flush()?;
        Ok(())
    }

    /// Lays the rows alone.
    pub(crate) fn rows(&self, db: &sled::Db, proof: Option<&Reading>) -> Result<(), Error> {
        for (key, new) in &self.changes {
            let mut proven = proof.map(Reading::progress);
            let old = match new {
                Some(new) => db.insert(key.as_slice(), new.as_slice())?,
                None => db.remove(key)?,
            };
            if let Some(proven) = &mut proven {
                let (new, old) = (part(key, new.as_deref()), part(key, old.as_deref()));
                proven.follow(key, new.wrapping_sub(old));
            }
        }
        Ok(())
    }
}
