//! The job server: API, queue, worker, artifacts. The app embeds this library; the binary
//! `longhaul-server` is a command line around it.

pub mod queue;

pub mod artifact;
pub mod catalogue;
pub mod config;
pub mod source;
pub mod upkeep;
pub mod worker;
