//! Proving bytes: blocks as they land, the whole at the end, never by a second read over the network.

pub(crate) mod blocks;
pub(crate) mod digest;
