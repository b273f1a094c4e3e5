//! Digests as they are written on the wire: CRC-64/NVME as S3 writes it, sha256 in hex.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ts_rs::TS;

/// A digest could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct DigestError {
    text: String,
    expected: &'static str,
}

/// CRC-64/NVME of some bytes; written as base64 of its eight big-endian bytes, the form of S3's
/// `x-amz-checksum-crc64nvme` header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, TS)]
#[ts(type = "string")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Za-z0-9+/]{11}=$", example = "rosUhgp5mIg="))]
pub struct Crc64Nvme(pub u64);

impl fmt::Display for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0.to_be_bytes()))
    }
}

impl FromStr for Crc64Nvme {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        BASE64_STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| <[u8; 8]>::try_from(bytes).ok())
            .map(|bytes| Self(u64::from_be_bytes(bytes)))
            .ok_or_else(|| DigestError {
                text: text.chars().take(80).collect(),
                expected: "eight bytes in base64",
            })
    }
}

/// SHA-256 of some bytes; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, TS)]
#[ts(type = "string")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Sha256 {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError {
            text: text.chars().take(80).collect(),
            expected: "64 hexadecimal digits",
        })?;
        Ok(Self(bytes))
    }
}

macro_rules! textual {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(de::Error::custom)
            }
        }
    };
}

textual!(Crc64Nvme);
textual!(Sha256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crc_is_written_as_s3_writes_it() {
        // CRC-64/NVME of "123456789", from the catalogue of parametrised CRC algorithms.
        let crc = Crc64Nvme(0xae8b_1486_0a79_9888);
        assert_eq!(crc.to_string(), "rosUhgp5mIg=");
        assert_eq!("rosUhgp5mIg=".parse(), Ok(crc));
        assert!("rosUhgp5mI".parse::<Crc64Nvme>().is_err());
        assert!("AAAA".parse::<Crc64Nvme>().is_err());
    }

    #[test]
    fn a_sha256_reads_back_whatever_its_case() {
        let text = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
        let digest: Sha256 = text.parse().expect("64 digits");
        assert_eq!(digest.to_string(), text.to_lowercase());
        assert!(text[1..].parse::<Sha256>().is_err());
    }
}
