//! What the behaviour tests are built from: the real processes, started and ended by id.

pub mod bins;
pub mod content;
pub mod server;
