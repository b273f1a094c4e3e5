//! Objects and buckets change here: the record on the disk first, then the index, under the key's turn.
use std::{collections::BTreeMap, fs, io, sync::Arc};

use jiff::Timestamp;
use s3s::{S3Error, S3Result, s3_error};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    condition::Conditions,
    error::refused,
    files::{ReplaceError, sync_parent},
    index::{Bucket, Stored, read, write},
    ingest::{self, Ingested},
    lifecycle::Rule,
    record::{self, BucketRecord, Description, ObjectRecord, Piece},
    store::Inner,
};

pub(crate) fn encode<T: Serialize>(record: &T) -> S3Result<Vec<u8>> {
    record::encode(record).map_err(S3Error::internal_error)
}

impl Inner {
    /// Puts a data file in place as `key`. Blocking.
    pub(crate) fn put(
        &self,
        bucket: &Bucket,
        key: &str,
        body: Ingested,
        description: Description,
        conditions: &Conditions,
    ) -> S3Result<Arc<Stored>> {
        let record = ObjectRecord {
            key: key.to_owned(),
            etag: body.md5,
            size: body.size,
            modified: Timestamp::now(),
            pieces: vec![Piece {
                number: 1,
                file: body.file.id,
                size: body.size,
            }],
            description,
            checksum: body.checksum,
            upload: None,
        };
        let _alive = bucket.enter()?;
        let _turn = bucket.turn(key);
        conditions.check_write(bucket.object(key).as_deref().map(|stored| &stored.record))?;
        self.commit(
            bucket,
            Stored {
                record,
                files: vec![body.file],
            },
        )
    }

    /// Replaces the record, durably, and retires what it replaced. The caller has the key's turn. Blocking.
    pub(crate) fn commit(&self, bucket: &Bucket, next: Stored) -> S3Result<Arc<Stored>> {
        let path = self.layout.object_record(&bucket.name, &next.record.key);
        let replaced = self.layout.replace(&path, &encode(&next.record)?);
        let next = Arc::new(next);
        match replaced {
            Err(ReplaceError {
                source,
                landed: false,
            }) => Err(refused(source)),
            Err(ReplaceError {
                source,
                landed: true,
            }) => {
                // Seen by readers but perhaps not durable: neither the new files nor the old may go.
                next.files.iter().for_each(|file| file.keep());
                write(&bucket.objects).insert(next.record.key.clone(), next);
                Err(refused(source))
            }
            Ok(()) => {
                next.files.iter().for_each(|file| file.keep());
                let before =
                    write(&bucket.objects).insert(next.record.key.clone(), Arc::clone(&next));
                if let Some(before) = before {
                    before.retire(Some(&next));
                }
                Ok(next)
            }
        }
    }

    /// Removes `key`; `Ok(false)` when it was not there. Blocking.
    pub(crate) fn delete(
        &self,
        bucket: &Bucket,
        key: &str,
        wanted: impl FnOnce(&ObjectRecord) -> S3Result<bool>,
    ) -> S3Result<bool> {
        let _alive = bucket.enter()?;
        let _turn = bucket.turn(key);
        let Some(stored) = bucket.object(key) else {
            return Ok(false);
        };
        if !wanted(&stored.record)? {
            return Ok(false);
        }
        let path = self.layout.object_record(&bucket.name, key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
            _ => {}
        }
        write(&bucket.objects).remove(key);
        sync_parent(&path).map_err(refused)?;
        stored.retire(None);
        Ok(true)
    }

    /// Replaces an object's tags; its bytes, ETag and date stay. Blocking.
    pub(crate) fn tag(
        &self,
        bucket: &Bucket,
        key: &str,
        tags: BTreeMap<String, String>,
    ) -> S3Result {
        let _alive = bucket.enter()?;
        let _turn = bucket.turn(key);
        let Some(stored) = bucket.object(key) else {
            return Err(s3_error!(NoSuchKey));
        };
        let mut record = stored.record.clone();
        record.description.tags = tags;
        self.commit(
            bucket,
            Stored {
                record,
                files: stored.files.clone(),
            },
        )
        .map(drop)
    }

    /// A copy shares no file with its source: each piece gets a second link of its own. Blocking.
    pub(crate) fn copy(
        &self,
        source: &Stored,
        bucket: &Bucket,
        key: &str,
        description: Description,
    ) -> S3Result<Arc<Stored>> {
        let files = source
            .files
            .iter()
            .map(|file| ingest::link(&self.layout, &self.reaper, file))
            .collect::<S3Result<Vec<_>>>()?;
        crate::files::sync_folder(&self.layout.data()).map_err(refused)?;
        let mut record = source.record.clone();
        record.key = key.to_owned();
        record.modified = Timestamp::now();
        record.description = description;
        record.upload = None;
        for (piece, file) in record.pieces.iter_mut().zip(&files) {
            piece.file = file.id;
        }
        let _alive = bucket.enter()?;
        let _turn = bucket.turn(key);
        self.commit(bucket, Stored { record, files })
    }

    /// Makes a bucket; refused when it is there. Blocking.
    pub(crate) fn create_bucket(&self, name: &str) -> S3Result {
        let mut buckets = write(&self.buckets);
        if buckets.contains_key(name) {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        let record = BucketRecord {
            created: Timestamp::now(),
            lifecycle: Vec::new(),
        };
        let aside = self.layout.scratch();
        let made = || -> io::Result<()> {
            fs::create_dir_all(aside.join("objects"))?;
            fs::create_dir_all(aside.join("uploads"))?;
            fs::write(aside.join("bucket.json"), record::encode(&record)?)?;
            fs::File::open(aside.join("bucket.json"))?.sync_all()?;
            crate::files::sync_folder(&aside)?;
            fs::rename(&aside, self.layout.bucket(name))?;
            crate::files::sync_folder(&self.layout.buckets())
        };
        made().map_err(refused)?;
        buckets.insert(
            name.to_owned(),
            Arc::new(Bucket::new(name.to_owned(), record.created, Vec::new())),
        );
        Ok(())
    }

    /// Removes an empty bucket; unfinished uploads hold it as objects do. Blocking.
    pub(crate) fn delete_bucket(&self, name: &str) -> S3Result {
        let bucket = self.bucket(name)?;
        let mut alive = bucket.close();
        if !*alive {
            return Err(s3_error!(NoSuchBucket));
        }
        if !read(&bucket.objects).is_empty() || !read(&bucket.uploads).is_empty() {
            return Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ));
        }
        self.layout
            .remove_folder(&self.layout.bucket(name))
            .map_err(refused)?;
        *alive = false;
        write(&self.buckets).remove(name);
        Ok(())
    }

    /// Replaces a bucket's lifecycle rules. Blocking.
    pub(crate) fn set_lifecycle(&self, name: &str, rules: Vec<Rule>) -> S3Result {
        let bucket = self.bucket(name)?;
        let _alive = bucket.enter()?;
        let mut current = write(&bucket.lifecycle);
        let record = BucketRecord {
            created: bucket.created,
            lifecycle: rules,
        };
        self.layout
            .replace(&self.layout.bucket_record(name), &encode(&record)?)
            .map_err(|error| refused(error.source))?;
        *current = record.lifecycle;
        Ok(())
    }

    /// A name that the client made up for an upload is never a path: only our own ids are.
    pub(crate) fn fresh_upload() -> Uuid {
        Uuid::new_v4()
    }
}
