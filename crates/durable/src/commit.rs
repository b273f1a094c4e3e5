//! A group of transactions as one: a line of the journal, then part of what is laid into the database.

use std::ops::RangeBounds;

use crate::{
    Error,
    line::{Changing, digest_of},
    open::{META, meta_value},
    proof::Proof,
    table::Changes,
};

/// A group's changes, numbered.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) seq: u64,
    /// Of everything after it.
    pub(crate) digest: u64,
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

/// What the journal has and the database has not yet: whoever reads lays it over the database. A row
/// that many groups change, or that one makes and another removes, reaches sled once or not at all;
/// each batch costs sled two writes of its log, however small it is.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    changes: Changes,
    bytes: usize,
}

impl Pending {
    /// A key's value; the outer none where nothing is pending for it.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&Vec<u8>>> {
        self.changes.get(key).map(Option::as_ref)
    }

    pub(crate) fn range(
        &self,
        range: impl RangeBounds<Vec<u8>>,
    ) -> impl DoubleEndedIterator<Item = (&Vec<u8>, &Option<Vec<u8>>)> {
        self.changes.range(range)
    }

    /// Bytes that wait.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Numbers a group's changes as the commit after one with this number and digest.
    pub(crate) fn commit(
        &self,
        db: &sled::Db,
        seq: u64,
        digest: u64,
        changes: Changes,
    ) -> Result<Commit, Error> {
        Ok(Commit {
            seq: seq + 1,
            digest: digest.wrapping_add(self.turn(db, &changes)?),
            changes,
        })
    }

    /// Takes a commit that the journal has.
    pub(crate) fn take(&mut self, commit: Commit) {
        for (key, value) in commit.changes {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.changes.insert(key, value);
        }
    }

    /// By how much changes turn the digest.
    pub(crate) fn turn(&self, db: &sled::Db, changes: &Changes) -> Result<u64, Error> {
        changes.iter().try_fold(0_u64, |turn, (key, new)| {
            let one = match self.changes.get(key) {
                Some(old) => part(key, new.as_deref()).wrapping_sub(part(key, old.as_deref())),
                None => turn_of(db, key, new.as_deref())?,
            };
            Ok(turn.wrapping_add(one))
        })
    }

    /// Lays all into the database as one atomic batch, after which its last commit and digest are
    /// these. What a proof has read changes with it.
    pub(crate) fn lay(
        &self,
        db: &sled::Db,
        seq: u64,
        digest: u64,
        proof: Option<&Proof>,
    ) -> Result<(), Error> {
        let mut proven = proof.map(Proof::progress);
        let mut batch = sled::Batch::default();
        for (key, value) in &self.changes {
            if let Some(proven) = &mut proven {
                proven.follow(key, turn_of(db, key, value.as_deref())?);
            }
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        batch.insert(META, meta_value(seq, digest).as_slice());
        db.apply_batch(batch)?;
        Ok(())
    }

    /// Forgets what the database has now.
    pub(crate) fn clear(&mut self) {
        self.changes.clear();
        self.bytes = 0;
    }
}

/// A key's part of the digest; zero where it has no value.
fn part(key: &[u8], value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| digest_of(key, value))
}

/// By how much the digest turns where a key of the database gets a new value, or none.
fn turn_of(db: &sled::Db, key: &[u8], new: Option<&[u8]>) -> Result<u64, Error> {
    // Besides: each read lets sled free a little of what it threw away. Without them a million
    // inserts were seen to take 17 GB.
    let old = db.get(key)?;
    Ok(part(key, new).wrapping_sub(part(key, old.as_deref())))
}
