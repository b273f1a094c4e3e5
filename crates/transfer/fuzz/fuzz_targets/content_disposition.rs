//! A name out of a `Content-Disposition` header (RFC 6266) is one harmless path component.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| longhaul_transfer::fuzzing::content_disposition(bytes));
