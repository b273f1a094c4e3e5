//! Metalink 4 (RFC 5854): a file that describes files, with their sizes, digests and mirrors.

use longhaul_protocol::Sha256;
use roxmltree::{Document, Node, ParsingOptions};
use url::Url;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:metalink";

/// Nodes of a document at most: some 10,000 files with ten mirrors each.
const MOST_NODES: u32 = 1_000_000;

/// What a URL without a priority has (RFC 5854, section 4.2.16): the last.
const LAST: u32 = 999_999;

/// One file of a Metalink document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name: the last part where the document gives a path.
    pub name: String,
    /// Bytes, where given.
    pub size: Option<u64>,
    /// Of the whole, where given. Weaker digests are not looked at.
    pub sha256: Option<Sha256>,
    /// Its http and https URLs, the preferred first.
    pub urls: Vec<Url>,
}

/// Why a document is no Metalink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not XML, or has what no Metalink needs: a DTD, or very many nodes.
    #[error("it is no XML that is read here: {0}")]
    Xml(String),
    /// It is XML of another kind; Metalink 3 has another namespace.
    #[error("it is no Metalink 4 document")]
    OtherKind,
    /// A file in it contradicts the standard.
    #[error("file {number}: {what}")]
    File {
        /// From 1 on.
        number: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// Reads a document. Entities are not resolved, and nothing is fetched.
///
/// # Errors
/// [`Error`], in words for the user.
pub fn parse(document: &[u8]) -> Result<Vec<File>, Error> {
    let text = std::str::from_utf8(document).map_err(|error| Error::Xml(error.to_string()))?;
    let options = ParsingOptions {
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| Error::Xml(error.to_string()))?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "metalink")) {
        return Err(Error::OtherKind);
    }
    named(root, "file")
        .zip(1..)
        .map(|(node, number)| file(node).map_err(|what| Error::File { number, what }))
        .collect()
}

fn file(node: Node<'_, '_>) -> Result<File, &'static str> {
    let name = node.attribute("name").ok_or("it has no name")?;
    let name = name
        .rsplit(['/', '\\'])
        .find(|part| !matches!(*part, "" | "." | ".."))
        .ok_or("its name names no file")?;
    let size = match named(node, "size").next() {
        Some(size) => Some(text(size).parse().map_err(|_| "its size is no number")?),
        None => None,
    };
    let sha256 = named(node, "hash")
        .find(|hash| hash.attribute("type") == Some("sha-256"))
        .map(|hash| text(hash).to_ascii_lowercase().parse())
        .transpose()
        .map_err(|_| "its sha-256 is none")?;
    let mut urls: Vec<(u32, Url)> = named(node, "url")
        .filter_map(|url| {
            let priority = url.attribute("priority").and_then(|text| text.parse().ok());
            let url = Url::parse(text(url)).ok()?;
            matches!(url.scheme(), "http" | "https").then_some((priority.unwrap_or(LAST), url))
        })
        .collect();
    // Those of one priority keep the document's order.
    urls.sort_by_key(|(priority, _)| *priority);
    Ok(File {
        name: name.to_owned(),
        size,
        sha256,
        urls: urls.into_iter().map(|(_, url)| url).collect(),
    })
}

fn named<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.has_tag_name((NAMESPACE, name)))
}

fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn document(files: &str) -> String {
        format!(r#"<?xml version="1.0"?><metalink xmlns="{NAMESPACE}">{files}</metalink>"#)
    }

    #[test]
    fn files_have_their_mirrors_by_priority() {
        let text = document(&format!(
            r#"<published>2026-01-01T00:00:00Z</published>
            <file name="dir/a.iso"><size>12</size>
              <hash type="md5">00</hash><hash type="sha-256"> {SHA} </hash>
              <pieces length="4" type="sha-1"><hash>00</hash></pieces>
              <url>http://last/a</url><url priority="2">https://two/a</url>
              <url priority="1" location="de">http://one/a</url><url priority="1">ftp://no/a</url>
            </file><file name="b"><url>http://x/b</url></file>"#
        ));
        let files = parse(text.as_bytes()).expect("a Metalink");
        assert_eq!(files.len(), 2);
        assert_eq!((files[0].name.as_str(), files[0].size), ("a.iso", Some(12)));
        assert_eq!(files[0].sha256, SHA.parse().ok());
        let urls: Vec<_> = files[0].urls.iter().map(Url::as_str).collect();
        assert_eq!(urls, ["http://one/a", "https://two/a", "http://last/a"]);
        assert_eq!((files[1].size, files[1].sha256), (None, None));
    }

    #[test]
    fn what_is_none_is_said_to_be_none() {
        let wrong = |text: &str| parse(text.as_bytes()).expect_err(text);
        assert!(matches!(wrong("{}"), Error::Xml(_)));
        assert!(matches!(
            wrong("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
            Error::Xml(_)
        ));
        assert_eq!(wrong("<metalink/>"), Error::OtherKind);
        for file in [
            "<file/>",
            r#"<file name=".."/>"#,
            r#"<file name="a"><size>-1</size></file>"#,
            r#"<file name="a"><hash type="sha-256">12</hash></file>"#,
        ] {
            assert!(
                matches!(wrong(&document(file)), Error::File { number: 1, .. }),
                "{file}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_document_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_name_leaves_the_folder(name in "[./\\\\a-c]{0,12}") {
            let text = document(&format!(r#"<file name="{name}"/>"#));
            if let Ok(files) = parse(text.as_bytes()) {
                prop_assert!(!files[0].name.contains(['/', '\\']));
                prop_assert!(!matches!(files[0].name.as_str(), "" | "." | ".."));
            }
        }
    }
}
