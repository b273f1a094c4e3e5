//! Where new versions of the app come from: nowhere, unless the administrator or whoever packaged
//! the app says so.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use minisign_verify::PublicKey;
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

/// A longer file is none of ours.
const LONGEST: u64 = 64 << 10;

/// Where lists of versions are, and whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Asked in turn until one answers; `{{target}}`, `{{arch}}`, `{{bundle_type}}` and
    /// `{{current_version}}` in them are replaced.
    endpoints: Vec<Url>,
    /// As `tauri signer generate` writes it: minisign's public key file in base64.
    #[serde(alias = "pubkey")]
    public_key: String,
}

impl Source {
    /// What that file says, or else the administrator's own, or else what was packaged with the app
    /// (`plugins.updater` of its configuration); none where none of them is there.
    ///
    /// # Errors
    /// When a file is there and cannot be used, or the named one is not there.
    pub(crate) fn find(
        named: Option<&Path>,
        packaged: Option<&Value>,
    ) -> anyhow::Result<Option<Self>> {
        match (named, of_administrator()) {
            (Some(named), _) => Self::read(named).map(Some),
            (None, Some(path)) if path.exists() => Self::read(&path).map(Some),
            _ => packaged
                .map(|config| {
                    let written = json!({
                        "endpoints": config["endpoints"], "pubkey": config["pubkey"],
                    });
                    Self::checked(serde_json::from_value(written)?)
                })
                .transpose()
                .context("what the app was packaged with"),
        }
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let read = || {
            let length = fs::metadata(path)?.len();
            if length > LONGEST {
                return Err(io::Error::other(format!("it has {length} bytes")));
            }
            fs::read_to_string(path)
        };
        read()
            .map_err(anyhow::Error::from)
            .and_then(|text| Self::checked(toml::from_str(&text)?))
            .with_context(|| path.display().to_string())
    }

    fn checked(self) -> anyhow::Result<Self> {
        ensure!(!self.endpoints.is_empty(), "it names no endpoint");
        for endpoint in &self.endpoints {
            ensure!(
                is_allowed(endpoint),
                "the endpoint {} is not https",
                host_of(endpoint)
            );
        }
        let key = STANDARD
            .decode(&self.public_key)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| PublicKey::decode(&text).ok());
        ensure!(
            key.is_some(),
            "its public_key is none; `tauri signer generate` writes one"
        );
        Ok(self)
    }

    /// The host of the first endpoint, for people.
    pub(crate) fn host(&self) -> String {
        self.endpoints.first().map(host_of).unwrap_or_default()
    }

    /// What the updater wants to be told. A signature must say which version it is for: an old
    /// release, signed long ago, cannot be passed off as a new one.
    pub(crate) fn configuration(&self) -> Value {
        json!({
            "endpoints": self.endpoints,
            "pubkey": self.public_key,
            "requireSignedVersion": true,
            // Only of this computer: `checked` has let no other in.
            "dangerousInsecureTransportProtocol":
                self.endpoints.iter().any(|endpoint| endpoint.scheme() != "https"),
        })
    }
}

/// Nobody on the way may see or change it.
pub(crate) fn is_allowed(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Where the administrator of this computer says it for all its users.
fn of_administrator() -> Option<PathBuf> {
    let folder = if cfg!(target_os = "macos") {
        PathBuf::from("/Library/Application Support/Longhaul")
    } else if cfg!(windows) {
        PathBuf::from(std::env::var_os("ProgramData")?).join("Longhaul")
    } else {
        PathBuf::from("/etc/longhaul")
    };
    Some(folder.join("updates.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key made for this test alone, in the form that the updater wants.
    const KEY: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IDNBMkVDNTI3NThFOTU1NTIKUldSU1ZlbFlKOFV1T3YyVzd5UTV3bnYrYUsvdDBaWUlPNVF0c2pxNWs0bFM5U25kU3BYbzBZcTMK";

    fn written(text: &str) -> anyhow::Result<Source> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        Source::find(Some(file.path()), None).map(|found| found.expect("named"))
    }

    #[test]
    fn a_file_that_can_be_used_is() {
        let source = written(&format!(
            "endpoints = [\"https://updates.example.com/{{{{target}}}}.json\"]\npublic_key = \"{KEY}\"",
        ))
        .expect("sound");
        assert_eq!(source.host(), "updates.example.com");
        let configuration = source.configuration();
        assert_eq!(configuration["requireSignedVersion"], true);
        assert_eq!(configuration["dangerousInsecureTransportProtocol"], false);
    }

    #[test]
    fn one_that_cannot_says_why() {
        let of =
            |endpoint: &str, key: &str| format!("endpoints = [{endpoint}]\npublic_key = \"{key}\"");
        for (text, why) in [
            (of("\"http://example.com/a\"", KEY), "is not https"),
            (of("\"file:///etc/passwd\"", KEY), "is not https"),
            (of("", KEY), "names no endpoint"),
            (of("\"https://a.example\"", "c2VjcmV0"), "public_key"),
            (of("\"https://a.example\"", ""), "public_key"),
            (of("\"a\"", KEY), "relative URL"),
            (of("\"https://a.example\"", KEY) + "\nother = 1", "other"),
        ] {
            let error = format!("{:#}", written(&text).expect_err(&text));
            assert!(error.contains(why), "{error}");
        }
        assert!(Source::find(Some(Path::new("/no/such/file")), None).is_err());
    }

    #[test]
    fn plain_http_is_for_this_computer_alone() {
        for (url, allowed) in [
            ("http://127.0.0.1:8080/a", true),
            ("http://[::1]/a", true),
            ("http://localhost/a", true),
            ("http://localhost.example.com/a", false),
            ("http://127.0.0.1.example.com/a", false),
            ("ftp://127.0.0.1/a", false),
            ("https://example.com/a", true),
        ] {
            assert_eq!(is_allowed(&url.parse().expect("a URL")), allowed, "{url}");
        }
    }

    #[test]
    fn what_the_app_was_packaged_with_serves_where_nobody_has_said_otherwise() {
        let packaged = json!({ "endpoints": ["https://releases.example.com/x"], "pubkey": KEY });
        let found = Source::find(None, Some(&packaged)).expect("sound");
        if of_administrator().is_some_and(|path| path.exists()) {
            return;
        }
        assert_eq!(found.expect("packaged").host(), "releases.example.com");
        assert_eq!(Source::find(None, None).expect("nothing"), None);
    }
}
