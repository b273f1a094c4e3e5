//! Lifecycle rules: what may be asked for, and carrying it out.
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use s3s::{S3Result, dto, s3_error};
use serde::{Deserialize, Serialize};

use crate::{index::read, record::ObjectRecord, store::Inner};

/// One rule of a bucket's lifecycle configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) prefix: String,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) larger_than: Option<u64>,
    #[serde(default)]
    pub(crate) smaller_than: Option<u64>,
    #[serde(default)]
    pub(crate) expire_days: Option<u32>,
    #[serde(default)]
    pub(crate) expire_on: Option<Timestamp>,
    #[serde(default)]
    pub(crate) abort_uploads_days: Option<u32>,
}

/// What one upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepReport {
    /// Objects whose time had come.
    pub expired_objects: u64,
    /// Bytes those objects held.
    pub expired_bytes: u64,
    /// Uploads never finished in time.
    pub aborted_uploads: u64,
    /// What could not be removed, and is tried again next time.
    pub failures: u64,
}

/// S3's limit for one configuration.
const MAX_RULES: usize = 1000;

impl Rule {
    fn covers(&self, record: &ObjectRecord) -> bool {
        record.key.starts_with(&self.prefix)
            && self.larger_than.is_none_or(|bound| record.size > bound)
            && self.smaller_than.is_none_or(|bound| record.size < bound)
            && self
                .tags
                .iter()
                .all(|(key, value)| record.description.tags.get(key) == Some(value))
    }

    fn expires(&self, record: &ObjectRecord, now: Timestamp) -> bool {
        self.enabled
            && self.covers(record)
            && (self
                .expire_days
                .is_some_and(|days| aged(record.modified, days, now))
                || self.expire_on.is_some_and(|date| date <= now))
    }

    fn aborts(&self, key: &str, started: Timestamp, now: Timestamp) -> bool {
        self.enabled
            && key.starts_with(&self.prefix)
            && self
                .abort_uploads_days
                .is_some_and(|days| aged(started, days, now))
    }

    pub(crate) fn from_s3(rule: dto::LifecycleRule) -> S3Result<Self> {
        if rule.transitions.is_some_and(|list| !list.is_empty())
            || rule
                .noncurrent_version_transitions
                .is_some_and(|list| !list.is_empty())
            || rule.noncurrent_version_expiration.is_some()
        {
            return Err(s3_error!(
                NotImplemented,
                "This store has no storage classes and no versions to move between."
            ));
        }
        let mut own = Self {
            id: rule.id.unwrap_or_default(),
            enabled: rule.status.as_str() == dto::ExpirationStatus::ENABLED,
            prefix: rule.prefix.unwrap_or_default(),
            ..Self::default()
        };
        if let Some(filter) = rule.filter {
            let both = filter.and.unwrap_or_default();
            own.prefix = filter.prefix.or(both.prefix).unwrap_or(own.prefix);
            own.larger_than = size(
                filter
                    .object_size_greater_than
                    .or(both.object_size_greater_than),
            )?;
            own.smaller_than = size(filter.object_size_less_than.or(both.object_size_less_than))?;
            own.tags = tags_from_s3(
                filter
                    .tag
                    .into_iter()
                    .chain(both.tags.unwrap_or_default())
                    .collect(),
            )?;
        }
        if let Some(expiration) = rule.expiration {
            own.expire_days = days(expiration.days)?;
            own.expire_on = expiration.date.as_ref().map(instant).transpose()?;
        }
        if let Some(abort) = rule.abort_incomplete_multipart_upload {
            if !own.tags.is_empty() {
                return Err(s3_error!(
                    InvalidRequest,
                    "AbortIncompleteMultipartUpload cannot be specified with Tags."
                ));
            }
            own.abort_uploads_days = days(abort.days_after_initiation)?;
        }
        if own.expire_days.is_none() && own.expire_on.is_none() && own.abort_uploads_days.is_none()
        {
            return Err(s3_error!(
                InvalidRequest,
                "At least one action needs to be specified in a rule."
            ));
        }
        Ok(own)
    }

    pub(crate) fn to_s3(&self) -> dto::LifecycleRule {
        let amount = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
        let bytes = |bound: u64| i64::try_from(bound).unwrap_or(i64::MAX);
        let tags: Vec<_> = self
            .tags
            .iter()
            .map(|(key, value)| tag_to_s3(key, value))
            .collect();
        let (larger, smaller) = (self.larger_than.map(bytes), self.smaller_than.map(bytes));
        let conditions =
            tags.len() + usize::from(larger.is_some()) + usize::from(smaller.is_some());
        let mut filter = dto::LifecycleRuleFilter::default();
        match (conditions, self.prefix.is_empty()) {
            (0, _) => filter.prefix = Some(self.prefix.clone()),
            (1, true) => {
                filter.tag = tags.into_iter().next();
                filter.object_size_greater_than = larger;
                filter.object_size_less_than = smaller;
            }
            _ => {
                filter.and = Some(dto::LifecycleRuleAndOperator {
                    object_size_greater_than: larger,
                    object_size_less_than: smaller,
                    prefix: (!self.prefix.is_empty()).then(|| self.prefix.clone()),
                    tags: (!tags.is_empty()).then_some(tags),
                });
            }
        }
        let expiration = (self.expire_days.is_some() || self.expire_on.is_some()).then(|| {
            dto::LifecycleExpiration {
                date: self.expire_on.map(crate::condition::s3_time),
                days: self.expire_days.map(amount),
                ..dto::LifecycleExpiration::default()
            }
        });
        dto::LifecycleRule {
            abort_incomplete_multipart_upload: self.abort_uploads_days.map(|days| {
                dto::AbortIncompleteMultipartUpload {
                    days_after_initiation: Some(amount(days)),
                }
            }),
            expiration,
            filter: Some(filter),
            id: (!self.id.is_empty()).then(|| self.id.clone()),
            noncurrent_version_expiration: None,
            noncurrent_version_transitions: None,
            prefix: None,
            status: dto::ExpirationStatus::from_static(if self.enabled {
                dto::ExpirationStatus::ENABLED
            } else {
                dto::ExpirationStatus::DISABLED
            }),
            transitions: None,
        }
    }
}

/// A whole configuration, or why it is not one.
pub(crate) fn rules_from_s3(rules: Vec<dto::LifecycleRule>) -> S3Result<Vec<Rule>> {
    if rules.is_empty() || rules.len() > MAX_RULES {
        return Err(s3_error!(
            MalformedXML,
            "A lifecycle configuration has between 1 and 1000 rules."
        ));
    }
    rules.into_iter().map(Rule::from_s3).collect()
}

pub(crate) fn tag_to_s3(key: &str, value: &str) -> dto::Tag {
    dto::Tag {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    }
}

/// Tags without a key, or two of the same, are refused.
pub(crate) fn tags_from_s3(tags: Vec<dto::Tag>) -> S3Result<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for tag in tags {
        let key = tag
            .key
            .filter(|key| !key.is_empty() && key.chars().count() <= 128)
            .ok_or_else(|| s3_error!(InvalidTag, "The TagKey you have provided is invalid"))?;
        let value = tag.value.unwrap_or_default();
        if value.chars().count() > 256 {
            return Err(s3_error!(
                InvalidTag,
                "The TagValue you have provided is invalid"
            ));
        }
        if map.insert(key, value).is_some() {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    Ok(map)
}

fn aged(since: Timestamp, days: u32, now: Timestamp) -> bool {
    since
        .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .is_ok_and(|due| due <= now)
}

fn days(days: Option<i32>) -> S3Result<Option<u32>> {
    let positive = |days| u32::try_from(days).ok().filter(|days| *days > 0);
    days.map(|days| {
        positive(days)
            .ok_or_else(|| s3_error!(InvalidArgument, "'Days' must be a positive integer"))
    })
    .transpose()
}

fn size(bound: Option<i64>) -> S3Result<Option<u64>> {
    bound
        .map(|bound| u64::try_from(bound).map_err(|_| s3_error!(InvalidArgument)))
        .transpose()
}

fn instant(at: &dto::Timestamp) -> S3Result<Timestamp> {
    let mut text = Vec::new();
    at.format(dto::TimestampFormat::DateTime, &mut text)
        .map_err(|_| s3_error!(InvalidArgument))?;
    String::from_utf8_lossy(&text)
        .parse()
        .map_err(|_| s3_error!(InvalidArgument))
}

/// Expires objects and aborts uploads that the rules say are due. Blocking.
pub(crate) fn carry_out(inner: &Inner, now: Timestamp) -> UpkeepReport {
    let mut report = UpkeepReport::default();
    let buckets: Vec<_> = read(&inner.buckets).values().cloned().collect();
    for bucket in buckets {
        let rules = read(&bucket.lifecycle).clone();
        if rules.is_empty() {
            continue;
        }
        let due = |record: &ObjectRecord| rules.iter().any(|rule| rule.expires(record, now));
        let keys: Vec<_> = read(&bucket.objects)
            .values()
            .filter(|stored| due(&stored.record))
            .map(|stored| stored.record.key.clone())
            .collect();
        for key in keys {
            let mut bytes = 0;
            // Asked again under the key's turn: it may have been replaced since.
            let removed = inner.delete(&bucket, &key, |record| {
                bytes = record.size;
                Ok(due(record))
            });
            match removed {
                Ok(true) => {
                    report.expired_objects += 1;
                    report.expired_bytes += bytes;
                }
                Ok(false) => {}
                Err(_) => report.failures += 1,
            }
        }
        let late: Vec<_> = read(&bucket.uploads)
            .values()
            .filter(|upload| {
                rules
                    .iter()
                    .any(|rule| rule.aborts(&upload.record.key, upload.record.started, now))
            })
            .cloned()
            .collect();
        for upload in late {
            match inner.abort_upload(&bucket, &upload) {
                Ok(()) => report.aborted_uploads += 1,
                Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchUpload => {}
                Err(_) => report.failures += 1,
            }
        }
    }
    report
}

/// Rules as the bucket has them now.
pub(crate) fn current(inner: &Inner, bucket: &str) -> S3Result<Vec<dto::LifecycleRule>> {
    let bucket = inner.bucket(bucket)?;
    let rules = read(&bucket.lifecycle);
    if rules.is_empty() {
        return Err(s3_error!(
            NoSuchLifecycleConfiguration,
            "The lifecycle configuration does not exist"
        ));
    }
    Ok(rules.iter().map(Rule::to_s3).collect())
}
