//! A control record that is trusted is whole.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| longhaul_transfer::fuzzing::control_record(bytes));
