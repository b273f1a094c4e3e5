//! A Metalink document (RFC 5854) names files, and fetches nothing.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for file in longhaul_transfer::metalink::parse(bytes).unwrap_or_default() {
        assert!(!file.name.is_empty() && !file.name.contains(['/', '\\']));
        assert!(
            file.urls
                .iter()
                .all(|url| matches!(url.scheme(), "http" | "https"))
        );
    }
});
