//! What the tables hold: the database, and over it what only the journal has so far.

use std::sync::Arc;

use crate::{
    Error,
    commit::{Commit, Pending},
    line::digest_of,
    table::Changes,
};

/// The database with what is to be laid into it, in the order in which each hides what is below.
#[derive(Debug)]
pub(crate) struct Content {
    db: sled::Db,
    /// What is being laid into the database.
    laying: Arc<Pending>,
    /// What came since.
    pending: Pending,
}

impl Content {
    /// A database that holds all that the journal does.
    pub(crate) fn of(db: sled::Db) -> Self {
        Self {
            db,
            laying: Arc::default(),
            pending: Pending::default(),
        }
    }

    pub(crate) const fn db(&self) -> &sled::Db {
        &self.db
    }

    /// What hides the database's rows: the lower first.
    pub(crate) fn over(&self) -> [&Changes; 2] {
        [self.laying.changes(), self.pending.changes()]
    }

    /// A key's value.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.hidden(key) {
            Some(over) => Ok(over.clone()),
            None => Ok(self.db.get(key)?.map(|value| value.to_vec())),
        }
    }

    fn hidden(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        let [lower, upper] = self.over();
        upper.get(key).or_else(|| lower.get(key))
    }

    /// Numbers a group's changes as the commit after one with this number and digest.
    pub(crate) fn commit(&self, seq: u64, digest: u64, changes: Changes) -> Result<Commit, Error> {
        let (mut turned, mut growth) = (digest, 0_i64);
        for (key, new) in &changes {
            let mut leave = |old: Option<&[u8]>| {
                turned = turned.wrapping_sub(part(key, old));
                growth -= size(key, old);
            };
            match self.hidden(key) {
                Some(old) => leave(old.as_deref()),
                // Besides: each read lets sled free a little of what it threw away. Without them a
                // million inserts were seen to take 17 GB.
                None => leave(self.db.get(key)?.as_deref()),
            }
            turned = turned.wrapping_add(part(key, new.as_deref()));
            growth += size(key, new.as_deref());
        }
        Ok(Commit {
            seq: seq + 1,
            digest: turned,
            growth,
            changes,
        })
    }

    /// Takes a commit that the journal has.
    pub(crate) fn take(&mut self, commit: Commit) {
        self.pending.take(commit);
    }

    /// Bytes that wait.
    pub(crate) const fn pending_bytes(&self) -> usize {
        self.pending.bytes()
    }

    /// What waits, to be laid into the database; it is seen until [`Content::laid`].
    pub(crate) fn lay(&mut self) -> Arc<Pending> {
        self.laying = Arc::new(std::mem::take(&mut self.pending));
        Arc::clone(&self.laying)
    }

    /// The database has what was given by [`Content::lay`].
    pub(crate) fn laid(&mut self) {
        self.laying = Arc::default();
    }
}

/// A key's part of the digest; zero where it has no value.
pub(crate) fn part(key: &[u8], value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| digest_of(key, value))
}

/// A key's part of what is stored, in bytes; zero where it has no value.
fn size(key: &[u8], value: Option<&[u8]>) -> i64 {
    let bytes = value.map_or(0, |value| key.len() + value.len());
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
