//! How a queue begins: what is known at once, and what is read beside the first requests.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use longhaul_durable::{Entry, Scan, Table};

use super::{Engine, lock};
use crate::queue::{
    QueueError,
    mirror::{MOST_RECORDS, Mirror},
    tables::{DELAYED, JOBS, PROCESSING, READY, Rows, Store, Worth, id_of},
    wake::Wake,
    work::{Work, decoded},
};

/// Rows of the line read at once.
const PAGE: usize = 4096;
/// Where who waits and who works is read.
const LIVING: [Table; 3] = [PROCESSING, READY, DELAYED];

impl<S: Store> Engine<S> {
    /// Begins on tables that are there: counts from their row, a short line at once, a long one
    /// beside the first requests. Indexes that are not `trusted` are made anew.
    pub(in crate::queue) async fn begin(&self, trusted: bool) -> Result<(), QueueError> {
        let mut loading = self.start_over(trusted).await?;
        for _ in LIVING {
            if !loading.page().await? {
                return Ok(());
            }
        }
        let mut tasks = lock(&self.loading);
        tasks.spawn(async move {
            if let Err(error) = loading.rest().await {
                // Claims go on by the tables alone; places in the queue stay unknown.
                tracing::error!(%error, "the waiting line could not be read");
            }
        });
        Ok(())
    }

    pub(in crate::queue) async fn stop_loading(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.loading));
        tasks.shutdown().await;
    }

    async fn start_over(&self, trusted: bool) -> Result<Loading<S>, QueueError> {
        let (limits, mirror, wake) = (self.limits, self.mirror.clone(), self.wake.clone());
        let generation = self.store.generation();
        let epoch = self
            .store
            .change(
                Worth::Durable,
                move |tables| {
                    let mut work = Work::begin(tables, limits, 0.0, Timestamp::UNIX_EPOCH)?;
                    work.check_layout(trusted)?;
                    work.end()
                },
                move |effects| {
                    let mut mirror = lock(&mirror);
                    mirror.follow(effects, &wake);
                    mirror.start_over(&wake);
                    mirror.generation = generation;
                    mirror.epoch
                },
            )
            .await?;
        Ok(Loading {
            store: self.store.clone(),
            mirror: self.mirror.clone(),
            wake: self.wake.clone(),
            epoch,
            table: 0,
            after: None,
            room: MOST_RECORDS,
        })
    }

    /// Reads everything into memory again where it may not be what the tables hold.
    pub(super) async fn refresh(&self) -> Result<(), QueueError> {
        let generation = self.store.generation();
        {
            let mut mirror = self.mirror();
            if !mirror.stale && mirror.generation == generation {
                return Ok(());
            }
            // One of those who find it stale reads it; the others go on by the tables.
            mirror.stale = false;
            mirror.generation = generation;
        }
        let read = async { self.start_over(true).await?.rest().await }.await;
        if read.is_err() {
            self.mirror().stale = true;
        }
        read
    }
}

/// Who waits and who works, on the way from the tables into memory. Each page is a transaction that
/// changes nothing: so it comes in its order among those that do.
struct Loading<S> {
    store: Arc<S>,
    mirror: Arc<Mutex<Mirror>>,
    wake: Arc<Wake>,
    epoch: u64,
    /// Which of [`LIVING`] is being read.
    table: usize,
    after: Option<Vec<u8>>,
    /// So many records still fit into memory.
    room: usize,
}

impl<S: Store> Loading<S> {
    async fn rest(mut self) -> Result<(), QueueError> {
        while self.page().await? {}
        Ok(())
    }

    /// Reads a page; false after the last.
    async fn page(&mut self) -> Result<bool, QueueError> {
        let Some(table) = LIVING.get(self.table).copied() else {
            lock(&self.mirror).took_all(self.epoch);
            return Ok(false);
        };
        let mut scan = Scan::all().limit(PAGE);
        if let Some(last) = self.after.take() {
            scan = scan.after(&last);
        }
        let (mirror, wake, epoch) = (self.mirror.clone(), self.wake.clone(), self.epoch);
        let (useful, page) = self
            .store
            .change(
                Worth::Relaxed,
                move |tables| tables.scan(table, &scan),
                move |page| {
                    let useful = lock(&mirror).take_page(epoch, table, &page, &wake);
                    (useful, page)
                },
            )
            .await?;
        self.keep_records(&page).await?;
        let (rows, last) = (page.len(), page.into_iter().next_back());
        if rows == PAGE {
            self.after = last.map(|(key, _)| key);
        } else {
            self.table += 1;
        }
        if self.table == LIVING.len() {
            lock(&self.mirror).took_all(self.epoch);
            return Ok(false);
        }
        Ok(useful)
    }

    /// Reads the page's records as far as there is room: whoever waits will ask for them.
    async fn keep_records(&mut self, page: &[Entry]) -> Result<(), QueueError> {
        let ids: Vec<_> = page
            .iter()
            .take(self.room)
            .filter_map(|(key, _)| id_of(key))
            .collect();
        self.room -= ids.len();
        let moment = lock(&self.mirror).moment();
        let look = move |rows: &dyn Rows| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let value = rows.get(JOBS, id.0.as_bytes())?;
                found.extend(value.and_then(|value| decoded(&value)));
            }
            Ok(found)
        };
        let found = self.store.look(look).await?;
        let mut mirror = lock(&self.mirror);
        for job in found {
            mirror.keep_read(job, moment);
        }
        Ok(())
    }
}
