//! Download URLs that lead to this server: each names one job, runs out, and carries a signature,
//! so that a browser or a download manager needs no token to follow it.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use longhaul_protocol::{JobId, ProblemCode, SignedUrl};
use serde::Deserialize;
use sha2::Sha256;
use utoipa::IntoParams;

use super::{problem::Refusal, view::later};
use crate::{artifact::Presigned, middleware::Site};

/// Signs links and knows its own again. The key lives as long as the process: a link of an earlier
/// one is refused as one that ran out is, and the job gives a fresh one.
#[derive(Clone)]
pub(crate) struct Links {
    key: [u8; 64],
    ttl: Duration,
}

/// What stands in a link besides the job.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Seal {
    /// When the link runs out, in seconds since 1970
    #[param(nullable = false)]
    expires: Option<i64>,
    /// Stands in for a token
    #[param(nullable = false)]
    signature: Option<String>,
}

impl Links {
    /// Links that work for so long.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self {
            key: rand::random(),
            ttl,
        }
    }

    /// A fresh link to a job's artifact.
    pub(super) fn sign(
        &self,
        site: &Site,
        job: JobId,
        now: Timestamp,
    ) -> Result<Presigned, Refusal> {
        // Whole seconds: what is told is what is checked.
        let expires = later(now, self.ttl).as_second();
        let signature = hex::encode(self.seal(job, expires).finalize().into_bytes());
        let path = format!("/v1/downloads/signed/{job}?expires={expires}&signature={signature}");
        let url = site.at(&path).ok_or_else(|| {
            Refusal::new(
                ProblemCode::BadRequest,
                "Host cannot be part of a URL; name this server's address by --public-url.",
            )
        })?;
        Ok(Presigned {
            url: SignedUrl::new(url),
            expires_at: Timestamp::from_second(expires).unwrap_or(now),
        })
    }

    /// Whether a link is ours and has not run out.
    pub(super) fn check(&self, job: JobId, seal: &Seal, now: Timestamp) -> Result<(), Refusal> {
        let refused = || {
            Refusal::new(
                ProblemCode::LinkExpired,
                "This link ran out, or is not of this server; the job's status has a fresh one.",
            )
        };
        let expires = seal.expires.ok_or_else(refused)?;
        let signature = seal.signature.as_deref().unwrap_or_default();
        let signature = hex::decode(signature).map_err(|_| refused())?;
        // Compared in constant time.
        let ours = self.seal(job, expires).verify_slice(&signature).is_ok();
        if ours && now.as_second() < expires {
            Ok(())
        } else {
            Err(refused())
        }
    }

    fn seal(&self, job: JobId, expires: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(job.0.as_bytes());
        mac.update(&expires.to_be_bytes());
        mac
    }
}

impl Seal {
    /// Whether there is one at all.
    pub(super) const fn is_there(&self) -> bool {
        self.signature.is_some()
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Links([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal_of(url: &SignedUrl) -> Seal {
        let pair = |name: &str| {
            let mut pairs = url.expose().query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Seal {
            expires: pair("expires").and_then(|text| text.parse().ok()),
            signature: pair("signature"),
        }
    }

    #[test]
    fn a_link_opens_its_own_job_until_it_runs_out_and_nothing_else() {
        let links = Links::new(Duration::from_secs(900));
        let site = Site::from("https://files.example");
        let (job, now) = (JobId::random(), Timestamp::UNIX_EPOCH);
        let signed = links.sign(&site, job, now).expect("signed");
        let seal = seal_of(&signed.url);
        assert_eq!(signed.expires_at.as_second(), 900);
        let soon = Timestamp::from_second(899).expect("a time");
        assert!(links.check(job, &seal, soon).is_ok());
        assert!(links.check(job, &seal, signed.expires_at).is_err());
        assert!(links.check(JobId::random(), &seal, now).is_err());
        assert!(
            Links::new(Duration::from_secs(900))
                .check(job, &seal, now)
                .is_err()
        );
        let longer = Seal {
            expires: Some(9000),
            ..seal_of(&signed.url)
        };
        assert!(links.check(job, &longer, now).is_err());
        for signature in [
            None,
            Some(String::new()),
            Some("zz".into()),
            Some("00".repeat(32)),
        ] {
            let forged = Seal {
                expires: Some(900),
                signature,
            };
            assert!(links.check(job, &forged, now).is_err());
        }
    }
}
