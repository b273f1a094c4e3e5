//! What each request passes before it reaches its call, in this order: answers, limits, host,
//! origins, time, caller, rate.

mod answers;
mod caller;
mod front;
mod host;
mod in_time;
mod limits;
mod origins;
mod rate;
mod site;

pub(crate) use answers::Asked;
pub(crate) use caller::{Caller, admin, caller, checked, perhaps_caller};
pub(crate) use front::Front;
pub(crate) use host::{Hosts, host};
pub(crate) use in_time::{InTime, LONGEST};
pub(crate) use limits::short_head;
pub(crate) use origins::cors;
pub(crate) use rate::{Rate, rate};
pub(crate) use site::Site;
