//! Objects written, copied and deleted.
use std::{collections::BTreeMap, sync::Arc};

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use crate::{
    checksum::{Algorithm, Kind, given, show},
    condition::{Conditions, s3_time},
    error::off_runtime,
    index::Stored,
    ingest::{self, Expect},
    record::Description,
    store::Inner,
};

/// The fields that describe an object, out of any input that has them.
macro_rules! description {
    ($input:expr) => {
        crate::record::Description {
            content_type: $input.content_type.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input
                .content_encoding
                .as_deref()
                .and_then(super::object::stored_encoding),
            content_language: $input.content_language.take(),
            cache_control: $input.cache_control.take(),
            expires: $input.expires.as_ref().and_then(super::object::instant),
            metadata: super::object::metadata($input.metadata.take())?,
            tags: super::tagging::from_header($input.tagging.as_deref())?,
        }
    };
}
pub(super) use description;

/// S3's limit for user metadata: 2 KiB of names and values.
const MAX_METADATA: usize = 2048;

pub(super) fn metadata(given: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let map: BTreeMap<_, _> = given.into_iter().flatten().collect();
    if map
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > MAX_METADATA
    {
        return Err(s3_error!(MetadataTooLarge));
    }
    Ok(map)
}

/// `aws-chunked` is how the body travelled, not what it is.
pub(super) fn stored_encoding(header: &str) -> Option<String> {
    let kept: Vec<_> = header
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty() && !one.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub(super) fn instant(at: &Timestamp) -> Option<jiff::Timestamp> {
    let mut text = Vec::new();
    at.format(TimestampFormat::DateTime, &mut text).ok()?;
    String::from_utf8(text).ok()?.parse().ok()
}

pub(super) fn algorithm(named: Option<&ChecksumAlgorithm>) -> S3Result<Option<Algorithm>> {
    named
        .map(|named| Algorithm::named(named.as_str()))
        .transpose()
}

pub(super) async fn put_object(
    inner: &Arc<Inner>,
    request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let mut input = request.input;
    if input.write_offset_bytes.is_some() {
        return Err(s3_error!(NotImplemented, "Appending is not offered here."));
    }
    let bucket = inner.bucket(&input.bucket)?;
    let conditions = Conditions {
        if_match: input.if_match.take(),
        if_none_match: input.if_none_match.take(),
        ..Conditions::default()
    };
    // Asked again when the body is in; a body that will be refused need not travel.
    conditions.check_write(
        bucket
            .object(&input.key)
            .as_deref()
            .map(|stored| &stored.record),
    )?;
    let expect = Expect::of(
        &request.headers,
        input.content_length,
        input.content_md5.as_deref(),
        given!(input)?,
        algorithm(input.checksum_algorithm.as_ref())?,
    )?;
    let description = description!(input);
    let received = ingest::receive(
        &inner.layout,
        &inner.reaper,
        input.body.take(),
        expect,
        request.trailing_headers.as_ref(),
    )
    .await?;
    let inner = Arc::clone(inner);
    let stored = off_runtime(move || {
        inner.put(
            &bucket,
            &input.key,
            received.finish()?,
            description,
            &conditions,
        )
    })
    .await?;
    let mut output = PutObjectOutput {
        e_tag: Some(ETag::Strong(stored.record.etag.clone())),
        ..PutObjectOutput::default()
    };
    show!(output, &stored.record.checksum);
    output.checksum_type = stored.record.checksum.as_ref().map(|_| Kind::Full.to_s3());
    Ok(output)
}

/// The object that a copy names; other forms of source than `bucket/key` are not known here.
pub(super) fn source(inner: &Inner, source: &CopySource) -> S3Result<Arc<Stored>> {
    let CopySource::Bucket { bucket, key, .. } = source else {
        return Err(s3_error!(NotImplemented));
    };
    inner
        .bucket(bucket)?
        .object(key)
        .ok_or_else(|| s3_error!(NoSuchKey))
}

pub(super) async fn copy_object(
    inner: &Arc<Inner>,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let mut input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let from = source(inner, &input.copy_source)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    conditions.check_source(&from.record)?;
    let replaces = |directive: Option<&str>| directive == Some(MetadataDirective::REPLACE);
    let anew = replaces(
        input
            .metadata_directive
            .as_ref()
            .map(MetadataDirective::as_str),
    );
    let tags_anew = replaces(
        input
            .tagging_directive
            .as_ref()
            .map(TaggingDirective::as_str),
    );
    let given: Description = description!(input);
    let before = from.record.description.clone();
    let tags = if tags_anew {
        given.tags.clone()
    } else {
        before.tags.clone()
    };
    let description = Description {
        tags,
        ..if anew { given } else { before }
    };
    let inner = Arc::clone(inner);
    let stored = off_runtime(move || inner.copy(&from, &bucket, &input.key, description)).await?;
    let mut result = CopyObjectResult {
        e_tag: Some(ETag::Strong(stored.record.etag.clone())),
        last_modified: Some(s3_time(stored.record.modified)),
        ..CopyObjectResult::default()
    };
    show!(result, &stored.record.checksum);
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        ..CopyObjectOutput::default()
    })
}

pub(super) async fn delete_object(
    inner: &Arc<Inner>,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let conditions = Conditions {
        if_match: input.if_match,
        ..Conditions::default()
    };
    let inner = Arc::clone(inner);
    // S3: deleting what is not there succeeds.
    off_runtime(move || {
        inner.delete(&bucket, &input.key, |record| {
            conditions.check_write(Some(record)).map(|()| true)
        })
    })
    .await?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn delete_objects(
    inner: &Arc<Inner>,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let Delete { objects, quiet } = request.input.delete;
    if objects.is_empty() || objects.len() > 1000 {
        return Err(s3_error!(
            MalformedXML,
            "Between 1 and 1000 keys can be deleted at once."
        ));
    }
    let bucket = inner.bucket(&request.input.bucket)?;
    let inner = Arc::clone(inner);
    let (deleted, errors) = off_runtime(move || {
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in objects {
            let wanted = object.e_tag.map(ETagCondition::ETag);
            let conditions = Conditions {
                if_match: wanted,
                ..Conditions::default()
            };
            match inner.delete(&bucket, &object.key, |record| {
                conditions.check_write(Some(record)).map(|()| true)
            }) {
                Ok(_) => deleted.push(DeletedObject {
                    key: Some(object.key),
                    ..DeletedObject::default()
                }),
                Err(error) => errors.push(failure(object.key, &error)),
            }
        }
        Ok((deleted, errors))
    })
    .await?;
    Ok(DeleteObjectsOutput {
        deleted: (!quiet.unwrap_or(false)).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    })
}

fn failure(key: String, error: &S3Error) -> Error {
    Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(key),
        message: error.message().map(str::to_owned),
        version_id: None,
    }
}
