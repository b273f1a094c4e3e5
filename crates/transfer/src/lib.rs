//! A URL becomes a verified file; this crate knows nothing of jobs.
//!
//! [`Engine::pull`] is the whole of it: give it a [`LinkSource`] (which can always name a fresh
//! URL for the same object), a folder and what is known of the content, and it answers with a
//! file under its final name whose bytes were all checked, or with an [`Error`] that says what
//! happened, what was kept, and whether trying again can help.

mod connection;
mod cookies;
mod crew;
mod download;
mod engine;
mod error;
mod file;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod growth;
mod guard;
mod hosts;
mod introduce;
mod limit;
mod lookup;
pub mod metalink;
mod network;
mod opening;
mod patience;
mod plain;
mod plan;
mod probe;
mod progress;
mod renew;
mod reply;
mod report;
mod request;
mod restore;
mod segments;
mod small;
mod source;
mod table;
mod verify;

pub use cookies::{CookieError, Cookies};
pub use engine::{Engine, EngineConfig};
pub use error::Error;
pub use guard::{Guard, Names};
pub use limit::Limit;
pub use network::{Network, Proxy};
pub use plain::Plain;
pub use plan::{Plan, Span};
pub use progress::{Phase, Progress, SegmentView};
pub use request::{
    Expected, Finished, Link, LinkError, LinkReason, LinkSource, Request, SourceUse, Verified,
};
