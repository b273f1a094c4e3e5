//! What the store writes down about buckets, objects, uploads and parts: one small JSON file each.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{checksum::Checksum, lifecycle::Rule};

/// The form of the records; a newer one is refused, never guessed at.
const FORM: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) created: Timestamp,
    #[serde(default)]
    pub(crate) lifecycle: Vec<Rule>,
}

/// What a client says about an object besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) content_type: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// RFC 3339.
    pub(crate) expires: Option<Timestamp>,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// One data file of an object, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    #[serde(rename = "n")]
    pub(crate) number: u16,
    #[serde(rename = "f")]
    pub(crate) file: Uuid,
    #[serde(rename = "s")]
    pub(crate) size: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) key: String,
    /// Without quotes.
    pub(crate) etag: String,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    pub(crate) pieces: Vec<Piece>,
    #[serde(default)]
    pub(crate) description: Description,
    #[serde(default)]
    pub(crate) checksum: Option<Checksum>,
    /// The upload that made it: lets a repeated Complete be answered, and a half-done one be finished.
    #[serde(default)]
    pub(crate) upload: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) key: String,
    pub(crate) started: Timestamp,
    #[serde(default)]
    pub(crate) description: Description,
    /// What the client said its parts' checksums will be.
    #[serde(default)]
    pub(crate) checksum: Option<crate::checksum::Plan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) piece: Piece,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    #[serde(default)]
    pub(crate) checksum: Option<Checksum>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    form: u32,
    #[serde(flatten)]
    record: T,
}

/// Why a record's bytes are not one of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("the record's form {0} is not known here")]
    Form(u32),
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope { form: FORM, record })
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let found: Envelope<T> = serde_json::from_slice(bytes)?;
    if found.form == FORM {
        Ok(found.record)
    } else {
        Err(DecodeError::Form(found.form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_was_written(
            key in "\\PC{1,300}", size: u64, second in 0i64..4_000_000_000,
            meta in proptest::collection::btree_map("[a-z-]{1,20}", "\\PC{0,50}", 0..4),
            pieces in proptest::collection::vec((1u16..=10_000, any::<u128>(), any::<u64>()), 0..40),
        ) {
            let record = ObjectRecord {
                key, etag: "d41d8cd98f00b204e9800998ecf8427e-2".into(), size,
                modified: Timestamp::from_second(second).map_err(|e| TestCaseError::fail(e.to_string()))?,
                pieces: pieces.into_iter().map(|(number, file, size)| Piece { number, file: Uuid::from_u128(file), size }).collect(),
                description: Description { metadata: meta, content_type: Some("text/plain".into()), ..Description::default() },
                checksum: None, upload: Some(Uuid::nil()),
            };
            let bytes = encode(&record).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(decode::<ObjectRecord>(&bytes).map_err(|e| TestCaseError::fail(e.to_string()))?, record);
        }

        #[test]
        fn torn_or_foreign_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(decode::<ObjectRecord>(&bytes).is_err());
        }
    }

    #[test]
    fn a_newer_form_is_refused() {
        let bytes = br#"{"form":2,"created":"2026-01-01T00:00:00Z"}"#;
        assert!(matches!(
            decode::<BucketRecord>(bytes),
            Err(DecodeError::Form(2))
        ));
    }
}
