//! If-Match, If-None-Match, If-(Un)Modified-Since, in the order of RFC 9110 §13.2.2.
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use s3s::{
    S3Error, S3ErrorCode, S3Result,
    dto::{ETagCondition, Timestamp as S3Timestamp},
    s3_error,
};

use crate::record::ObjectRecord;

/// What a request wants to be true before it is carried out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<S3Timestamp>,
    pub(crate) if_unmodified_since: Option<S3Timestamp>,
}

impl Conditions {
    /// For a read: 412 or 304.
    pub(crate) fn check_read(&self, record: &ObjectRecord) -> S3Result {
        let modified = s3_seconds(record.modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(wanted), _) if !names(wanted, &record.etag) => return Err(failed()),
            (None, Some(since)) if modified > *since => return Err(failed()),
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(known), _) if names(known, &record.etag) => Err(not_modified(record)),
            (None, Some(since)) if modified <= *since => Err(not_modified(record)),
            _ => Ok(()),
        }
    }

    /// For a write over what is there now: 412, or 404 when If-Match names an object that is gone.
    pub(crate) fn check_write(&self, present: Option<&ObjectRecord>) -> S3Result {
        if let Some(wanted) = &self.if_match {
            let Some(present) = present else {
                return Err(s3_error!(NoSuchKey));
            };
            if !names(wanted, &present.etag) {
                return Err(failed());
            }
        }
        match (&self.if_none_match, present) {
            (Some(known), Some(present)) if names(known, &present.etag) => Err(failed()),
            _ => Ok(()),
        }
    }

    /// For the source of a copy: everything that does not hold is 412.
    pub(crate) fn check_source(&self, record: &ObjectRecord) -> S3Result {
        self.check_read(record).map_err(|_| failed())
    }
}

/// Whether a condition, perhaps a list, names this tag.
fn names(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        // The header's parser keeps a list as one value with its inner quotes.
        ETagCondition::ETag(tag) => tag
            .value()
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/").trim_matches('"') == etag),
    }
}

fn failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

/// RFC 9110 §15.4.5: a 304 carries the validators that a 200 would have.
fn not_modified(record: &ObjectRecord) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", record.etag)) {
        headers.insert(header::ETAG, value);
    }
    let mut date = Vec::new();
    if s3_seconds(record.modified)
        .format(s3s::dto::TimestampFormat::HttpDate, &mut date)
        .is_ok()
        && let Ok(value) = HeaderValue::from_bytes(&date)
    {
        headers.insert(header::LAST_MODIFIED, value);
    }
    error.set_headers(headers);
    error
}

/// An instant as S3 sends it, whole seconds: HTTP dates know no smaller ones.
pub(crate) fn s3_seconds(at: Timestamp) -> S3Timestamp {
    S3Timestamp::from(UNIX_EPOCH + Duration::from_secs(at.as_second().unsigned_abs()))
}

/// An instant as S3's XML sends it.
pub(crate) fn s3_time(at: Timestamp) -> S3Timestamp {
    let past_second = Duration::from_nanos(at.subsec_nanosecond().unsigned_abs().into());
    S3Timestamp::from(UNIX_EPOCH + Duration::from_secs(at.as_second().unsigned_abs()) + past_second)
}
