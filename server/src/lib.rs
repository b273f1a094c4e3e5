//! The job server: API, queue, worker, artifacts. The app embeds this library; the binary
//! `longhaul-server` is a command line around it.
//!
//! The way of a job: `api::initiate` → `queue` → `worker` → `source` → `artifact` → S3.

mod api;
mod app;
pub mod artifact;
mod catalogue;
mod check;
mod config;
mod metrics;
mod middleware;
pub mod queue;
mod readiness;
mod router;
mod serving;
mod source;
mod upkeep;
mod worker;

pub use app::{Running, StartError, start};
pub use check::{Finding, check};
pub use config::{
    Command, Config, ConfigError, Delivery, External, LogFormat, Options, QueueKind, StoreKind,
    Tokens,
};
