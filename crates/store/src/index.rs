//! What is in the store, in memory: built at open, changed only together with the disk.
use std::{
    collections::{BTreeMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use jiff::Timestamp;
use s3s::{S3Result, s3_error};
use uuid::Uuid;

use crate::{
    files::DataFile,
    lifecycle::Rule,
    record::{ObjectRecord, PartRecord, UploadRecord},
};

/// Writers of keys in the same bucket meet only when their keys fall on the same of these.
const TURNS: usize = 64;

/// An object, and the hold on its data files: a reader keeps them while a writer replaces the object.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) record: ObjectRecord,
    /// In the order of `record.pieces`.
    pub(crate) files: Vec<Arc<DataFile>>,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) record: PartRecord,
    pub(crate) file: Arc<DataFile>,
}

/// An unfinished multipart upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) id: Uuid,
    pub(crate) record: UploadRecord,
    /// `None` once completed or aborted: a part that arrives later finds no upload.
    pub(crate) parts: Mutex<Option<BTreeMap<u16, Part>>>,
}

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// True while the bucket exists; writers hold it for reading, deletion for writing.
    gate: RwLock<bool>,
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
    pub(crate) lifecycle: RwLock<Vec<Rule>>,
    pub(crate) objects: RwLock<BTreeMap<String, Arc<Stored>>>,
    pub(crate) uploads: RwLock<BTreeMap<(String, Uuid), Arc<Upload>>>,
}

impl Bucket {
    pub(crate) fn new(name: String, created: Timestamp, lifecycle: Vec<Rule>) -> Self {
        Self {
            name,
            created,
            gate: RwLock::new(true),
            turns: std::array::from_fn(|_| Mutex::new(())),
            hasher: RandomState::new(),
            lifecycle: RwLock::new(lifecycle),
            objects: RwLock::default(),
            uploads: RwLock::default(),
        }
    }

    /// Holds the bucket in being while something is written into it.
    pub(crate) fn enter(&self) -> S3Result<RwLockReadGuard<'_, bool>> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if *gate {
            Ok(gate)
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }

    /// Keeps every writer out, to delete the bucket.
    pub(crate) fn close(&self) -> RwLockWriteGuard<'_, bool> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to change this key, record and index together.
    pub(crate) fn turn(&self, key: &str) -> MutexGuard<'_, ()> {
        // The remainder is below TURNS.
        let at = usize::try_from(self.hasher.hash_one(key) % TURNS as u64).unwrap_or_default();
        lock(&self.turns[at])
    }

    pub(crate) fn object(&self, key: &str) -> Option<Arc<Stored>> {
        read(&self.objects).get(key).cloned()
    }

    pub(crate) fn upload(&self, key: &str, id: &str) -> S3Result<Arc<Upload>> {
        let missing = || {
            s3_error!(
                NoSuchUpload,
                "The specified multipart upload does not exist; it may have been completed or aborted."
            )
        };
        let id = Uuid::parse_str(id).map_err(|_| missing())?;
        read(&self.uploads)
            .get(&(key.to_owned(), id))
            .cloned()
            .ok_or_else(missing)
    }
}

impl Stored {
    /// No record names these files any more, save those that `successor` goes on using.
    pub(crate) fn retire(&self, successor: Option<&Self>) {
        let used: HashSet<Uuid> = successor
            .iter()
            .flat_map(|next| next.files.iter().map(|file| file.id))
            .collect();
        self.files
            .iter()
            .filter(|file| !used.contains(&file.id))
            .for_each(|file| file.doom());
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
