//! Behaviour tests against the real processes: one file a behaviour.

mod crash;
mod many;
mod window;
