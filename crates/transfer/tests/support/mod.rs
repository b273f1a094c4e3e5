//! What the behaviour tests are built from: an origin that misbehaves on demand, links, and pulls.

pub(crate) mod origin;
pub(crate) mod pulls;
