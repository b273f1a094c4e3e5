//! What each request passes before it reaches its call, in this order: host, origin, caller, rate.

mod caller;
mod host;
mod rate;

pub(crate) use caller::{Caller, caller};
pub(crate) use host::{Hosts, host};
pub(crate) use rate::{Rate, rate};
