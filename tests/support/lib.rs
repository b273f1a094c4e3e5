//! What the behaviour tests are built from: the real processes, started and ended by id.

pub mod bins;
pub mod centre;
mod close_button;
pub mod content;
pub mod desk;
mod program;
pub mod server;
pub mod wait;
pub mod window;
