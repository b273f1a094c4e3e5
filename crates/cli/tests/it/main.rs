//! The binary as a user meets it, against a job server that does what it is told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

#[allow(
    dead_code,
    reason = "shared with the client's tests, which use the rest"
)]
#[path = "../../../client/tests/it/support/fake.rs"]
mod fake;
mod get;
mod list;
#[path = "../../../transfer/tests/support/listen.rs"]
mod listen;
#[allow(
    dead_code,
    reason = "shared with the engine's tests, which use the rest"
)]
#[path = "../../../transfer/tests/support/origin.rs"]
mod origin;
mod pull;
mod support;
