//! The download manager against a job server and an S3 that do what they are told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod actions;
mod direct;
mod events;
mod queue;
mod restart;
mod same_name;
mod server_away;
mod servers;
mod straight;
#[allow(
    dead_code,
    reason = "shared with the terminal client, which uses the rest"
)]
mod support;
