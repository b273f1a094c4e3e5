//! A reply against the question: status, range, length, validators, encoding. What does not fit is never written.

use std::time::Duration;

use reqwest::{
    StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
        RETRY_AFTER,
    },
};

use crate::{
    Error,
    answer::Answer,
    probe::{Asked, Fault, Object, Reply},
};

/// Takes a reply apart. `known` is what it must match.
pub(crate) fn judge(body: Answer, asked: Asked, known: Option<&Object>) -> Result<Reply, Fault> {
    let status = body.status();
    let headers = body.headers();
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        StatusCode::RANGE_NOT_SATISFIABLE => return unsatisfiable(headers, asked, known),
        StatusCode::PRECONDITION_FAILED => {
            return Err(Fault::Changed("its ETag no longer matches".to_owned()));
        }
        _ => return Err(of_status(status, headers)),
    }
    if let Some(encoding) = text(headers, &CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return Err(Fault::Fatal(Error::NotAFile {
            what: format!("a body encoded as {encoding:.40}, which was not asked for"),
            kept: 0,
        }));
    }
    let mut object = Object {
        size: None,
        etag: strong_etag(headers),
        last_modified: text(headers, &LAST_MODIFIED).map(str::to_owned),
    };
    if status == StatusCode::OK {
        object.size = body.length();
        compare(&object, known).map_err(|fault| page_or(fault, asked, headers))?;
        return match asked {
            Asked::Range { .. } => Err(Fault::RangesIgnored),
            Asked::All | Asked::Whole if object.size == Some(0) => Ok(Reply::Empty {
                headers: headers.clone(),
                object,
            }),
            Asked::All | Asked::Whole => Ok(Reply::Stream { body, object }),
        };
    }
    let (from, to, total) = text(headers, &CONTENT_RANGE)
        .and_then(content_range)
        .ok_or_else(|| Fault::Wrong("a partial reply without a Content-Range".to_owned()))?;
    let fits = match asked {
        Asked::All => from == 0,
        Asked::Range { start, end } => from == start && to < end,
        Asked::Whole => false,
    };
    if !fits || to < from || total.is_some_and(|total| to >= total) {
        return Err(Fault::Wrong(format!(
            "bytes {from}-{to} came, which were not asked for"
        )));
    }
    object.size = total;
    compare(&object, known).map_err(|fault| page_or(fault, asked, headers))?;
    if body.length().is_some_and(|length| length != to - from + 1) {
        return Err(Fault::Wrong(
            "the reply's length contradicts its Content-Range".to_owned(),
        ));
    }
    if total.is_none() {
        return match asked {
            Asked::All => Ok(Reply::AskWhole),
            _ => Err(Fault::Wrong("a partial reply without a total".to_owned())),
        };
    }
    Ok(Reply::Bytes {
        body,
        end: to + 1,
        object,
    })
}

/// "Your link has expired" as a page, in place of the file that was expected, is not a new
/// version of it.
fn page_or(fault: Fault, asked: Asked, headers: &HeaderMap) -> Fault {
    match asked {
        Asked::All | Asked::Whole if is_page(headers) => Fault::Fatal(Error::NotAFile {
            what: "a web page".to_owned(),
            kept: 0,
        }),
        _ => fault,
    }
}

/// 416: the object is empty, or shorter than it was.
fn unsatisfiable(
    headers: &HeaderMap,
    asked: Asked,
    known: Option<&Object>,
) -> Result<Reply, Fault> {
    let total = text(headers, &CONTENT_RANGE)
        .and_then(|value| value.trim().strip_prefix("bytes"))
        .and_then(|value| value.trim().strip_prefix("*/"))
        .and_then(|total| total.parse::<u64>().ok());
    match (asked, total) {
        (Asked::All, Some(0)) => {
            let object = Object {
                size: Some(0),
                etag: strong_etag(headers),
                last_modified: text(headers, &LAST_MODIFIED).map(str::to_owned),
            };
            compare(&object, known)?;
            Ok(Reply::Empty {
                headers: headers.clone(),
                object,
            })
        }
        (Asked::All, _) => Ok(Reply::AskWhole),
        _ => Err(Fault::Changed("it is shorter than it was".to_owned())),
    }
}

fn of_status(status: StatusCode, headers: &HeaderMap) -> Fault {
    let code = status.as_u16();
    match code {
        400 | 401 | 403 => Fault::Expired { status: code },
        404 | 410 => Fault::Fatal(Error::NotFound {
            status: code,
            kept: 0,
        }),
        408 | 425 | 429 | 500.. => Fault::Busy {
            status: code,
            retry_after: text(headers, &RETRY_AFTER).and_then(retry_after),
        },
        300..=399 => Fault::Fatal(Error::Redirect { kept: 0 }),
        200..=299 => Fault::Wrong(format!("status {code}")),
        _ => Fault::Fatal(Error::Refused {
            status: code,
            kept: 0,
        }),
    }
}

/// Seconds, or a date.
pub(crate) fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp();
    let wait = at.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// Compares what a reply says of its object with what is known.
pub(crate) fn compare(object: &Object, known: Option<&Object>) -> Result<(), Fault> {
    let Some(known) = known else { return Ok(()) };
    if let (Some(size), Some(known)) = (object.size, known.size)
        && size != known
    {
        return Err(Fault::Changed(format!(
            "it has {size} bytes instead of {known}"
        )));
    }
    match (&object.etag, &known.etag) {
        (Some(etag), Some(known)) if etag != known => {
            Err(Fault::Changed("its ETag is another one".to_owned()))
        }
        (Some(_), Some(_)) => Ok(()),
        // Without ETags to compare, the date and the size are all there is.
        _ => match (&object.last_modified, &known.last_modified) {
            (Some(date), Some(known)) if date != known => {
                Err(Fault::Changed("its date is another one".to_owned()))
            }
            _ => Ok(()),
        },
    }
}

/// Weak ETags (`W/`) promise nothing about bytes.
fn strong_etag(headers: &HeaderMap) -> Option<String> {
    text(headers, &ETAG)
        .map(str::trim)
        .filter(|etag| is_strong(etag))
        .map(str::to_owned)
}

/// Whether this ETag may stand in If-Match.
pub(crate) fn is_strong(etag: &str) -> bool {
    etag.len() >= 2 && etag.starts_with('"') && etag.ends_with('"')
}

/// `bytes from-to/total`; no total where it is `*`.
pub(crate) fn content_range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let rest = value.trim().strip_prefix("bytes")?.trim_start();
    let (range, total) = rest.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?, total))
}

/// Whether the reply calls itself a web page.
pub(crate) fn is_page(headers: &HeaderMap) -> bool {
    text(headers, &CONTENT_TYPE).is_some_and(|kind| {
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("text/html")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_content_range_is_read_strictly() {
        assert_eq!(content_range("bytes 0-9/10"), Some((0, 9, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, 9, None)));
        for wrong in [
            "",
            "bytes",
            "items 0-9/10",
            "bytes 0-9",
            "bytes -9/10",
            "bytes 0-x/10",
            "bytes */0",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn only_a_strong_etag_is_an_identity() {
        assert!(is_strong("\"a\""));
        assert!(!is_strong("W/\"a\""));
        assert!(!is_strong("a"));
        assert!(!is_strong("\""));
    }

    #[test]
    fn another_validator_is_a_change() {
        let known = Object {
            size: Some(10),
            etag: Some("\"a\"".into()),
            last_modified: Some("then".into()),
        };
        let same_etag_other_date = Object {
            last_modified: Some("now".into()),
            ..known.clone()
        };
        assert!(compare(&same_etag_other_date, Some(&known)).is_ok());
        let other_etag = Object {
            etag: Some("\"b\"".into()),
            ..known.clone()
        };
        assert!(compare(&other_etag, Some(&known)).is_err());
        let other_size = Object {
            size: Some(11),
            ..known.clone()
        };
        assert!(compare(&other_size, Some(&known)).is_err());
        let no_etag_other_date = Object {
            etag: None,
            last_modified: Some("now".into()),
            ..known.clone()
        };
        assert!(compare(&no_etag_other_date, Some(&known)).is_err());
    }

    proptest! {
        #[test]
        fn any_content_range_is_read_without_panic(value in "\\PC{0,60}|bytes [0-9]{0,25}-[0-9]{0,25}/[0-9*]{0,25}") {
            let _ = content_range(&value);
        }
    }
}
