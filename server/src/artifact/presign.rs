//! Download URLs, signed at each read: none is ever stored or logged.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use jiff::{SignedDuration, Timestamp};
use longhaul_protocol::SignedUrl;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Artifacts, StorageError};
use crate::queue::Artifact;

/// RFC 8187 §3.2.1: what may stand unescaped in an extended value.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A URL and how long it works.
#[derive(Debug)]
pub struct Presigned {
    /// The URL.
    pub url: SignedUrl,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl Artifacts {
    /// Signs a GET of one artifact. The name and a type that no browser renders are inside the
    /// signature, so that a stored page can never run on the bucket's origin.
    ///
    /// # Errors
    /// [`StorageError`] where there are no credentials to sign with.
    pub async fn presign(
        &self,
        artifact: &Artifact,
        file_name: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Presigned, StorageError> {
        let wrong = |why: String| StorageError {
            what: "signing a download URL",
            why,
            code: None,
        };
        let config = PresigningConfig::expires_in(ttl).map_err(|error| wrong(error.to_string()))?;
        let request = self
            .presigner
            .get_object()
            .bucket(&self.bucket)
            .key(&artifact.key)
            .response_content_disposition(attachment(file_name))
            .response_content_type("application/octet-stream")
            .presigned(config)
            .await
            .map_err(|error| StorageError::new("signing a download URL", &error))?;
        let url = Url::parse(request.uri()).map_err(|error| wrong(error.to_string()))?;
        let ttl = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
        Ok(Presigned {
            url: SignedUrl::new(url),
            expires_at: now.saturating_add(ttl).unwrap_or(Timestamp::MAX),
        })
    }
}

/// `Content-Disposition` for a download (RFC 6266 §4): an ASCII stand-in, and the name itself.
pub(crate) fn attachment(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| match c {
            ' '..='~' if !matches!(c, '"' | '\\' | '%' | '/') => c,
            _ => '_',
        })
        .collect();
    let full = utf8_percent_encode(file_name, EXTENDED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hard_name_travels_whole_and_breaks_no_header() {
        let header = attachment("a \"b\"\r\nX: y/ü%20.txt");
        assert!(header.is_ascii() && !header.contains(['\r', '\n']));
        assert_eq!(
            header,
            "attachment; filename=\"a _b___X: y_\u{5f}_20.txt\"; \
             filename*=UTF-8''a%20%22b%22%0D%0AX%3A%20y%2F%C3%BC%2520.txt"
        );
    }
}
