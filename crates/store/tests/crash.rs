//! The store is killed in the middle of things; what was acknowledged is there, and nothing is half there.
