//! Cookies from a file, as browsers' exports and curl write it (the Netscape format).

use std::sync::Arc;

use reqwest::cookie::Jar;
use url::Url;

/// Cookies that are sent along where they belong: by domain, path, scheme and age.
#[derive(Debug, Clone)]
pub struct Cookies(Arc<Jar>);

/// A line of a cookie file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no cookie: seven fields between tabs are")]
pub struct CookieError {
    /// From 1 on.
    pub line: usize,
}

impl Cookies {
    /// Reads a file's text: domain, whether subdomains count, path, whether only over https, expiry
    /// in seconds since 1970 (0 for the session), name and value, between tabs. What has expired is
    /// left out; `#HttpOnly_` before a domain is not a remark.
    ///
    /// # Errors
    /// [`CookieError`] with the line; never with what it says.
    pub fn parse(text: &str) -> Result<Self, CookieError> {
        let jar = Jar::default();
        for (line, number) in text.lines().zip(1..) {
            let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (cookie, url) = cookie(line).ok_or(CookieError { line: number })?;
            jar.add_cookie_str(&cookie, &url);
        }
        Ok(Self(Arc::new(jar)))
    }

    pub(crate) fn jar(&self) -> Arc<Jar> {
        Arc::clone(&self.0)
    }
}

/// A line as a server at that URL would set it.
fn cookie(line: &str) -> Option<(String, Url)> {
    let fields: Vec<_> = line.trim_end_matches('\r').split('\t').collect();
    let [domain, subdomains, path, secure, expiry, name, value] = fields[..] else {
        return None;
    };
    let flag = |text: &str| match text.to_ascii_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    };
    let (subdomains, secure) = (flag(subdomains)?, flag(secure)?);
    let expiry: i64 = expiry.parse().ok()?;
    let host = domain.strip_prefix('.').unwrap_or(domain);
    if name.is_empty() || !path.starts_with('/') || line.contains(';') {
        return None;
    }
    let scheme = if secure { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{host}{path}")).ok()?;
    let mut cookie = format!("{name}={value}; Path={path}");
    if subdomains {
        cookie += &format!("; Domain={host}");
    }
    if secure {
        cookie += "; Secure";
    }
    if expiry != 0 {
        let left = expiry.saturating_sub(jiff::Timestamp::now().as_second());
        cookie += &format!("; Max-Age={}", left.max(0));
    }
    Some((cookie, url))
}

#[cfg(test)]
mod tests {
    use reqwest::cookie::CookieStore as _;

    use super::*;

    fn sent(cookies: &Cookies, url: &str) -> String {
        let url = Url::parse(url).expect("a URL");
        let header = cookies.jar().cookies(&url);
        let header = header.map(|value| value.to_str().expect("text").to_owned());
        let mut all: Vec<_> = header.iter().flat_map(|text| text.split("; ")).collect();
        all.sort_unstable();
        all.join(" ")
    }

    #[test]
    fn each_goes_where_it_belongs() {
        let text = "# Netscape HTTP Cookie File\n\n\
            .example.com\tTRUE\t/\tFALSE\t0\twide\t1\n\
            example.com\tFALSE\t/files\tFALSE\t4102444800\tnarrow\t2\r\n\
            #HttpOnly_example.com\tFALSE\t/\tTRUE\t0\tsecret\t3\n\
            example.com\tFALSE\t/\tFALSE\t1000\told\t4\n";
        let cookies = Cookies::parse(text).expect("cookies");
        assert_eq!(
            sent(&cookies, "http://example.com/files/a"),
            "narrow=2 wide=1"
        );
        assert_eq!(
            sent(&cookies, "https://example.com/other"),
            "secret=3 wide=1"
        );
        assert_eq!(sent(&cookies, "http://sub.example.com/files/"), "wide=1");
        assert_eq!(sent(&cookies, "http://example.org/"), "");
    }

    #[test]
    fn a_damaged_line_is_named_and_not_shown() {
        for wrong in [
            "example.com\tFALSE\t/\tFALSE\t0\tname",
            "example.com\tMAYBE\t/\tFALSE\t0\tname\tsecret",
            "example.com\tFALSE\tpath\tFALSE\t0\tname\tsecret",
            "example.com\tFALSE\t/\tFALSE\tsoon\tname\tsecret",
            "example.com\tFALSE\t/\tFALSE\t0\tname\tsecret; Domain=com",
        ] {
            let error = Cookies::parse(&format!("# a\n{wrong}")).expect_err(wrong);
            assert_eq!(error, CookieError { line: 2 });
            assert!(!error.to_string().contains("secret"));
        }
    }
}
