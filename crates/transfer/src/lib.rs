//! A URL becomes a verified file; this crate knows nothing of jobs.
//!
//! [`Engine::pull`] is the whole of it: give it a [`LinkSource`] (which can always name a fresh
//! URL for the same object), a folder and what is known of the content, and it answers with a
//! file under its final name whose bytes were all checked, or with an [`Error`] that says what
//! happened, what was kept, and whether trying again can help.
//!
//! # The way of a byte
//!
//! The network's own chunk (some 100 KiB) is passed to the CRC and to one positional write into the
//! preallocated part file, on the thread that received it: no buffer of ours, no copy of ours. Each
//! block (1 MiB up to 8 GiB) is written by one connection from end to end, so that its CRC-64/NVME
//! comes out of the chunks as they pass; it is held against the manifest as it lands, and a bad block
//! alone is fetched again. The CRC of the whole is joined from the blocks', never read.
//!
//! # What it costs
//!
//! `make bench-transfer` measures it beside its peers and writes `docs/benchmarks.md`. Where the time
//! of a pull over loopback goes, by `perf`: to the kernel, for its two copies (out of the socket, into
//! the page cache) and for new pages; the CRC takes 2 to 5 %. What was found on the way there:
//! - Handing chunks to a thread that writes takes twice the time and 2.6 times the CPU; it is done
//!   only while the disk is seen to stall (writes over 20 ms).
//! - A connection is driven by the task that writes its bytes, and not by one of its own: a chunk
//!   that goes from core to core has left the cache, and 15 % more CPU is taken. That is the
//!   direct way, for plain http; over TLS and through proxies it is reqwest's.
//! - Two threads that write into one file spin at the kernel's lock for its inode, for 10 % of the
//!   CPU. A lock before it that lets one write at a time takes a third longer: all connections end
//!   up on one thread.
//! - Joining CRCs bit by bit took 20 %: 76 µs for each block. A table of powers does it in 0.1 µs.
//! - Without preallocation the same writes take a quarter more CPU.
//! - A sha256 costs as much as the pull itself: only where it is asked for and no manifest proves more.
//!
//! # Small files
//!
//! A file of up to 1 MiB takes one request, is held in memory, proven, and written at one go to a
//! file without a name, which is synced before it gets one (`O_TMPFILE` and linkat(2) on Linux). No
//! record is needed: a crash leaves the file or nothing.

mod answer;
mod connection;
mod cookies;
mod crew;
mod direct;
mod discover;
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
    Expected, Finished, Link, LinkError, LinkReason, LinkSource, Request, Sort, SourceUse,
    Verified, WhenTaken,
};
