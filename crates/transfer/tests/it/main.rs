//! Behaviour of the engine against an origin that misbehaves, one file a theme.

#[path = "../support/mod.rs"]
mod support;

mod changed;
mod faults;
mod guard;
mod links;
mod mirrors;
mod names;
mod network;
mod resume;
mod small;
mod whole;

const MIB: usize = 1 << 20;
