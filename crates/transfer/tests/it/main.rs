//! Behaviour of the engine against an origin that misbehaves, one file a theme.

#[path = "../support/mod.rs"]
mod support;

mod changed;
mod faults;
mod full;
mod guard;
mod kills;
mod links;
mod mirrors;
mod names;
mod network;
mod resume;
mod rot;
mod scripts;
mod small;
mod whole;

const MIB: usize = 1 << 20;

/// A number from the environment, by which a long run is sized or repeated.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}
