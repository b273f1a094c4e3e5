//! Marks a finished file with where it came from, as its system has it: other programs warn before
//! they run what came over the network.

use std::{io, path::Path};

use url::Url;

use crate::view::DownloadSource;

/// The address to write down; none where there is none, or where its query may be a secret.
pub(crate) fn origin_of(source: &DownloadSource) -> Option<String> {
    let (DownloadSource::Url { url } | DownloadSource::Direct { url }) = source else {
        return None;
    };
    let url: Url = url.parse().ok()?;
    (url.query().is_none() && url.username().is_empty() && url.password().is_none())
        .then(|| url.into())
}

/// Writes the mark. Blocking.
///
/// # Errors
/// Where the file system keeps no such marks; the file is as good without.
pub(crate) fn mark(path: &Path, origin: Option<&str>) -> io::Result<()> {
    #[cfg(target_os = "macos")]
    {
        // Flags: downloaded, and not yet approved by the user.
        let now = jiff::Timestamp::now().as_second();
        xattr::set(
            path,
            "com.apple.quarantine",
            format!("0081;{now:x};Longhaul;").as_bytes(),
        )?;
    }
    #[cfg(windows)]
    {
        // Zone 3 is the Internet.
        let host = origin.map_or_else(String::new, |url| format!("HostUrl={url}\r\n"));
        let mut stream = path.as_os_str().to_owned();
        stream.push(":Zone.Identifier");
        std::fs::write(stream, format!("[ZoneTransfer]\r\nZoneId=3\r\n{host}"))?;
    }
    #[cfg(all(unix, not(target_os = "macos")))]
    if let Some(origin) = origin {
        xattr::set(path, "user.xdg.origin.url", origin.as_bytes())?;
    }
    let _ = (path, origin);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(url: &str) -> DownloadSource {
        DownloadSource::Direct { url: url.into() }
    }

    #[test]
    fn an_address_that_may_hold_a_secret_is_not_written_down() {
        assert_eq!(
            origin_of(&direct("https://example.org/a.zip")).as_deref(),
            Some("https://example.org/a.zip")
        );
        for secret in [
            "https://example.org/a.zip?X-Amz-Signature=1",
            "https://example.org/a.zip?",
            "https://me@example.org/a.zip",
            "no address",
        ] {
            assert_eq!(origin_of(&direct(secret)), None, "{secret}");
        }
    }
}
