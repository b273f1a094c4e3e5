//! Multipart uploads as S3 speaks of them.
use std::sync::Arc;

use s3s::{S3Request, S3Result, dto::*, s3_error};

use super::{
    list::{Names, page_size},
    object::{algorithm, description, source},
};
use crate::{
    body,
    checksum::{Kind, Plan, given, show},
    condition::{Conditions, s3_time},
    error::off_runtime,
    index::{lock, read},
    ingest::{self, Expect},
    multipart::{Named, Whole, part_number},
    range::Span,
    record::UploadRecord,
    store::Inner,
};

pub(super) async fn create_multipart_upload(
    inner: &Arc<Inner>,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let mut input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let kind = match input.checksum_type.as_ref().map(ChecksumType::as_str) {
        None => None,
        Some(ChecksumType::FULL_OBJECT) => Some(Kind::Full),
        Some(ChecksumType::COMPOSITE) => Some(Kind::Composite),
        Some(_) => {
            return Err(s3_error!(
                InvalidRequest,
                "Value for x-amz-checksum-type header is invalid."
            ));
        }
    };
    let checksum = algorithm(input.checksum_algorithm.as_ref())?.map(|algorithm| Plan {
        algorithm,
        kind: kind.unwrap_or(algorithm.usual_kind()),
    });
    let record = UploadRecord {
        key: input.key.clone(),
        started: jiff::Timestamp::now(),
        description: description!(input),
        checksum,
    };
    let inner = Arc::clone(inner);
    let id = off_runtime(move || inner.create_upload(&bucket, record)).await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id.simple().to_string()),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: checksum.map(|plan| plan.kind.to_s3()),
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn upload_part(
    inner: &Arc<Inner>,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let mut input = request.input;
    let number = part_number(input.part_number)?;
    let bucket = inner.bucket(&input.bucket)?;
    let upload = bucket.upload(&input.key, &input.upload_id)?;
    let usual = algorithm(input.checksum_algorithm.as_ref())?
        .or(upload.record.checksum.map(|plan| plan.algorithm));
    let expect = Expect::of(
        &request.headers,
        input.content_length,
        input.content_md5.as_deref(),
        given!(input)?,
        usual,
    )?;
    let received = ingest::receive(
        &inner.layout,
        &inner.reaper,
        input.body.take(),
        expect,
        request.trailing_headers.as_ref(),
    )
    .await?;
    let inner = Arc::clone(inner);
    let part =
        off_runtime(move || inner.put_part(&bucket, &upload, number, received.finish()?)).await?;
    let mut output = UploadPartOutput {
        e_tag: Some(ETag::Strong(part.etag)),
        ..UploadPartOutput::default()
    };
    show!(output, &part.checksum);
    Ok(output)
}

pub(super) async fn upload_part_copy(
    inner: &Arc<Inner>,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<UploadPartCopyOutput> {
    let input = request.input;
    let number = part_number(input.part_number)?;
    let bucket = inner.bucket(&input.bucket)?;
    let upload = bucket.upload(&input.key, &input.upload_id)?;
    let from = source(inner, &input.copy_source)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    conditions.check_source(&from.record)?;
    let span = match input.copy_source_range.as_deref().map(Range::parse) {
        None => Span::whole(from.record.size),
        Some(Ok(range)) => {
            Span::resolve(range, from.record.size).map_err(|_| s3_error!(InvalidRange))?
        }
        Some(Err(_)) => {
            return Err(s3_error!(
                InvalidArgument,
                "The x-amz-copy-source-range value must be of the form bytes=first-last"
            ));
        }
    };
    let bytes = body::stream(from, span).await?;
    let expect = Expect::of_copy(upload.record.checksum.map(|plan| plan.algorithm));
    let received = ingest::receive(&inner.layout, &inner.reaper, Some(bytes), expect, None).await?;
    let inner = Arc::clone(inner);
    let part =
        off_runtime(move || inner.put_part(&bucket, &upload, number, received.finish()?)).await?;
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(s3_time(part.modified)),
        ..CopyPartResult::default()
    };
    show!(result, &part.checksum);
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    })
}

pub(super) async fn complete_multipart_upload(
    inner: &Arc<Inner>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let named = input
        .multipart_upload
        .and_then(|list| list.parts)
        .unwrap_or_default()
        .into_iter()
        .map(|part| {
            Ok(Named {
                number: part_number(part.part_number.unwrap_or_default())?,
                checksum: given!(part)?,
                etag: part
                    .e_tag
                    .map(ETag::into_value)
                    .ok_or_else(|| s3_error!(MalformedXML))?,
            })
        })
        .collect::<S3Result<Vec<_>>>()?;
    let checksum = given!(input)?;
    let whole = Whole {
        size: input
            .mpu_object_size
            .map(u64::try_from)
            .transpose()
            .map_err(|_| s3_error!(InvalidArgument))?,
        checksum,
        conditions: Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            ..Conditions::default()
        },
    };
    let (inner, key, id) = (Arc::clone(inner), input.key.clone(), input.upload_id);
    let stored =
        off_runtime(move || inner.complete_upload(&bucket, &key, &id, &named, &whole)).await?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(ETag::Strong(stored.record.etag.clone())),
        ..CompleteMultipartUploadOutput::default()
    };
    show!(output, &stored.record.checksum);
    output.checksum_type = stored.record.checksum.as_ref().map(|sum| sum.kind.to_s3());
    Ok(output)
}

pub(super) async fn abort_multipart_upload(
    inner: &Arc<Inner>,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = request.input;
    let bucket = inner.bucket(&input.bucket)?;
    let upload = bucket.upload(&input.key, &input.upload_id)?;
    let inner = Arc::clone(inner);
    off_runtime(move || inner.abort_upload(&bucket, &upload)).await?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn list_parts(
    inner: &Arc<Inner>,
    request: S3Request<ListPartsInput>,
) -> S3Result<ListPartsOutput> {
    let input = request.input;
    let upload = inner
        .bucket(&input.bucket)?
        .upload(&input.key, &input.upload_id)?;
    let plan = upload.record.checksum;
    let (max_parts, max) = page_size(input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or_default();
    // A part's record may be being synced under this lock.
    let (parts, more) = off_runtime(move || {
        let held = lock(&upload.parts);
        let held = held.as_ref().ok_or_else(|| s3_error!(NoSuchUpload))?;
        let mut rest = held
            .iter()
            .filter(|(number, _)| i32::from(**number) > marker);
        let parts: Vec<_> = rest
            .by_ref()
            .take(max)
            .map(|(number, part)| {
                let record = &part.record;
                let mut part = Part {
                    part_number: Some(i32::from(*number)),
                    e_tag: Some(ETag::Strong(record.etag.clone())),
                    size: Some(i64::try_from(record.piece.size).unwrap_or(i64::MAX)),
                    last_modified: Some(s3_time(record.modified)),
                    ..Part::default()
                };
                show!(part, &record.checksum);
                part
            })
            .collect();
        Ok((parts, rest.next().is_some()))
    })
    .await?;
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: Some(max_parts),
        part_number_marker: Some(marker),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        is_truncated: Some(more),
        parts: Some(parts),
        checksum_algorithm: plan.map(|plan| ChecksumAlgorithm::from_static(plan.algorithm.name())),
        checksum_type: plan.map(|plan| plan.kind.to_s3()),
        ..ListPartsOutput::default()
    })
}

pub(super) async fn list_multipart_uploads(
    inner: &Arc<Inner>,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<ListMultipartUploadsOutput> {
    let input = request.input;
    if input
        .delimiter
        .as_deref()
        .is_some_and(|delimiter| !delimiter.is_empty())
    {
        return Err(s3_error!(
            NotImplemented,
            "Uploads are not grouped by a delimiter here."
        ));
    }
    let bucket = inner.bucket(&input.bucket)?;
    let names = Names::new(input.encoding_type.as_ref())?;
    let (max_uploads, max) = page_size(input.max_uploads)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone().unwrap_or_default();
    let listed = read(&bucket.uploads);
    let mut rest = listed.values().filter(|upload| {
        let key = upload.record.key.as_str();
        let beyond = key > marker.as_str()
            || (key == marker
                && !id_marker.is_empty()
                && upload.id.simple().to_string() > id_marker);
        key.starts_with(&prefix) && (marker.is_empty() || beyond)
    });
    let page: Vec<_> = rest.by_ref().take(max).collect();
    let more = max > 0 && rest.next().is_some();
    let last = page.last().filter(|_| more);
    Ok(ListMultipartUploadsOutput {
        next_key_marker: last.map(|upload| names.show(&upload.record.key)),
        next_upload_id_marker: last.map(|upload| upload.id.simple().to_string()),
        uploads: Some(
            page.iter()
                .map(|upload| MultipartUpload {
                    key: Some(names.show(&upload.record.key)),
                    upload_id: Some(upload.id.simple().to_string()),
                    initiated: Some(s3_time(upload.record.started)),
                    ..MultipartUpload::default()
                })
                .collect(),
        ),
        bucket: Some(input.bucket),
        prefix: Some(names.show(&prefix)),
        key_marker: Some(names.show(&marker)),
        upload_id_marker: input.upload_id_marker,
        max_uploads: Some(max_uploads),
        is_truncated: Some(more),
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    })
}
