#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| longhaul_transfer::fuzzing::content_disposition(bytes));
