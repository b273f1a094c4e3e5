//! What S3 promises, asked of the embedded store by an independent client, one check a test.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    clippy::large_futures,
    clippy::needless_pass_by_value
)]
mod conditionals;
mod hostile;
mod integrity;
mod listing;
mod multipart;
mod objects;
mod presigned;
mod ranges;
mod support;
mod tagging_lifecycle;
