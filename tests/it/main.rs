//! Behaviour tests against the real processes: one file a behaviour.

mod bad_input;
mod contract;
mod crash;
mod demo;
mod expiry;
mod many;
mod web;
mod window;
