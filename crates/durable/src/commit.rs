//! A group of transactions as one: a line of the journal, then a batch of the database.

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
    changes: Changes,
}

/// What a database becomes by a commit: worked out before, and done after, the commit is on the disk.
#[derive(Debug)]
pub(crate) struct Step {
    commit: Commit,
    /// By how much each change turns the digest.
    turns: Vec<u64>,
}

impl Commit {
    /// As the journal tells it.
    pub(crate) const fn of(seq: u64, digest: u64, changes: Changes) -> Self {
        Self {
            seq,
            digest,
            changes,
        }
    }
}

impl Step {
    /// The commit after one with this number and digest.
    pub(crate) fn after(
        db: &sled::Db,
        seq: u64,
        digest: u64,
        changes: Changes,
    ) -> Result<Self, Error> {
        let turns = turns(db, &changes)?;
        let digest = turns
            .iter()
            .fold(digest, |sum, turn| sum.wrapping_add(*turn));
        Ok(Self {
            commit: Commit::of(seq + 1, digest, changes),
            turns,
        })
    }

    /// A commit that is in the journal already; none where the database, whose digest is given, would
    /// not become what the commit says.
    pub(crate) fn again(db: &sled::Db, digest: u64, commit: Commit) -> Result<Option<Self>, Error> {
        let turns = turns(db, &commit.changes)?;
        let becomes = turns
            .iter()
            .fold(digest, |sum, turn| sum.wrapping_add(*turn));
        Ok((becomes == commit.digest).then_some(Self { commit, turns }))
    }

    pub(crate) const fn seq(&self) -> u64 {
        self.commit.seq
    }

    pub(crate) const fn digest(&self) -> u64 {
        self.commit.digest
    }

    /// Its line for the journal.
    pub(crate) fn line(&self) -> Vec<u8> {
        let bytes = self.commit.changes.iter().map(|(key, value)| {
            // With its share of the line's own marks.
            key.len() + value.as_ref().map_or(0, Vec::len) + 8
        });
        let mut line = Changing::commit(bytes.sum());
        for (key, value) in &self.commit.changes {
            line.add(key, value.as_deref());
        }
        line.end_commit(self.commit.seq, self.commit.digest)
    }

    /// Changes the database, as one atomic batch. What a proof has read changes with it.
    pub(crate) fn apply(self, db: &sled::Db, proof: Option<&Proof>) -> Result<(), Error> {
        let mut proven = proof.map(Proof::progress);
        let mut batch = sled::Batch::default();
        for ((key, value), turn) in self.commit.changes.into_iter().zip(self.turns) {
            if let Some(proven) = &mut proven {
                proven.follow(&key, turn);
            }
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let meta = meta_value(self.commit.seq, self.commit.digest);
        batch.insert(META, meta.as_slice());
        db.apply_batch(batch)?;
        Ok(())
    }
}

fn turns(db: &sled::Db, changes: &Changes) -> Result<Vec<u64>, Error> {
    let turn = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
        let mut turn = 0_u64;
        // Besides: each read lets sled free a little of what it threw away. Without them a
        // million inserts were seen to take 17 GB.
        if let Some(old) = db.get(key)? {
            turn = turn.wrapping_sub(digest_of(key, &old));
        }
        if let Some(value) = value {
            turn = turn.wrapping_add(digest_of(key, value));
        }
        Ok(turn)
    };
    changes.iter().map(turn).collect()
}
