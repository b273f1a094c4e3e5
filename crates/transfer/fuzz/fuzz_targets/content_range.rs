//! A `Content-Range` header (RFC 9110, section 14.4) that is read is what it says.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| longhaul_transfer::fuzzing::content_range(bytes));
