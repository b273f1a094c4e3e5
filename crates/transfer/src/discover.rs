//! Mirrors that a server itself names, in `Link` headers (RFC 6249), with the digest that makes them
//! worth asking.

use longhaul_protocol::Sha256;
use reqwest::header::{HeaderMap, HeaderName, LINK};
use url::Url;

/// More mirrors than this are of no use.
const MOST: usize = 16;

/// What a server says of other places of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Discovered {
    /// The preferred first.
    pub(crate) mirrors: Vec<Url>,
    /// Of the whole file.
    pub(crate) sha256: Option<Sha256>,
}

/// Reads the headers of a reply from `url`. An encrypted source's mirrors are encrypted as well.
pub(crate) fn discover(headers: &HeaderMap, url: &Url) -> Discovered {
    let mut found: Vec<(u32, Url)> = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(links)
        .filter_map(|(target, parameters)| {
            let is = |name: &str, wanted: &str| {
                let mut values = parameters.iter().filter(|(key, _)| key == name);
                values.any(|(_, value)| value.eq_ignore_ascii_case(wanted))
            };
            if !is("rel", "duplicate") {
                return None;
            }
            let priority = parameters
                .iter()
                .find(|(key, _)| key == "pri")
                .and_then(|(_, value)| value.parse().ok());
            let target = url.join(target).ok()?;
            let fits =
                target.scheme() == "https" || (target.scheme() == "http" && url.scheme() == "http");
            fits.then_some((priority.unwrap_or(u32::MAX), target))
        })
        .take(MOST)
        .collect();
    found.sort_by_key(|(priority, _)| *priority);
    Discovered {
        mirrors: found.into_iter().map(|(_, target)| target).collect(),
        sha256: sha256(headers),
    }
}

type Parameters = Vec<(String, String)>;

/// `<target>; name=value; name="value", …` (RFC 8288, section 3).
fn links(value: &str) -> Vec<(&str, Parameters)> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((target, after)) = rest
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
    {
        let end = end_of(after);
        let parameters = after[..end].split(';').filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"');
            Some((name.trim().to_ascii_lowercase(), value.to_owned()))
        });
        links.push((target, parameters.collect()));
        rest = &after[end..];
    }
    links
}

/// Where a link's parameters end: at a comma that no quotes enclose.
fn end_of(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// `Repr-Digest: sha-256=:…:` (RFC 9530), or `Digest: SHA-256=…` (RFC 3230).
fn sha256(headers: &HeaderMap) -> Option<Sha256> {
    let all = |name: &'static str| {
        let values = headers.get_all(HeaderName::from_static(name)).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
    };
    all("repr-digest").chain(all("digest")).find_map(|digest| {
        let (algorithm, value) = digest.trim().split_once('=')?;
        if !algorithm.eq_ignore_ascii_case("sha-256") {
            return None;
        }
        let value = value.trim().trim_matches(':');
        let bytes =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, value).ok()?;
        Some(Sha256(bytes.try_into().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(headers: &[(&'static str, &str)], url: &str) -> Discovered {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    value.parse().expect("a value"),
                )
            })
            .collect();
        discover(&headers, &Url::parse(url).expect("a URL"))
    }

    #[test]
    fn mirrors_come_by_priority_and_with_their_digest() {
        let headers = [
            (
                "link",
                "<http://two/a,b>; rel=duplicate; pri=2; geo=gb, </c>; rel=\"duplicate\"; pri=\"1\"",
            ),
            (
                "link",
                "<http://no/a>; rel=describedby; type=\"a,b\", <http://last/a>; Rel=Duplicate",
            ),
            ("link", "<ftp://no/a>; rel=duplicate"),
            (
                "digest",
                "MD5=AA==,SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            ),
        ];
        let found = found(&headers, "http://one/x/y");
        let mirrors: Vec<_> = found.mirrors.iter().map(Url::as_str).collect();
        assert_eq!(mirrors, ["http://one/c", "http://two/a,b", "http://last/a"]);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(found.sha256, empty.parse().ok());
    }

    #[test]
    fn an_encrypted_source_names_no_open_mirror() {
        let headers = [(
            "link",
            "<http://open/a>; rel=duplicate, <https://shut/a>; rel=duplicate",
        )];
        let found = found(&headers, "https://one/");
        assert_eq!(
            found.mirrors,
            [Url::parse("https://shut/a").expect("a URL")]
        );
        assert_eq!(found.sha256, None);
    }

    proptest! {
        #[test]
        fn no_header_breaks_it(value in "[ -~]{0,80}") {
            found(&[("link", &value), ("digest", &value), ("repr-digest", &value)], "http://one/");
        }
    }
}
