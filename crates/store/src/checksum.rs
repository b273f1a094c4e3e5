//! Checksums a client sends or asks for, and how those of parts become that of the object.
use base64::{Engine, engine::general_purpose::STANDARD};
use crc_fast::CrcAlgorithm;
use s3s::{S3Result, checksum::ChecksumHasher, crypto::Checksum as _, s3_error};
use serde::{Deserialize, Serialize};

/// The algorithms of `x-amz-checksum-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

/// Whether a multipart object's checksum is of its bytes or of its parts' checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Full,
    Composite,
}

/// A checksum as it travels: base64, and `-N` behind it when composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
    pub(crate) value: String,
}

/// What an upload's parts are to be summed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
}

impl Algorithm {
    const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn named(name: &str) -> S3Result<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "Checksum algorithm provided is unsupported."
                )
            })
    }

    pub(crate) fn of_header(header: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(header.trim()))
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// AWS: CRC-64/NVME is of the whole object, the others composite unless the client says otherwise.
    pub(crate) fn usual_kind(self) -> Kind {
        if self == Self::Crc64nvme {
            Kind::Full
        } else {
            Kind::Composite
        }
    }

    pub(crate) fn hasher(self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        match self {
            Self::Crc32 => hasher.crc32 = Some(s3s::crypto::Crc32::new()),
            Self::Crc32c => hasher.crc32c = Some(s3s::crypto::Crc32c::new()),
            Self::Crc64nvme => hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            Self::Sha1 => hasher.sha1 = Some(s3s::crypto::Sha1::new()),
            Self::Sha256 => hasher.sha256 = Some(s3s::crypto::Sha256::new()),
        }
        hasher
    }

    /// The base64 value out of a finished hasher that this algorithm made.
    pub(crate) fn value(self, hasher: ChecksumHasher) -> String {
        let sums = hasher.finalize();
        match self {
            Self::Crc32 => sums.checksum_crc32,
            Self::Crc32c => sums.checksum_crc32c,
            Self::Crc64nvme => sums.checksum_crc64nvme,
            Self::Sha1 => sums.checksum_sha1,
            Self::Sha256 => sums.checksum_sha256,
        }
        .unwrap_or_default()
    }

    /// The object's checksum from its parts' `(value, bytes)`; `None` when a part has none that fits.
    pub(crate) fn combine(self, kind: Kind, parts: &[(String, u64)]) -> Option<Checksum> {
        let raw: Vec<Vec<u8>> = parts
            .iter()
            .map(|(value, _)| {
                STANDARD
                    .decode(value)
                    .ok()
                    .filter(|raw| raw.len() == self.length())
            })
            .collect::<Option<_>>()?;
        let value = match kind {
            Kind::Composite => {
                let mut hasher = self.hasher();
                raw.iter().for_each(|raw| hasher.update(raw));
                format!("{}-{}", self.value(hasher), parts.len())
            }
            Kind::Full => {
                let crc = self.crc()?;
                let number = |raw: &[u8]| {
                    raw.iter()
                        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
                };
                let mut sum = None;
                for (raw, (_, size)) in raw.iter().zip(parts) {
                    let next = number(raw);
                    sum = Some(match sum {
                        None => next,
                        Some(before) => crc_fast::checksum_combine(crc, before, next, *size),
                    });
                }
                STANDARD.encode(&sum?.to_be_bytes()[8 - self.length()..])
            }
        };
        Some(Checksum {
            algorithm: self,
            kind,
            value,
        })
    }
}

/// Which of the five fields of an s3s input is set; two at once are refused, as AWS does.
macro_rules! given {
    ($input:expr) => {
        $crate::checksum::only([
            (
                $crate::checksum::Algorithm::Crc32,
                $input.checksum_crc32.clone(),
            ),
            (
                $crate::checksum::Algorithm::Crc32c,
                $input.checksum_crc32c.clone(),
            ),
            (
                $crate::checksum::Algorithm::Crc64nvme,
                $input.checksum_crc64nvme.clone(),
            ),
            (
                $crate::checksum::Algorithm::Sha1,
                $input.checksum_sha1.clone(),
            ),
            (
                $crate::checksum::Algorithm::Sha256,
                $input.checksum_sha256.clone(),
            ),
        ])
    };
}
pub(crate) use given;

/// Sets the field of an s3s output that an `Option<&Checksum>` belongs in.
macro_rules! show {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
                $crate::checksum::Algorithm::Crc32c => $output.checksum_crc32c = value,
                $crate::checksum::Algorithm::Crc64nvme => $output.checksum_crc64nvme = value,
                $crate::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
                $crate::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
            }
        }
    };
}
pub(crate) use show;

pub(crate) fn only(
    fields: [(Algorithm, Option<String>); 5],
) -> S3Result<Option<(Algorithm, String)>> {
    let mut set = fields
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)));
    let first = set.next();
    if set.next().is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header."
        ));
    }
    Ok(first)
}

impl Kind {
    pub(crate) fn to_s3(self) -> s3s::dto::ChecksumType {
        s3s::dto::ChecksumType::from_static(match self {
            Self::Full => s3s::dto::ChecksumType::FULL_OBJECT,
            Self::Composite => s3s::dto::ChecksumType::COMPOSITE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = algorithm.hasher();
        hasher.update(bytes);
        algorithm.value(hasher)
    }

    proptest! {
        #[test]
        fn combined_crcs_are_those_of_the_whole(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..6)) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64nvme] {
                let sums: Vec<_> = parts.iter().map(|part| (sum(algorithm, part), part.len() as u64)).collect();
                let whole = algorithm.combine(Kind::Full, &sums).map(|sum| sum.value);
                prop_assert_eq!(whole, Some(sum(algorithm, &parts.concat())));
            }
        }
    }

    #[test]
    fn a_sha_has_no_full_object_form() {
        let parts = [(sum(Algorithm::Sha256, b"a"), 1)];
        assert_eq!(Algorithm::Sha256.combine(Kind::Full, &parts), None);
        assert!(
            Algorithm::Sha256
                .combine(Kind::Composite, &parts)
                .is_some_and(|sum| sum.value.ends_with("=-1"))
        );
    }
}
