//! Listings of objects, in both of S3's versions.
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{S3Request, S3Result, dto::*, s3_error};

use crate::{
    condition::s3_time,
    index::read,
    listing::{self, Cursor, Entry},
    store::Inner,
};

/// S3's largest page.
const MAX_KEYS: i32 = 1000;
/// What stays bare under `encoding-type=url`.
const BARE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'*');

/// Names as the client asked for them: bare, or percent-encoded because XML cannot carry every one.
pub(super) struct Names {
    encoded: bool,
}

impl Names {
    pub(super) fn new(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self { encoded: false }),
            Some(EncodingType::URL) => Ok(Self { encoded: true }),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }
    pub(super) fn show(&self, name: &str) -> String {
        if self.encoded {
            utf8_percent_encode(name, BARE).to_string()
        } else {
            name.to_owned()
        }
    }
}

pub(super) fn page_size(asked: Option<i32>) -> S3Result<(i32, usize)> {
    let asked = asked.unwrap_or(MAX_KEYS);
    let size = usize::try_from(asked.min(MAX_KEYS)).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )
    })?;
    Ok((asked.min(MAX_KEYS), size))
}

fn split(entries: Vec<Entry>, names: &Names) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::CommonPrefix(prefix) => prefixes.push(CommonPrefix {
                prefix: Some(names.show(&prefix)),
            }),
            Entry::Object(stored) => {
                let record = &stored.record;
                objects.push(Object {
                    key: Some(names.show(&record.key)),
                    e_tag: Some(ETag::Strong(record.etag.clone())),
                    size: Some(i64::try_from(record.size).unwrap_or(i64::MAX)),
                    last_modified: Some(s3_time(record.modified)),
                    storage_class: Some(ObjectStorageClass::from_static(
                        ObjectStorageClass::STANDARD,
                    )),
                    ..Object::default()
                });
            }
        }
    }
    (objects, prefixes)
}

pub(super) async fn list_objects_v2(
    inner: &Arc<Inner>,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let names = Names::new(input.encoding_type.as_ref())?;
    let (max_keys, max) = page_size(input.max_keys)?;
    let after = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => Cursor::from_token(token).ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })?,
        (None, Some(key)) => Cursor::AfterKey(key.clone()),
        (None, None) => Cursor::Start,
    };
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let page = listing::page(&read(&bucket.objects), &prefix, delimiter, &after, max);
    let (contents, common) = split(page.entries, &names);
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(names.show(&prefix)),
        max_keys: Some(max_keys),
        key_count: i32::try_from(contents.len() + common.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.as_ref().map(Cursor::token),
        contents: Some(contents),
        common_prefixes: Some(common),
        delimiter: input.delimiter.as_deref().map(|text| names.show(text)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.as_deref().map(|text| names.show(text)),
        ..ListObjectsV2Output::default()
    })
}

pub(super) async fn list_objects(
    inner: &Arc<Inner>,
    request: S3Request<ListObjectsInput>,
) -> S3Result<ListObjectsOutput> {
    let input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let names = Names::new(input.encoding_type.as_ref())?;
    let (max_keys, max) = page_size(input.max_keys)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let after = match &input.marker {
        None => Cursor::Start,
        // The marker of a page that ended in a common prefix is that prefix.
        Some(marker) if delimiter.is_some_and(|delimiter| marker.ends_with(delimiter)) => {
            Cursor::AfterPrefix(marker.clone())
        }
        Some(marker) => Cursor::AfterKey(marker.clone()),
    };
    let page = listing::page(&read(&bucket.objects), &prefix, delimiter, &after, max);
    let (contents, common) = split(page.entries, &names);
    let next = page.next.as_ref().and_then(|next| match next {
        Cursor::Start => None,
        Cursor::AfterKey(name) | Cursor::AfterPrefix(name) => Some(names.show(name)),
    });
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(names.show(&prefix)),
        marker: Some(
            input
                .marker
                .as_deref()
                .map(|text| names.show(text))
                .unwrap_or_default(),
        ),
        max_keys: Some(max_keys),
        is_truncated: Some(page.next.is_some()),
        next_marker: next,
        contents: Some(contents),
        common_prefixes: Some(common),
        delimiter: input.delimiter.as_deref().map(|text| names.show(text)),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    })
}
