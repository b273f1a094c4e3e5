//! An object's tags, set with it or later.
use std::{collections::BTreeMap, sync::Arc};

use s3s::{S3Request, S3Result, dto::*, s3_error};

use crate::{
    error::off_runtime,
    lifecycle::{tag_to_s3, tags_from_s3},
    store::Inner,
};

/// S3's limit for one object.
const MAX_TAGS: usize = 10;

/// Tags out of the `x-amz-tagging` header, which is a query string.
pub(super) fn from_header(header: Option<&str>) -> S3Result<BTreeMap<String, String>> {
    let Some(header) = header else {
        return Ok(BTreeMap::new());
    };
    let text = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| s3_error!(InvalidArgument, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."))
    };
    let tags = header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok(Tag {
                key: Some(text(key)?),
                value: Some(text(value)?),
            })
        })
        .collect::<S3Result<Vec<_>>>()?;
    bounded(tags)
}

fn bounded(tags: Vec<Tag>) -> S3Result<BTreeMap<String, String>> {
    if tags.len() > MAX_TAGS {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than 10"
        ));
    }
    tags_from_s3(tags)
}

pub(super) async fn get_object_tagging(
    inner: &Arc<Inner>,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<GetObjectTaggingOutput> {
    let stored = inner
        .bucket(&request.input.bucket)?
        .object(&request.input.key)
        .ok_or_else(|| s3_error!(NoSuchKey))?;
    let tag_set = stored
        .record
        .description
        .tags
        .iter()
        .map(|(key, value)| tag_to_s3(key, value))
        .collect();
    Ok(GetObjectTaggingOutput {
        tag_set,
        version_id: None,
    })
}

pub(super) async fn put_object_tagging(
    inner: &Arc<Inner>,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<PutObjectTaggingOutput> {
    let tags = bounded(request.input.tagging.tag_set)?;
    let (inner, bucket) = (Arc::clone(inner), inner.bucket(&request.input.bucket)?);
    off_runtime(move || inner.tag(&bucket, &request.input.key, tags)).await?;
    Ok(PutObjectTaggingOutput::default())
}

pub(super) async fn delete_object_tagging(
    inner: &Arc<Inner>,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<DeleteObjectTaggingOutput> {
    let (inner, bucket) = (Arc::clone(inner), inner.bucket(&request.input.bucket)?);
    off_runtime(move || inner.tag(&bucket, &request.input.key, BTreeMap::new())).await?;
    Ok(DeleteObjectTaggingOutput::default())
}
