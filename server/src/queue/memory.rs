//! The queue of development and tests: tables in this process, gone with it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use longhaul_durable::{Entry, Scan, Table};
use longhaul_protocol::Durability;

use super::{
    Limits, QueueError,
    engine::Engine,
    tables::{Rows, Store, Tables, Worth},
};

/// A queue that lives in this process.
pub type MemoryQueue = Engine<MemoryStore>;

impl MemoryQueue {
    /// An empty queue; `limits.max_pending` and `limits.retry_base` hold for it.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::over(MemoryStore::default(), limits)
    }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Tables in one sorted map.
#[derive(Debug, Default)]
pub struct MemoryStore {
    map: Mutex<Map>,
}

impl Store for MemoryStore {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    async fn change<R: Send + 'static, S: Send + 'static>(
        &self,
        _worth: Worth,
        work: impl FnOnce(&mut dyn Tables) -> Result<R, QueueError> + Send + 'static,
        then: impl FnOnce(R) -> S + Send + 'static,
    ) -> Result<S, QueueError> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tx = Transaction {
            map: &mut map,
            undo: Vec::new(),
        };
        match work(&mut tx) {
            // Within the lock: in the order of transactions.
            Ok(value) => Ok(then(value)),
            Err(error) => {
                tx.discard();
                Err(error)
            }
        }
    }

    async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Rows) -> Result<R, QueueError> + Send + 'static,
    ) -> Result<R, QueueError> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        look(&Transaction {
            map: &mut map,
            undo: Vec::new(),
        })
    }
}

struct Transaction<'a> {
    map: &'a mut Map,
    undo: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Transaction<'_> {
    fn discard(mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(value) => self.map.insert(key, value),
                None => self.map.remove(&key),
            };
        }
    }
}

impl Rows for Transaction<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, QueueError> {
        Ok(self.map.get(&table.key(key)).cloned())
    }

    fn scan(&self, table: Table, scan: &Scan) -> Result<Vec<Entry>, QueueError> {
        let Some(range) = scan.bounds(table) else {
            return Ok(Vec::new());
        };
        let skip = table.key(&[]).len();
        let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| (key[skip..].to_vec(), value.clone());
        let range = self.map.range(range);
        Ok(if scan.is_reversed() {
            range.rev().take(scan.most()).map(entry).collect()
        } else {
            range.take(scan.most()).map(entry).collect()
        })
    }
}

impl Tables for Transaction<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        let key = table.key(key);
        let before = self.map.insert(key.clone(), value);
        self.undo.push((key, before));
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        let key = table.key(key);
        if let Some(before) = self.map.remove(&key) {
            self.undo.push((key, Some(before)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::queue::conformance::{Subject, conformance_tests};

    async fn subject(limits: Limits) -> Subject {
        Subject::over(Arc::new(MemoryQueue::new(limits)), ())
    }

    conformance_tests!(subject);
}
