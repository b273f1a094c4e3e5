//! The job server: API, queue, worker, artifacts. The app embeds this library; the binary
//! `longhaul-server` is a command line around it.

pub mod queue;
