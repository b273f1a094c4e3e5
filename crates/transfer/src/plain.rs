//! A URL that is always the same.

use async_trait::async_trait;
use longhaul_protocol::SignedUrl;

use crate::{Link, LinkError, LinkReason, LinkSource};

/// A [`LinkSource`] of one URL: there is no fresher one to ask for, so that a refusal (400, 401,
/// 403) is the end.
#[derive(Debug, Clone)]
pub struct Plain(SignedUrl);

impl Plain {
    /// Links to `url`, which is kept out of every log.
    #[must_use]
    pub const fn new(url: SignedUrl) -> Self {
        Self(url)
    }
}

#[async_trait]
impl LinkSource for Plain {
    async fn link(&self, reason: LinkReason) -> Result<Link, LinkError> {
        match reason {
            LinkReason::Start => Ok(Link {
                url: self.0.clone(),
                expires_at: None,
            }),
            LinkReason::Expired => Err(LinkError {
                message: "access was refused".into(),
                retryable: false,
            }),
        }
    }
}
