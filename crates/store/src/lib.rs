//! The embedded S3 store: the protocol is `s3s`'s, the files are ours.
//!
//! An object is a small record that names its data files. A PUT writes its data file under a fresh
//! uuid, checks every digest, syncs, and only then replaces the record in one rename: what was there
//! before stays whole until that moment, and readers that began earlier keep reading it. Completing a
//! multipart upload links the parts' files into one record; no byte is copied.
//!
//! Not here: versions, access lists, encryption. One pair of credentials, path-style addresses.

mod body;
mod checksum;
mod condition;
mod credentials;
mod error;
mod files;
mod index;
mod ingest;
mod lifecycle;
mod listing;
mod multipart;
mod objects;
mod range;
mod record;
mod recover;
mod s3;
mod serve;
mod store;

pub use credentials::Credentials;
pub use error::Error;
pub use lifecycle::UpkeepReport;
pub use recover::Recovery;
pub use store::{Options, Store};
