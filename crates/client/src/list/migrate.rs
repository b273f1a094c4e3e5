//! The form of a row on the disk, with its version: an older one is brought up to date, a newer
//! one is left for the build that wrote it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::download::Record;

/// The form that this build writes. Raise it with each change that an older build would misread,
/// and add the step from the one before to [`upgrade`].
const VERSION: u32 = 2;
/// The form before there were several servers. A row of the first server is still written in it, so
/// that an older build goes on with those, and sets the others aside instead of asking the wrong
/// server for them.
const ONE_SERVER: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    row: &'a Record,
}

#[derive(Deserialize)]
struct Stored {
    v: u32,
    row: Value,
}

/// A row cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("it was written in form {0}; this version knows up to {VERSION}")]
    Newer(u32),
    #[error("it is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

pub(super) fn write(record: &Record) -> Vec<u8> {
    serde_json::to_vec(&Written {
        v: match record.server.is_first() {
            true => ONE_SERVER,
            false => VERSION,
        },
        row: record,
    })
    .unwrap_or_default()
}

pub(super) fn read(bytes: &[u8]) -> Result<Record, ReadError> {
    let stored: Stored = serde_json::from_slice(bytes)?;
    if stored.v > VERSION {
        return Err(ReadError::Newer(stored.v));
    }
    Ok(serde_json::from_value(upgrade(stored.v, stored.row))?)
}

/// Brings a row from form `from` to the present one, a form at a time.
fn upgrade(from: u32, row: Value) -> Value {
    // Form 2 only adds a field that form 1 may leave out.
    debug_assert!(from <= VERSION);
    row
}
