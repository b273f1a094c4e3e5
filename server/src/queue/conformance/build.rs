//! What the promises are tried with: a queue, jobs, a clock that stands still.

use std::{any::Any, future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use longhaul_durable::Scan;
use longhaul_protocol::{Crc64Nvme, FaultCode, FileId, JobFault, JobId, Sha256, Stage};
use uuid::Uuid;

use crate::queue::{
    Artifact, Claim, ClaimKey, Enqueued, IdempotencyKey, JobRecord, JobSource, JobState, Limits,
    NewJob, Owner, Progress, Queue, QueueError, SharedQueue, UploadState,
    engine::Engine,
    job::later,
    ledger::Tally,
    tables::{FORMER, INDEXES, JOBS, Store, TALLY, Worth, rows},
    work::decoded,
};

type Done<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What the suite does below the queue's own interface.
pub(crate) trait Inside: Send + Sync {
    /// Makes a record undecodable.
    fn spoil(&self, job: JobId) -> Done<'_>;
    /// Makes a record undecodable in a change that then fails.
    fn spoil_in_vain(&self, job: JobId) -> Done<'_>;
    /// Compares every index and count with the records.
    fn audit(&self) -> Done<'_>;
}

impl<S: Store> Inside for Engine<S> {
    fn spoil(&self, job: JobId) -> Done<'_> {
        Box::pin(async move {
            let change = move |tables: &mut dyn crate::queue::tables::Tables| {
                tables.put(JOBS, job.0.as_bytes(), b"{\"schema\":1".to_vec());
                Ok(())
            };
            let spoilt = self.store.change(Worth::Durable, change, |()| ()).await;
            spoilt.expect("writes");
        })
    }

    fn spoil_in_vain(&self, job: JobId) -> Done<'_> {
        Box::pin(async move {
            let change = move |tables: &mut dyn crate::queue::tables::Tables| {
                tables.put(JOBS, job.0.as_bytes(), b"{}".to_vec());
                tables.delete(TALLY, b"");
                tables.put(JOBS, b"new", b"{}".to_vec());
                Err::<(), _>(QueueError::Full)
            };
            let refused = self.store.change(Worth::Durable, change, |()| ()).await;
            assert!(matches!(refused, Err(QueueError::Full)));
            let stray = self.store.look(|tables| tables.get(JOBS, b"new")).await;
            assert_eq!(stray.expect("reads"), None);
        })
    }

    fn audit(&self) -> Done<'_> {
        Box::pin(async {
            let looked = self.store.look(|tables| {
                let records: Vec<JobRecord> = tables
                    .scan(JOBS, &Scan::all())?
                    .iter()
                    .filter_map(|(_, value)| decoded(value))
                    .collect();
                let mut expected: Vec<_> = records
                    .iter()
                    .flat_map(rows)
                    .map(|(table, key, value)| (table.0, key, value))
                    .collect();
                let mut found = Vec::new();
                for table in INDEXES.into_iter().chain(FORMER) {
                    let keys = tables.scan(table, &Scan::all())?;
                    found.extend(keys.into_iter().map(|(key, value)| (table.0, key, value)));
                }
                expected.sort();
                found.sort();
                assert_eq!(found, expected, "the indexes follow from the records");
                let tally: Tally = tables
                    .get(TALLY, b"")?
                    .map(|tally| serde_json::from_slice(&tally).expect("decodes"))
                    .unwrap_or_default();
                let mut counted = tally.emptied();
                for job in &records {
                    counted.add(job);
                }
                assert_eq!(tally, counted, "the counts follow from the records");
                Ok(counted)
            });
            let counted = looked.await.expect("reads");
            assert_eq!(self.counts().await.expect("counts"), counted.counts());
            let ledger = self.ledger(at(0)).await.expect("tells");
            assert_eq!(ledger.missing(), 0, "{ledger:?}");
        })
    }
}

/// A queue under test.
pub(crate) struct Subject {
    pub(crate) queue: SharedQueue,
    inside: Arc<dyn Inside>,
    /// What must outlive the queue: its folder.
    _kept: Box<dyn Any + Send + Sync>,
}

/// The limits of every subject: the seed's, with a line of 500.
pub(crate) fn limits() -> Limits {
    Limits {
        max_pending: 500,
        ..Limits::default()
    }
}

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// The clock's start, and so many seconds later.
pub(crate) fn at(seconds: u64) -> Timestamp {
    let start = Timestamp::from_second(1_800_000_000).expect("a time");
    later(start, Duration::from_secs(seconds))
}

pub(crate) fn ada() -> Owner {
    Owner("ada".into())
}

pub(crate) fn job() -> NewJob {
    NewJob {
        id: JobId::random(),
        owner: ada(),
        source: JobSource::File {
            file_id: FileId::new(70000).expect("small"),
        },
        file_name: "film.mkv".into(),
        priority: 5,
        max_attempts: 3,
        idempotency: None,
    }
}

pub(crate) fn keyed(key: u128, fingerprint: &str) -> NewJob {
    NewJob {
        idempotency: Some(IdempotencyKey {
            key: Uuid::from_u128(key),
            fingerprint: fingerprint.into(),
        }),
        ..job()
    }
}

pub(crate) fn progress(bytes_done: u64, percent: u8) -> Progress {
    Progress {
        stage: Stage::Uploading,
        bytes_done,
        bytes_total: Some(1000),
        percent,
        work: 0,
    }
}

pub(crate) fn upload(id: &str) -> UploadState {
    UploadState {
        key: "artifacts/a/1/blob".into(),
        upload_id: id.into(),
        print: None,
    }
}

pub(crate) fn artifact(job: JobId) -> Artifact {
    Artifact {
        key: format!("artifacts/{job}/1/blob"),
        manifest_key: format!("artifacts/{job}/1/manifest"),
        size: 1000,
        etag: "\"etag\"".into(),
        sha256: Sha256([7; 32]),
        crc64nvme: Crc64Nvme(7),
        stored_at: None,
    }
}

pub(crate) fn fault(code: FaultCode, retryable: bool) -> JobFault {
    JobFault {
        code,
        message: "a fault".into(),
        retryable,
    }
}

impl Subject {
    pub(crate) fn over<S: Store>(queue: Arc<Engine<S>>, kept: impl Any + Send + Sync) -> Self {
        Self {
            queue: queue.clone(),
            inside: queue,
            _kept: Box::new(kept),
        }
    }

    pub(crate) async fn audit(&self) {
        self.inside.audit().await;
    }

    pub(crate) async fn spoil(&self, job: JobId) {
        self.inside.spoil(job).await;
    }

    pub(crate) async fn spoil_in_vain(&self, job: JobId) {
        self.inside.spoil_in_vain(job).await;
    }

    /// Enqueues, and gives the id.
    pub(crate) async fn put(&self, job: NewJob, now: Timestamp) -> JobId {
        match self.queue.enqueue(job, now).await.expect("enqueues") {
            Enqueued::Fresh(job) => job.id,
            Enqueued::Same(job) => panic!("{} was there already", job.id),
        }
    }

    pub(crate) async fn claim(&self, now: Timestamp) -> Option<Claim> {
        self.queue
            .claim("worker", LEASE, now)
            .await
            .expect("claims")
    }

    /// Enqueues and claims.
    pub(crate) async fn claimed(&self, now: Timestamp) -> ClaimKey {
        let job = self.put(job(), now).await;
        let claim = self.claim(now).await.expect("a job");
        assert_eq!(claim.key.job, job);
        claim.key
    }

    pub(crate) async fn read(&self, job: JobId) -> Option<JobRecord> {
        let found = self.queue.get(&ada(), &[job], false, at(0)).await;
        found.expect("reads").remove(0)
    }

    pub(crate) async fn beat(&self, claim: ClaimKey, bytes: u64, now: Timestamp) {
        let percent = u8::try_from(bytes / 10).expect("a percent");
        self.queue
            .heartbeat(claim, progress(bytes, percent), None, LEASE, now)
            .await
            .expect("beats");
    }

    pub(crate) async fn sweep(&self, now: Timestamp) -> crate::queue::Swept {
        self.queue.sweep(&limits(), 100, now).await.expect("sweeps")
    }
}

/// The fault of a job that failed.
pub(crate) fn failed_with(job: &JobRecord) -> FaultCode {
    match &job.state {
        JobState::Failed { fault, .. } => fault.code,
        other => panic!("not failed: {other:?}"),
    }
}

pub(crate) fn is_lost<T: std::fmt::Debug>(outcome: &Result<T, QueueError>) {
    assert!(matches!(outcome, Err(QueueError::LeaseLost)), "{outcome:?}");
}

pub(crate) fn is_conflict<T: std::fmt::Debug>(outcome: &Result<T, QueueError>) {
    assert!(
        matches!(outcome, Err(QueueError::Conflict(_))),
        "{outcome:?}"
    );
}
