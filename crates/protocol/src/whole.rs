//! Whole numbers as JSON has them: `3` and `3.0` are one number (RFC 8259 §6), and a client whose
//! language knows only one kind of number may write either.

use std::fmt;

use serde::{Deserializer, de};

/// The largest whole number that every JSON reader holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

struct Whole;

impl de::Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<u64, E> {
        if number.fract() == 0.0 && (0.0..EXACT).contains(&number) {
            Ok(number as u64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
}

/// Reads one.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_u64(Whole)
}

/// Reads one of a byte, or null.
pub(crate) fn perhaps_byte<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u8>, D::Error> {
    struct Perhaps;

    impl<'de> de::Visitor<'de> for Perhaps {
        type Value = Option<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Whole.expecting(f)
        }

        fn visit_none<E: de::Error>(self) -> Result<Option<u8>, E> {
            Ok(None)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Option<u8>, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Option<u8>, D::Error> {
            let number = number(inner)?;
            u8::try_from(number)
                .map(Some)
                .map_err(|_| de::Error::invalid_value(de::Unexpected::Unsigned(number), &self))
        }
    }

    deserializer.deserialize_option(Perhaps)
}

#[cfg(test)]
mod tests {
    use crate::InitiateRequest;

    #[test]
    fn a_whole_number_is_the_same_however_it_is_written() {
        let read = |text: &str| serde_json::from_str::<InitiateRequest>(text);
        let plain = read(r#"{"file_id":70000,"priority":5}"#).expect("valid");
        assert_eq!(
            read(r#"{"file_id":70000.0,"priority":5.0}"#).expect("valid"),
            plain
        );
        assert_eq!(
            read(r#"{"file_id":7e4,"priority":5}"#).expect("valid"),
            plain
        );
        assert_eq!(read(r#"{"priority":null}"#).expect("valid").priority, None);
        for wrong in [
            r#"{"file_id":0.5}"#,
            r#"{"file_id":-1}"#,
            r#"{"file_id":-1.0}"#,
            r#"{"file_id":9007199254740992.0}"#,
            r#"{"file_id":1e300}"#,
            r#"{"file_id":"1"}"#,
            r#"{"priority":256}"#,
            r#"{"priority":5.5}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
