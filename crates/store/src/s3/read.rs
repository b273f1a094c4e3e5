//! Objects read: whole, in ranges, by part, and by their heads.
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use crate::{
    body,
    checksum::show,
    condition::{Conditions, s3_seconds, s3_time},
    index::Stored,
    range::Span,
    record::ObjectRecord,
    store::Inner,
};

/// What of an object is asked for.
struct Asked {
    stored: Arc<Stored>,
    span: Span,
    partial: bool,
    parts: Option<i32>,
}

fn ask(
    inner: &Inner,
    bucket: &str,
    key: &str,
    conditions: &Conditions,
    range: Option<Range>,
    part: Option<i32>,
) -> S3Result<Asked> {
    let stored = inner
        .bucket(bucket)?
        .object(key)
        .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))?;
    let record = &stored.record;
    conditions.check_read(record)?;
    let (span, partial, parts) = match (range, part) {
        (Some(_), Some(_)) => {
            return Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            ));
        }
        (Some(range), None) => (
            Span::resolve(range, record.size).map_err(|_| past_end(record.size))?,
            true,
            None,
        ),
        (None, Some(number)) => {
            let multipart = record.upload.is_some();
            let span = piece(record, number).ok_or_else(|| {
                s3_error!(InvalidRange, "The requested partnumber is not satisfiable")
            })?;
            (
                span,
                span.length > 0,
                multipart.then(|| i32::try_from(record.pieces.len()).unwrap_or(i32::MAX)),
            )
        }
        (None, None) => (Span::whole(record.size), false, None),
    };
    Ok(Asked {
        stored,
        span,
        partial,
        parts,
    })
}

fn piece(record: &ObjectRecord, number: i32) -> Option<Span> {
    let mut start = 0;
    for piece in &record.pieces {
        if i32::from(piece.number) == number {
            return Some(Span {
                start,
                length: piece.size,
            });
        }
        start += piece.size;
    }
    None
}

/// RFC 9110 §15.5.17: a 416 says how long the object is.
fn past_end(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/xml"),
    );
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        headers.insert(header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

/// Fills what GET and HEAD answer alike.
macro_rules! head {
    ($output:ident, $asked:expr, $checksums:expr) => {{
        let record = &$asked.stored.record;
        let description = &record.description;
        $output.accept_ranges = Some("bytes".into());
        $output.content_length = Some(i64::try_from($asked.span.length).unwrap_or(i64::MAX));
        $output.content_range = $asked
            .partial
            .then(|| $asked.span.content_range(record.size));
        // S3's type for what came without one.
        $output.content_type = Some(
            description
                .content_type
                .clone()
                .unwrap_or_else(|| "binary/octet-stream".into()),
        );
        $output.content_disposition = description.content_disposition.clone();
        $output.content_encoding = description.content_encoding.clone();
        $output.content_language = description.content_language.clone();
        $output.cache_control = description.cache_control.clone();
        $output.expires = description.expires.map(s3_time);
        $output.metadata = Some(description.metadata.clone().into_iter().collect());
        $output.e_tag = Some(ETag::Strong(record.etag.clone()));
        $output.last_modified = Some(s3_seconds(record.modified));
        $output.parts_count = $asked.parts;
        if $checksums && !$asked.partial {
            show!($output, &record.checksum);
            $output.checksum_type = record.checksum.as_ref().map(|sum| sum.kind.to_s3());
        }
    }};
}

fn wants_checksums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

pub(super) async fn get_object(
    inner: &Arc<Inner>,
    request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let input = request.input;
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let asked = ask(
        inner,
        &input.bucket,
        &input.key,
        &conditions,
        input.range,
        input.part_number,
    )?;
    let mut output = GetObjectOutput::default();
    head!(output, asked, wants_checksums(input.checksum_mode.as_ref()));
    let tags = asked.stored.record.description.tags.len();
    output.tag_count = (tags > 0).then(|| i32::try_from(tags).unwrap_or(i32::MAX));
    output.body = Some(body::stream(asked.stored, asked.span).await?);
    Ok(output)
}

pub(super) async fn head_object(
    inner: &Arc<Inner>,
    request: S3Request<HeadObjectInput>,
) -> S3Result<HeadObjectOutput> {
    let input = request.input;
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let asked = ask(
        inner,
        &input.bucket,
        &input.key,
        &conditions,
        input.range,
        input.part_number,
    )?;
    let mut output = HeadObjectOutput::default();
    head!(output, asked, wants_checksums(input.checksum_mode.as_ref()));
    Ok(output)
}
