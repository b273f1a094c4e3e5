//! What each request passes before it reaches its call, in this order: answers, limits, host,
//! origins, caller, rate.

mod answers;
mod caller;
mod host;
mod limits;
mod origins;
mod rate;
mod site;

pub(crate) use answers::every_answer;
pub(crate) use caller::{Caller, admin, caller, perhaps_caller};
pub(crate) use host::{Hosts, host};
pub(crate) use limits::{LONGEST, in_time, short_head};
pub(crate) use origins::cors;
pub(crate) use rate::{Rate, rate};
pub(crate) use site::Site;
