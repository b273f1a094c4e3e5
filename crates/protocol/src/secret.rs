//! Secrets as types, so that no log line can show them: signed URLs and tokens.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::Url;

/// A URL that carries its own permission. `Debug` and `Display` show where it leads, never its
/// query or user information; only [`SignedUrl::expose`] and the wire have the whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "string")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = "uri"))]
pub struct SignedUrl(Url);

impl SignedUrl {
    /// Takes a URL into care.
    #[must_use]
    pub const fn new(url: Url) -> Self {
        Self(url)
    }

    /// The whole URL, for the request itself.
    #[must_use]
    pub const fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())?;
        if self.0.query().is_some() {
            f.write_str("?[redacted]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedUrl({self})")
    }
}

/// A bearer token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Takes a token into care.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the `Authorization` header.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_url_shows_the_way_and_not_the_key() {
        let url = SignedUrl::new(
            Url::parse("http://user:canary@h:9/b/k?X-Amz-Signature=canary#canary").expect("a URL"),
        );
        let shown = format!("{url} {url:?}");
        assert!(shown.contains("http://h:9/b/k?[redacted]"));
        assert!(!shown.contains("canary"));
        assert!(!format!("{:?}", Token::new("canary")).contains("canary"));
    }
}
