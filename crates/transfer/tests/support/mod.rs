//! What the behaviour tests are built from: an origin that misbehaves on demand, links, and pulls.

pub(crate) mod listen;
pub(crate) mod origin;
pub(crate) mod proxy;
pub(crate) mod pulls;
pub(crate) mod scripted;
pub(crate) mod tls;
