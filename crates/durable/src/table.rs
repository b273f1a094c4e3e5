//! Ordered tables of bytes: how a caller reads and changes them.

use std::{cmp::Ordering, collections::BTreeMap, ops::Bound};

use crate::{Error, content::Content};

/// A table's name: not empty, and without a NUL. A table exists as soon as something is put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Table(pub &'static str);

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

impl Table {
    /// The key under which sled keeps `key` of this table.
    #[must_use]
    pub fn key(self, key: &[u8]) -> Vec<u8> {
        debug_assert!(!self.0.is_empty() && !self.0.contains('\0'));
        let mut full = Vec::with_capacity(self.0.len() + 1 + key.len());
        full.extend_from_slice(self.0.as_bytes());
        full.push(0);
        full.extend_from_slice(key);
        full
    }
}

/// A stretch of keys.
pub type Stretch = (Bound<Vec<u8>>, Bound<Vec<u8>>);
/// Changed keys; none is a deletion.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
type Changed<'a> = (&'a Vec<u8>, &'a Option<Vec<u8>>);
/// What `Changes` held for a key.
type Before = Option<Option<Vec<u8>>>;

/// Which entries of a table to read, and in which direction.
#[derive(Debug, Clone)]
pub struct Scan {
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    limit: usize,
    reverse: bool,
}

impl Scan {
    /// The whole table, in the order of its keys.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            from: Bound::Unbounded,
            to: Bound::Unbounded,
            limit: usize::MAX,
            reverse: false,
        }
    }

    /// Every key that begins with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        // The first key after all that begin with the prefix: its last byte below 0xff, plus one.
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        let to = if let Some(last) = end.last_mut() {
            *last += 1;
            Bound::Excluded(end)
        } else {
            Bound::Unbounded
        };
        Self {
            from: Bound::Included(prefix.to_vec()),
            to,
            ..Self::all()
        }
    }

    /// Only keys from `key` on, itself included.
    #[must_use]
    pub fn from(mut self, key: &[u8]) -> Self {
        self.from = Bound::Included(key.to_vec());
        self
    }

    /// Only keys after `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        self.from = Bound::Excluded(key.to_vec());
        self
    }

    /// Only keys before `key`, itself not included.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.to = Bound::Excluded(key.to_vec());
        self
    }

    /// At most so many entries.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// From the last key to the first.
    #[must_use]
    pub const fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// The most entries that it gives.
    #[must_use]
    pub const fn most(&self) -> usize {
        self.limit
    }

    /// Whether it goes from the last key to the first.
    #[must_use]
    pub const fn is_reversed(&self) -> bool {
        self.reverse
    }

    /// The keys it covers, as sled keeps them; none where it can cover nothing at all. For another
    /// ordered map that keeps tables in the same way.
    #[must_use]
    pub fn bounds(&self, table: Table) -> Option<Stretch> {
        let from = match &self.from {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => Bound::Included(table.key(&[])),
        };
        let to = match &self.to {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => {
                let mut end = table.key(&[]);
                if let Some(last) = end.last_mut() {
                    *last = 1;
                }
                Bound::Excluded(end)
            }
        };
        let possible = match (&from, &to) {
            (Bound::Included(a), Bound::Included(b)) => a <= b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
                a < b
            }
            _ => true,
        };
        possible.then_some((from, to))
    }
}

/// The tables as they are: what [`crate::Durable::read`] shows. Each key is read as of its own
/// moment; a scan is no snapshot of its whole range.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(crate) content: &'a Content,
}

impl View<'_> {
    /// The value of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.content.get(&table.key(key))
    }

    /// The entries of a range, in its order.
    pub fn scan(&self, table: Table, scan: &Scan) -> Result<Vec<Entry>, Error> {
        merged(self.content, &BTreeMap::new(), table, scan)
    }
}

/// Changes that become one atomic transaction. It reads its own writes, and no other change comes
/// between its reads and its writes.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(crate) content: &'a Content,
    /// What the group has changed so far, this transaction included; none is a deletion.
    pub(crate) changes: &'a mut Changes,
    /// What `changes` held before this transaction, oldest first.
    pub(crate) undo: Vec<(Vec<u8>, Before)>,
}

impl Tx<'_> {
    /// The value of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = table.key(key);
        match self.changes.get(&key) {
            Some(changed) => Ok(changed.clone()),
            None => self.content.get(&key),
        }
    }

    /// The entries of a range, in its order.
    pub fn scan(&self, table: Table, scan: &Scan) -> Result<Vec<Entry>, Error> {
        merged(self.content, self.changes, table, scan)
    }

    /// Sets a key's value.
    pub fn put(&mut self, table: Table, key: &[u8], value: impl Into<Vec<u8>>) {
        self.change(table.key(key), Some(value.into()));
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, table: Table, key: &[u8]) {
        self.change(table.key(key), None);
    }

    /// Takes back all that this transaction has changed so far.
    pub fn discard(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(before) => self.changes.insert(key, before),
                None => self.changes.remove(&key),
            };
        }
    }

    /// Bytes that it has written so far.
    pub(crate) fn written(&self) -> usize {
        let size = |key: &Vec<u8>| {
            let value = self.changes.get(key).and_then(Option::as_ref);
            key.len() + value.map_or(0, Vec::len)
        };
        self.undo.iter().map(|(key, _)| size(key)).sum()
    }

    fn change(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let before = self.changes.insert(key.clone(), value);
        self.undo.push((key, before));
    }
}

/// What the tables hold, with the changes laid over it.
fn merged(
    content: &Content,
    changes: &Changes,
    table: Table,
    scan: &Scan,
) -> Result<Vec<Entry>, Error> {
    let Some(range) = scan.bounds(table) else {
        return Ok(Vec::new());
    };
    let skip = table.0.len() + 1;
    let stored = content.db().range(range.clone());
    let [lower, upper] = content.over().map(|over| over.range(range.clone()));
    let changed = changes.range(range);
    if scan.reverse {
        let reverse = Ordering::reverse;
        let upper = over(lower.rev(), upper.rev(), reverse);
        let all = over(upper, changed.rev(), reverse);
        merge(stored.rev(), all, reverse, skip, scan.limit)
    } else {
        let all = over(over(lower, upper, |order| order), changed, |order| order);
        merge(stored, all, |order| order, skip, scan.limit)
    }
}

/// Two sorted runs of changes as one; where both have a key, the second's counts.
fn over<'a>(
    first: impl Iterator<Item = Changed<'a>>,
    second: impl Iterator<Item = Changed<'a>>,
    direction: impl Fn(Ordering) -> Ordering,
) -> impl Iterator<Item = Changed<'a>> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    std::iter::from_fn(move || {
        let order = match (first.peek(), second.peek()) {
            (Some((key, _)), Some((other, _))) => direction(key.cmp(other)),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        if order == Ordering::Less {
            return first.next();
        }
        if order == Ordering::Equal {
            first.next();
        }
        second.next()
    })
}

fn merge<'a>(
    stored: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
    changed: impl Iterator<Item = Changed<'a>>,
    direction: impl Fn(Ordering) -> Ordering,
    skip: usize,
    limit: usize,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut stored = stored.peekable();
    let mut changed = changed.peekable();
    while entries.len() < limit {
        let order = match (stored.peek(), changed.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Ok((key, _))), Some((other, _))) => direction(key.as_ref().cmp(other.as_slice())),
            (Some(Err(_)), Some(_)) => Ordering::Less,
        };
        if order != Ordering::Greater
            && let Some(entry) = stored.next()
        {
            let (key, value) = entry?;
            if order == Ordering::Less {
                entries.push((key[skip..].to_vec(), value.to_vec()));
            }
        }
        if order != Ordering::Less
            && let Some((key, Some(value))) = changed.next()
        {
            entries.push((key[skip..].to_vec(), value.clone()));
        }
    }
    Ok(entries)
}
