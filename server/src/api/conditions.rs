//! What a download's request headers make of it: all of the artifact, a part, nothing new, or a
//! refusal (RFC 9110 §13 and §14).

use std::ops::RangeInclusive;

use axum::http::{HeaderMap, HeaderName, header};
use http_range_header::{EndPosition, StartPosition, parse_range_header};

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200.
    Whole,
    /// 206.
    Part(RangeInclusive<u64>),
    /// 304.
    NotModified,
    /// 412.
    Changed,
    /// 416.
    Unsatisfiable,
}

/// Reads the headers of a GET for a representation of `size` bytes with this strong `etag`.
/// It has no modification date, so that conditions on dates do not hold (§13.1.3, §13.1.4).
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    if headers.contains_key(header::IF_MATCH)
        && !names(headers, &header::IF_MATCH, |tag| tag == etag)
    {
        return Wanted::Changed;
    }
    // Weak comparison (§13.1.2).
    let held = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == etag;
    if names(headers, &header::IF_NONE_MATCH, held) {
        return Wanted::NotModified;
    }
    // A range of another representation is no range (§13.1.5): the whole is sent instead.
    if headers
        .get(header::IF_RANGE)
        .is_some_and(|tag| tag.as_bytes() != etag.as_bytes())
    {
        return Wanted::Whole;
    }
    let mut ranges = headers.get_all(header::RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Wanted::Whole;
    };
    // What cannot be read, and several ranges at once, may be ignored (§14.2).
    let Some(parsed) = range
        .to_str()
        .ok()
        .and_then(|text| parse_range_header(text).ok())
    else {
        return Wanted::Whole;
    };
    let [part] = parsed.ranges.as_slice() else {
        return Wanted::Whole;
    };
    let start = match part.start {
        StartPosition::Index(start) => start,
        // A suffix longer than all of it is all of it.
        StartPosition::FromLast(last) => size.saturating_sub(last),
    };
    let end = match part.end {
        EndPosition::Index(end) if end < start => return Wanted::Whole,
        EndPosition::Index(end) => end.min(size.saturating_sub(1)),
        EndPosition::LastByte => size.saturating_sub(1),
    };
    if start < size {
        Wanted::Part(start..=end)
    } else {
        Wanted::Unsatisfiable
    }
}

/// Whether a list of entity tags holds one that fits, or is `*`.
fn names(headers: &HeaderMap, name: &HeaderName, fits: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || fits(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc-2\"";

    fn asked(pairs: &[(&'static str, &'static str)]) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a header"));
        }
        wanted(&headers, ETAG, 1000)
    }

    #[test]
    fn a_range_is_a_part_where_there_is_one() {
        for (range, part) in [
            ("bytes=0-0", 0..=0),
            ("bytes=0-", 0..=999),
            ("bytes=990-5000", 990..=999),
            ("bytes=-1", 999..=999),
            ("bytes=-5000", 0..=999),
        ] {
            assert_eq!(asked(&[("range", range)]), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=1000-", "bytes=1000-1001"] {
            assert_eq!(asked(&[("range", range)]), Wanted::Unsatisfiable, "{range}");
        }
        for range in [
            "bytes=0-1,5-6",
            "rows=0-1",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=",
            "x",
        ] {
            assert_eq!(asked(&[("range", range)]), Wanted::Whole, "{range}");
        }
        assert_eq!(
            asked(&[("range", "bytes=0-1"), ("range", "bytes=3-4")]),
            Wanted::Whole
        );
    }

    #[test]
    fn conditions_are_held_against_the_etag() {
        let range = ("range", "bytes=0-1");
        for (name, value, expected) in [
            ("if-match", ETAG, Wanted::Part(0..=1)),
            ("if-match", "\"x\", \"abc-2\"", Wanted::Part(0..=1)),
            ("if-match", "*", Wanted::Part(0..=1)),
            ("if-match", "\"x\"", Wanted::Changed),
            ("if-match", "W/\"abc-2\"", Wanted::Changed),
            ("if-none-match", ETAG, Wanted::NotModified),
            ("if-none-match", "W/\"abc-2\"", Wanted::NotModified),
            ("if-none-match", "*", Wanted::NotModified),
            ("if-none-match", "\"x\"", Wanted::Part(0..=1)),
            ("if-range", ETAG, Wanted::Part(0..=1)),
            ("if-range", "\"x\"", Wanted::Whole),
            ("if-range", "W/\"abc-2\"", Wanted::Whole),
            ("if-range", "Wed, 25 Nov 2026 00:00:00 GMT", Wanted::Whole),
        ] {
            assert_eq!(asked(&[(name, value), range]), expected, "{name}: {value}");
        }
    }

    #[test]
    fn an_empty_artifact_has_no_range() {
        let mut headers = HeaderMap::new();
        assert_eq!(wanted(&headers, ETAG, 0), Wanted::Whole);
        headers.insert("range", "bytes=0-".parse().expect("a header"));
        assert_eq!(wanted(&headers, ETAG, 0), Wanted::Unsatisfiable);
    }
}
