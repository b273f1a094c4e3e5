//! Which URLs are fetched at all: what can be said before anything is connected to.

use std::net::IpAddr;

use url::{Host, Url};

use super::address;

/// A URL is at most this long.
const LONGEST: usize = 8 << 10;

/// Where this server may fetch from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UrlPolicy {
    /// Origins in this machine's own networks, too.
    pub private: bool,
}

/// Why a URL is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UrlRefusal {
    /// It is none.
    NotAUrl(&'static str),
    /// It is one that is not fetched.
    NotAllowed(&'static str),
}

impl UrlPolicy {
    /// Whether an address may be connected to.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        address::is_global(address) || (self.private && address::is_private(address))
    }

    /// Reads a URL that somebody sent. A name is looked up, and its addresses checked, only when
    /// it is connected to.
    pub(crate) fn read(self, text: &str) -> Result<Url, UrlRefusal> {
        if text.len() > LONGEST {
            return Err(UrlRefusal::NotAUrl("must be at most 8192 bytes"));
        }
        let url = Url::parse(text).map_err(|_| UrlRefusal::NotAUrl("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlRefusal::NotAllowed(
                "must begin with http:// or https://",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::NotAllowed(
                "must not hold a user's name or password",
            ));
        }
        let known = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(name)) => self.private || !is_local(name),
            None => return Err(UrlRefusal::NotAUrl("names no host")),
        };
        if known {
            Ok(url)
        } else {
            Err(UrlRefusal::NotAllowed(
                "names a host in a private network, which this server does not fetch from",
            ))
        }
    }
}

/// RFC 6761 §6.3: this name and all below it are this machine.
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: UrlPolicy = UrlPolicy { private: false };
    const PRIVATE: UrlPolicy = UrlPolicy { private: true };

    fn refused(policy: UrlPolicy, text: &str) {
        let refusal = policy.read(text);
        assert!(
            matches!(refusal, Err(UrlRefusal::NotAllowed(_))),
            "{text}: {refusal:?}"
        );
    }

    /// Each way in which loopback is written, and each kind of address that is nobody's business.
    const FORMS: [&str; 28] = [
        "http://127.0.0.1/",
        "http://127.255.255.254/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
    ];

    #[test]
    fn every_form_of_a_private_address_is_refused() {
        for form in FORMS {
            refused(PUBLIC, form);
        }
    }

    #[test]
    fn no_other_scheme_and_no_password_is_taken() {
        for policy in [PUBLIC, PRIVATE] {
            for text in [
                "file:///etc/passwd",
                "ftp://example.org/a",
                "gopher://example.org/",
                "data:text/plain,a",
                "https://user@example.org/",
                "https://user:secret@example.org/",
            ] {
                refused(policy, text);
            }
        }
        for text in ["", "example.org/a", "http://", "http://[::1", "http://a b/"] {
            let refusal = PUBLIC.read(text);
            assert!(matches!(refusal, Err(UrlRefusal::NotAUrl(_))), "{text}");
        }
    }

    #[test]
    fn a_private_origin_is_taken_where_that_was_allowed_and_never_the_metadata_service() {
        for text in [
            "http://127.0.0.1:9/a",
            "http://localhost/",
            "http://[fd00::1]/",
        ] {
            assert!(PRIVATE.read(text).is_ok(), "{text}");
        }
        for text in [
            "http://169.254.169.254/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:169.254.169.254]/",
            "http://224.0.0.1/",
            "http://0.0.0.0/",
        ] {
            refused(PRIVATE, text);
        }
        assert!(PUBLIC.read("https://example.org/a?b=c").is_ok());
    }
}
