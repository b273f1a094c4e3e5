//! What is to be pulled: from the command line, a list or a Metalink file.

use std::{io::Read as _, path::Path, sync::Arc};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use longhaul_protocol::{Manifest, SignedUrl};
use longhaul_transfer::{Expected, metalink};
use url::Url;

use crate::{args::Pull, outcome::Stop};

/// An input file is no larger than this.
const MOST: u64 = 256 << 20;

/// One file.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) url: SignedUrl,
    pub(super) mirrors: Vec<SignedUrl>,
    pub(super) name: Option<String>,
    pub(super) expected: Expected,
}

impl Order {
    fn of(url: Url) -> Result<Self, Stop> {
        Ok(Self {
            url: checked(url)?,
            mirrors: Vec::new(),
            name: None,
            expected: Expected::default(),
        })
    }

    /// What makes it the same download in a later run.
    pub(super) fn identity(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        format!("{} {name}", self.url.expose())
    }
}

/// All files that are wanted, in their order.
pub(super) fn of(wanted: &Pull) -> Result<Vec<Order>, Stop> {
    let mut orders = Vec::new();
    for url in &wanted.urls {
        orders.push(Order::of(url.clone())?);
    }
    if let Some(file) = &wanted.input_file {
        listed(&read(file)?, &mut orders)
            .map_err(|what| Stop::usage(format!("{}: {what}", file.display())))?;
    }
    let about_one =
        !wanted.mirror.is_empty() || wanted.sha256.is_some() || wanted.manifest.is_some();
    match &mut orders[..] {
        [only] => {
            for mirror in &wanted.mirror {
                only.mirrors.push(checked(mirror.clone())?);
            }
            only.expected.sha256 = wanted.sha256;
            only.expected.manifest = wanted.manifest.as_deref().map(manifest).transpose()?;
        }
        _ if about_one => {
            return Err(Stop::usage(
                "--mirror, --sha256 and --manifest are for a single URL; give each file a run of its own",
            ));
        }
        _ => {}
    }
    for file in &wanted.metalink {
        described(&read(file)?, &mut orders)
            .map_err(|what| Stop::usage(format!("{}: {what}", file.display())))?;
    }
    if orders.is_empty() {
        return Err(Stop::usage("there is nothing to pull"));
    }
    Ok(orders)
}

fn checked(url: Url) -> Result<SignedUrl, Stop> {
    match url.scheme() {
        "http" | "https" => Ok(SignedUrl::new(url)),
        scheme => Err(Stop::usage(format!(
            "only http and https are pulled, not {scheme}"
        ))),
    }
}

fn read(file: &Path) -> Result<String, Stop> {
    let failed = |error: std::io::Error| Stop::usage(format!("{}: {error}", file.display()));
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().take(MOST).read_to_string(&mut text),
        false => std::fs::File::open(file)
            .map_err(failed)?
            .take(MOST)
            .read_to_string(&mut text),
    };
    read.map_err(failed)?;
    Ok(text)
}

fn manifest(file: &Path) -> Result<Arc<Manifest>, Stop> {
    let manifest: Manifest = serde_json::from_str(&read(file)?)
        .map_err(|error| Stop::usage(format!("{}: {error}", file.display())))?;
    Ok(Arc::new(manifest))
}

/// A file a line: its URL, then its mirrors' after tabs.
fn listed(text: &str, orders: &mut Vec<Order>) -> Result<(), String> {
    for (line, number) in text.lines().zip(1_u32..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut urls = line.split('\t').filter(|url| !url.is_empty()).map(|url| {
            let url = Url::parse(url).map_err(|error| format!("line {number}: {error}"))?;
            checked(url).map_err(|stop| format!("line {number}: {}", stop.message))
        });
        let Some(url) = urls.next() else { continue };
        orders.push(Order {
            url: url?,
            mirrors: urls.collect::<Result<_, _>>()?,
            name: None,
            expected: Expected::default(),
        });
    }
    Ok(())
}

fn described(text: &str, orders: &mut Vec<Order>) -> Result<(), String> {
    let files = metalink::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    for file in files {
        let mut urls = file.urls.into_iter().map(SignedUrl::new);
        let Some(url) = urls.next() else {
            return Err(format!("there is no http(s) URL for {}", file.name));
        };
        orders.push(Order {
            url,
            mirrors: urls.collect(),
            name: Some(file.name),
            expected: Expected {
                size: file.size,
                sha256: file.sha256,
                ..Expected::default()
            },
        });
    }
    Ok(())
}

/// `Name: value`, each.
pub(super) fn headers(given: &[String]) -> Result<HeaderMap, Stop> {
    let mut headers = HeaderMap::new();
    for header in given {
        let wrong = || Stop::usage("a header is written as \"Name: value\"");
        let (name, value) = header.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_file_a_line_and_its_mirrors_after_tabs() {
        let mut orders = Vec::new();
        let text = "# all\n\nhttp://a/1\nhttp://a/2\thttps://b/2\thttps://c/2\r\n";
        listed(text, &mut orders).expect("a list");
        let mirrors: Vec<_> = orders.iter().map(|order| order.mirrors.len()).collect();
        assert_eq!(mirrors, [0, 2]);
        for wrong in ["http://a/1\nnonsense", "ftp://a/1"] {
            assert!(listed(wrong, &mut orders).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let headers = headers(&["X-One: 1".into(), "x-two:a:b".into()]).expect("headers");
        assert_eq!(headers["x-two"], "a:b");
        for wrong in ["none", "a b: c", "a: b\nc: d"] {
            assert!(super::headers(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
