//! The default queue: tables in a sled database on this machine's disk.

use std::path::Path;

use longhaul_durable::{Durable, Entry, Error, Options, Recovery, Scan, Table, Tx, View};
use longhaul_protocol::Durability;

use super::{
    Limits, QueueError,
    engine::Engine,
    tables::{Rows, Store, Tables, Worth},
};

/// A queue on this machine's disk.
pub type SledQueue = Engine<SledStore>;

impl SledQueue {
    /// Opens the queue in `dir`, making it where there is none. What had to be done to open it is
    /// told in the [`Recovery`]; `limits.max_pending` and `limits.retry_base` hold for it.
    ///
    /// # Errors
    /// [`QueueError::Store`] where another process has the folder, or it cannot be written.
    pub async fn open(dir: &Path, limits: Limits) -> Result<(Self, Option<Recovery>), QueueError> {
        let (durable, recovery) = Durable::open(dir, Options::default()).await?;
        let queue = Self::over(SledStore { durable }, limits);
        // Of a recovery from a damaged journal the indexes may know other jobs than the records.
        queue.begin(recovery.is_none()).await?;
        Ok((queue, recovery))
    }

    /// Writes everything down and frees the folder. Calls after this are refused.
    ///
    /// # Errors
    /// [`QueueError::Store`] where the last writes failed.
    pub async fn close(&self) -> Result<(), QueueError> {
        self.stop_loading().await;
        Ok(self.store.durable.clone().close().await?)
    }
}

impl From<Error> for QueueError {
    fn from(error: Error) -> Self {
        Self::Store(error.to_string())
    }
}

/// Tables in a database.
#[derive(Debug)]
pub struct SledStore {
    durable: Durable,
}

impl Store for SledStore {
    fn durability(&self) -> Durability {
        Durability::Fsync
    }

    fn generation(&self) -> u64 {
        self.durable.stats().reopened
    }

    async fn change<R: Send + 'static, S: Send + 'static>(
        &self,
        worth: Worth,
        work: impl FnOnce(&mut dyn Tables) -> Result<R, QueueError> + Send + 'static,
        then: impl FnOnce(R) -> S + Send + 'static,
    ) -> Result<S, QueueError> {
        let change = move |tx: &mut Tx<'_>| {
            let outcome = work(&mut Transaction(tx));
            if outcome.is_err() {
                tx.discard();
            }
            outcome
        };
        let then = move |outcome: Result<R, QueueError>| outcome.map(then);
        match worth {
            Worth::Durable => self.durable.write_then(change, then).await?,
            Worth::Relaxed => self.durable.write_relaxed_then(change, then).await?,
        }
    }

    async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Rows) -> Result<R, QueueError> + Send + 'static,
    ) -> Result<R, QueueError> {
        self.durable.read(move |view| look(&Looking(*view))).await?
    }
}

struct Transaction<'a, 'b>(&'a mut Tx<'b>);

impl Rows for Transaction<'_, '_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, QueueError> {
        Ok(self.0.get(table, key)?)
    }

    fn scan(&self, table: Table, scan: &Scan) -> Result<Vec<Entry>, QueueError> {
        Ok(self.0.scan(table, scan)?)
    }
}

impl Tables for Transaction<'_, '_> {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.0.put(table, key, value);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.0.delete(table, key);
    }
}

struct Looking<'a>(View<'a>);

impl Rows for Looking<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, QueueError> {
        Ok(self.0.get(table, key)?)
    }

    fn scan(&self, table: Table, scan: &Scan) -> Result<Vec<Entry>, QueueError> {
        Ok(self.0.scan(table, scan)?)
    }
}

#[cfg(test)]
#[path = "sled_tests.rs"]
mod tests;
