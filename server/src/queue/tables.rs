//! The tables that a queue is kept in, what an index row is, and what a back end must give.

use std::future::Future;

use jiff::Timestamp;
use longhaul_durable::{Entry, Scan, Table};
use longhaul_protocol::{Durability, JobId, JobStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AGEING, JobRecord, JobState, Owner, QueueError};

/// Records by id; JSON.
pub(super) const JOBS: Table = Table("jobs");
/// Waiting jobs in the order in which they are claimed.
pub(super) const READY: Table = Table("ready");
/// Retries by the time they wait for.
pub(super) const DELAYED: Table = Table("delayed");
/// Claimed jobs.
pub(super) const PROCESSING: Table = Table("processing");
/// Completed jobs by when their artifact was stored.
pub(super) const ARTIFACTS: Table = Table("artifacts");
/// Completed jobs whose artifact was made for others too, by the artifact's key.
pub(super) const SHARED: Table = Table("shared");
/// Failed jobs by the time of their end.
pub(super) const ENDED: Table = Table("ended");
/// An owner's jobs, newest first; a row's value is the job's status.
pub(super) const OWNED: Table = Table("owned");
/// All tables whose rows follow from the records alone.
pub(super) const INDEXES: [Table; 7] =
    [READY, DELAYED, PROCESSING, ARTIFACTS, SHARED, ENDED, OWNED];
/// Version of the tables; what an older one has is made anew from the records.
pub(super) const LAYOUT: u32 = 2;
/// Tables of the first layout that are no more. A completed job had five rows; it has three now, so
/// that a million of them are opened in time.
pub(super) const FORMER: [Table; 2] = [Table("polled"), Table("owned_status")];
/// Idempotency keys with what they made.
pub(super) const KEYS: Table = Table("keys");
/// Idempotency keys by age.
pub(super) const KEY_AGES: Table = Table("key_ages");
/// Uploads to be aborted.
pub(super) const ORPHANS: Table = Table("orphans");
/// Records that could not be decoded, as they were.
pub(super) const QUARANTINE: Table = Table("quarantine");
/// One row: [`super::ledger::Tally`].
pub(super) const TALLY: Table = Table("tally");

/// What an idempotency key made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyRow {
    pub(super) fingerprint: String,
    pub(super) job: JobId,
    pub(super) at: Timestamp,
}

/// Reads tables.
pub trait Rows {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, QueueError>;
    fn scan(&self, table: Table, scan: &Scan) -> Result<Vec<Entry>, QueueError>;
}

/// Changes tables, as one transaction; reads see what it has written.
pub trait Tables: Rows {
    fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>);
    fn delete(&mut self, table: Table, key: &[u8]);
}

/// Whether an answer waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It does.
    Durable,
    /// It may be lost with the process.
    Relaxed,
}

/// Where tables live.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// What an answered durable change has survived.
    fn durability(&self) -> Durability;

    /// Grows when the tables may have become others than they were, as after a recovery at work.
    fn generation(&self) -> u64 {
        0
    }

    /// Runs `work` as one transaction, alone; an error takes back all that it wrote. After it is
    /// as durable as asked for, `then` runs, in the order of transactions.
    fn change<R: Send + 'static, S: Send + 'static>(
        &self,
        worth: Worth,
        work: impl FnOnce(&mut dyn Tables) -> Result<R, QueueError> + Send + 'static,
        then: impl FnOnce(R) -> S + Send + 'static,
    ) -> impl Future<Output = Result<S, QueueError>> + Send;

    /// Reads.
    fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Rows) -> Result<R, QueueError> + Send + 'static,
    ) -> impl Future<Output = Result<R, QueueError>> + Send;
}

/// A key that sorts by a number, then by acceptance.
pub(super) type OrderKey = [u8; 32];

fn order_key(order: i64, job: &JobRecord) -> OrderKey {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&sortable(order));
    key[8..16].copy_from_slice(&job.sequence.to_be_bytes());
    key[16..].copy_from_slice(job.id.0.as_bytes());
    key
}

/// Signed numbers in the order of their bytes.
const fn sortable(number: i64) -> [u8; 8] {
    number.wrapping_sub(i64::MIN).cast_unsigned().to_be_bytes()
}

/// Where a waiting job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It can be claimed.
    Ready(OrderKey),
    /// It waits for its time.
    Delayed(OrderKey),
}

/// Where a job waits; none where it does not.
pub(super) fn place(job: &JobRecord) -> Option<Place> {
    let JobState::Pending { not_before, .. } = job.state else {
        return None;
    };
    // The record alone says whether its time had come when it last changed: `Event::Due` changes it.
    if not_before > job.updated_at {
        return Some(Place::Delayed(order_key(not_before.as_microsecond(), job)));
    }
    // A level of priority is worth AGEING of age. Both grow alike for all who wait, so that this
    // order never changes: ageing without ever rewriting a row.
    let ageing = i64::try_from(AGEING.as_micros()).unwrap_or(i64::MAX);
    let order = not_before
        .as_microsecond()
        .saturating_sub(ageing.saturating_mul(i64::from(job.priority)));
    Some(Place::Ready(order_key(order, job)))
}

/// The key of a row that sorts by time.
pub(super) fn time_key(at: Timestamp, id: &[u8]) -> Vec<u8> {
    let mut key = sortable(at.as_microsecond()).to_vec();
    key.extend_from_slice(id);
    key
}

/// What the keys of an owner's rows begin with.
pub(super) fn owner_prefix(owner: &Owner) -> Vec<u8> {
    let name = owner.0.as_bytes();
    let mut key = (name.len() as u64).to_be_bytes().to_vec();
    key.extend_from_slice(name);
    key
}

/// A status as the value of an owner's row.
pub(super) const fn status_byte(status: JobStatus) -> u8 {
    match status {
        JobStatus::Pending => 0,
        JobStatus::Processing => 1,
        JobStatus::Completed => 2,
        JobStatus::Failed => 3,
    }
}

fn owner_key(job: &JobRecord) -> Vec<u8> {
    let mut key = owner_prefix(&job.owner);
    key.extend_from_slice(&(u64::MAX - job.sequence).to_be_bytes());
    key.extend_from_slice(job.id.0.as_bytes());
    key
}

/// The key of an idempotency key's row.
pub(super) fn idempotency_row(owner: &Owner, key: Uuid) -> Vec<u8> {
    let mut row = owner_prefix(owner);
    row.extend_from_slice(key.as_bytes());
    row
}

/// The id at the end of an index row's key.
pub(super) fn id_of(key: &[u8]) -> Option<JobId> {
    let (_, id) = key.split_last_chunk::<16>()?;
    Some(JobId(Uuid::from_bytes(*id)))
}

/// A row of an index: its table, its key, and what a reader needs without the record.
pub(super) type Row = (Table, Vec<u8>, Vec<u8>);

/// The rows that a record has in the indexes.
pub(super) fn rows(job: &JobRecord) -> Vec<Row> {
    let id = job.id.0.as_bytes();
    let mut rows = Vec::with_capacity(3);
    rows.push((OWNED, owner_key(job), vec![status_byte(job.status())]));
    match &job.state {
        JobState::Pending { .. } => match place(job) {
            Some(Place::Ready(key)) => rows.push((READY, key.to_vec(), vec![job.priority])),
            Some(Place::Delayed(key)) => rows.push((DELAYED, key.to_vec(), vec![job.priority])),
            None => {}
        },
        JobState::Processing { lease, .. } => {
            rows.push((PROCESSING, id.to_vec(), lease.worker.clone().into_bytes()));
        }
        JobState::Completed { artifact, at } => {
            rows.push((ARTIFACTS, time_key(artifact.since(*at), id), Vec::new()));
            if artifact.stored_at.is_some() {
                let key = [artifact.key.as_bytes(), id].concat();
                rows.push((SHARED, key, Vec::new()));
            }
        }
        JobState::Failed { at, .. } => rows.push((ENDED, time_key(*at, id), Vec::new())),
    }
    rows
}
