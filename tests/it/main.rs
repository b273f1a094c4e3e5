//! Behaviour tests against the real processes: one file a behaviour.

mod bad_input;
mod contract;
mod crash;
mod delivery;
mod demo;
mod expiry;
mod legacy;
mod many;
mod web;
mod window;
