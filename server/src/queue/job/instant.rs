//! A moment in a record: microseconds since 1970, which is half as long as its text and far quicker to
//! write. The text that older records have is read as well.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Microseconds(i64),
    Text(Timestamp),
}

pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_i64(at.as_microsecond())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    match Written::deserialize(from)? {
        Written::Microseconds(at) => Timestamp::from_microsecond(at).map_err(D::Error::custom),
        Written::Text(at) => Ok(at),
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        #[serde(with = "super")]
        at: Timestamp,
    }

    #[test]
    fn a_moment_is_read_as_it_was_written_and_as_it_used_to_be() {
        let at = Timestamp::from_microsecond(1_790_000_000_123_456).expect("a time");
        let written = serde_json::to_string(&Record { at }).expect("writes");
        assert_eq!(written, r#"{"at":1790000000123456}"#);
        let former = format!(r#"{{"at":"{at}"}}"#);
        for text in [&written, &former] {
            assert_eq!(
                serde_json::from_str::<Record>(text).expect("reads"),
                Record { at }
            );
        }
        assert!(serde_json::from_str::<Record>(r#"{"at":9223372036854775807}"#).is_err());
    }
}
