//! Multipart uploads: parts are data files from the start, and Complete links them into one record.
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    sync::Arc,
};

use jiff::Timestamp;
use md5::{Digest, Md5};
use s3s::{S3Result, s3_error};
use uuid::Uuid;

use crate::{
    checksum::{Algorithm, Checksum},
    condition::Conditions,
    error::refused,
    files::{ReplaceError, sync_folder},
    index::{Bucket, Part, Stored, Upload, lock, write},
    ingest::Ingested,
    objects::encode,
    record::{ObjectRecord, PartRecord, Piece, UploadRecord},
    store::Inner,
};

/// S3's minimum for every part but the last: 5 MiB.
const MIN_PART: u64 = 5 << 20;

/// A part as Complete names it.
pub(crate) struct Named {
    pub(crate) number: u16,
    pub(crate) etag: String,
    pub(crate) checksum: Option<(Algorithm, String)>,
}

/// What Complete says of the whole object.
#[derive(Default)]
pub(crate) struct Whole {
    pub(crate) size: Option<u64>,
    pub(crate) checksum: Option<(Algorithm, String)>,
    pub(crate) conditions: Conditions,
}

/// 1 to 10 000.
pub(crate) fn part_number(number: i32) -> S3Result<u16> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            )
        })
}

fn gone() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified multipart upload does not exist; it may have been completed or aborted."
    )
}

impl Inner {
    /// Begins an upload; it survives a restart. Blocking.
    pub(crate) fn create_upload(&self, bucket: &Bucket, record: UploadRecord) -> S3Result<Uuid> {
        let _alive = bucket.enter()?;
        let id = Self::fresh_upload();
        let aside = self.layout.scratch();
        let made = || -> io::Result<()> {
            fs::create_dir(&aside)?;
            fs::write(aside.join("upload.json"), crate::record::encode(&record)?)?;
            fs::File::open(aside.join("upload.json"))?.sync_all()?;
            sync_folder(&aside)?;
            fs::rename(&aside, self.layout.upload(&bucket.name, id))?;
            sync_folder(&self.layout.uploads(&bucket.name))
        };
        made().map_err(refused)?;
        let upload = Upload {
            id,
            record,
            parts: std::sync::Mutex::new(Some(BTreeMap::new())),
        };
        write(&bucket.uploads).insert((upload.record.key.clone(), id), Arc::new(upload));
        Ok(id)
    }

    /// Records a part, replacing one of the same number. Blocking.
    pub(crate) fn put_part(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        number: u16,
        body: Ingested,
    ) -> S3Result<PartRecord> {
        let record = PartRecord {
            piece: Piece {
                number,
                file: body.file.id,
                size: body.size,
            },
            etag: body.md5,
            modified: Timestamp::now(),
            checksum: body.checksum,
        };
        let bytes = encode(&record)?;
        let mut parts = lock(&upload.parts);
        let parts = parts.as_mut().ok_or_else(gone)?;
        let path = self.layout.part_record(&bucket.name, upload.id, number);
        let replaced = self.layout.replace(&path, &bytes);
        if matches!(replaced, Err(ReplaceError { landed: false, .. })) {
            return replaced
                .map(|()| record)
                .map_err(|error| refused(error.source));
        }
        body.file.keep();
        let before = parts.insert(
            number,
            Part {
                record: record.clone(),
                file: body.file,
            },
        );
        replaced.map_err(|error| refused(error.source))?;
        if let Some(before) = before {
            before.file.doom();
        }
        Ok(record)
    }

    /// Ends an upload and drops its parts. Blocking.
    pub(crate) fn abort_upload(&self, bucket: &Bucket, upload: &Upload) -> S3Result {
        let mut parts = lock(&upload.parts);
        let ending = parts.take().ok_or_else(gone)?;
        if let Err(error) = self
            .layout
            .remove_folder(&self.layout.upload(&bucket.name, upload.id))
        {
            *parts = Some(ending);
            return Err(refused(error));
        }
        write(&bucket.uploads).remove(&(upload.record.key.clone(), upload.id));
        ending.values().for_each(|part| part.file.doom());
        Ok(())
    }

    /// Makes the named parts an object. The object's record landing is the one step that counts: before
    /// it the upload is as it was, after it a restart clears the upload away. Blocking.
    pub(crate) fn complete_upload(
        &self,
        bucket: &Bucket,
        key: &str,
        id: &str,
        named: &[Named],
        whole: &Whole,
    ) -> S3Result<Arc<Stored>> {
        let _alive = bucket.enter()?;
        let _turn = bucket.turn(key);
        let upload = match bucket.upload(key, id) {
            Ok(upload) => upload,
            Err(missing) => return already_done(bucket, key, id, named).ok_or(missing),
        };
        let mut held = lock(&upload.parts);
        let parts = held.as_ref().ok_or_else(gone)?;
        let chosen = choose(parts, named)?;
        let record = self.assemble(&upload, &chosen, whole)?;
        whole
            .conditions
            .check_write(bucket.object(key).as_deref().map(|stored| &stored.record))?;
        let files = chosen.iter().map(|part| Arc::clone(&part.file)).collect();
        let stored = self.commit(bucket, Stored { record, files })?;
        // Done; what follows is cleaning, and the next open does it if this does not.
        let ended = held.take().unwrap_or_default();
        let used: HashSet<Uuid> = stored.files.iter().map(|file| file.id).collect();
        ended
            .values()
            .filter(|part| !used.contains(&part.file.id))
            .for_each(|part| part.file.doom());
        write(&bucket.uploads).remove(&(key.to_owned(), upload.id));
        if let Err(error) = self
            .layout
            .remove_folder(&self.layout.upload(&bucket.name, upload.id))
        {
            tracing::warn!(%error, "a completed upload's records could not be removed; the next open tries again");
        }
        Ok(stored)
    }

    fn assemble(&self, upload: &Upload, chosen: &[&Part], whole: &Whole) -> S3Result<ObjectRecord> {
        let size = chosen.iter().map(|part| part.record.piece.size).sum();
        if whole.size.is_some_and(|wanted| wanted != size) {
            return Err(s3_error!(
                InvalidRequest,
                "The parts do not add up to the size you specified."
            ));
        }
        let checksum = upload.record.checksum.and_then(|plan| {
            let sums = chosen
                .iter()
                .map(|part| {
                    part.record
                        .checksum
                        .as_ref()
                        .filter(|sum| sum.algorithm == plan.algorithm)
                        .map(|sum| (sum.value.clone(), part.record.piece.size))
                })
                .collect::<Option<Vec<_>>>()?;
            plan.algorithm.combine(plan.kind, &sums)
        });
        check_whole(checksum.as_ref(), whole)?;
        Ok(ObjectRecord {
            key: upload.record.key.clone(),
            etag: etag_of(chosen.iter().map(|part| part.record.etag.as_str())),
            size,
            modified: Timestamp::now(),
            pieces: chosen.iter().map(|part| part.record.piece).collect(),
            description: upload.record.description.clone(),
            checksum,
            upload: Some(upload.id),
        })
    }
}

/// The parts that Complete names, if they are there as named, in order and large enough.
fn choose<'a>(parts: &'a BTreeMap<u16, Part>, named: &[Named]) -> S3Result<Vec<&'a Part>> {
    if named.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    if !named.is_sorted_by(|before, after| before.number < after.number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order."
        ));
    }
    let chosen = named
        .iter()
        .map(|named| {
            parts
                .get(&named.number)
                .filter(|part| part.record.etag == named.etag)
                .filter(|part| agrees(part.record.checksum.as_ref(), named.checksum.as_ref()))
                .ok_or_else(|| s3_error!(InvalidPart, "Part {} could not be found, or its ETag or checksum is not the one it was stored with.", named.number))
        })
        .collect::<S3Result<Vec<_>>>()?;
    if chosen
        .iter()
        .rev()
        .skip(1)
        .any(|part| part.record.piece.size < MIN_PART)
    {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(chosen)
}

fn agrees(stored: Option<&Checksum>, named: Option<&(Algorithm, String)>) -> bool {
    match (stored, named) {
        (Some(stored), Some((algorithm, value))) => {
            stored.algorithm != *algorithm || stored.value == *value
        }
        _ => true,
    }
}

fn check_whole(found: Option<&Checksum>, whole: &Whole) -> S3Result {
    let Some((algorithm, wanted)) = &whole.checksum else {
        return Ok(());
    };
    match found {
        Some(found) if found.algorithm == *algorithm => {
            // The client may leave out the `-N` of a composite one.
            if found.value == *wanted
                || found
                    .value
                    .rsplit_once('-')
                    .is_some_and(|(sum, _)| sum == wanted)
            {
                Ok(())
            } else {
                Err(s3_error!(
                    BadDigest,
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                ))
            }
        }
        _ => Err(s3_error!(
            InvalidRequest,
            "The upload was not begun with {}, so its checksum cannot be checked.",
            algorithm.name()
        )),
    }
}

/// S3's ETag of a multipart object: the MD5 of the parts' MD5s, and how many they were.
fn etag_of<'a>(etags: impl Iterator<Item = &'a str>) -> String {
    let (mut digest, mut count) = (Md5::new(), 0_u32);
    for etag in etags {
        digest.update(hex::decode(etag).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(digest.finalize()))
}

/// A Complete that was carried out before, perhaps without its answer arriving.
fn already_done(bucket: &Bucket, key: &str, id: &str, named: &[Named]) -> Option<Arc<Stored>> {
    let id = Uuid::parse_str(id).ok()?;
    let stored = bucket.object(key)?;
    let same_parts = stored
        .record
        .pieces
        .iter()
        .map(|piece| piece.number)
        .eq(named.iter().map(|part| part.number))
        && etag_of(named.iter().map(|part| part.etag.as_str())) == stored.record.etag;
    (stored.record.upload == Some(id) && same_parts).then_some(stored)
}
