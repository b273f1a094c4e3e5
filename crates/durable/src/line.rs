//! The journal's lines: JSON, each with a checksum.

use base64::{Engine, prelude::BASE64_STANDARD};
use crc_fast::{CrcAlgorithm, Digest, checksum};
use serde::{Deserialize, Serialize};

/// Version of the lines' shape.
pub(crate) const VERSION: u32 = 1;

/// A value in base64; none where the key was deleted.
pub(crate) type Change = (String, Option<String>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// Everything as of a commit follows, possibly with some of the commits after it.
    Snapshot { version: u32, seq: u64 },
    /// Some of it.
    Entries(Vec<Change>),
    /// The snapshot's end. Its content has this digest once the commits up to `seq` are laid over it.
    Complete { seq: u64, digest: u64 },
    /// A group of transactions.
    Commit {
        seq: u64,
        digest: u64,
        changes: Vec<Change>,
    },
}

/// What tells one content from another: a sum over all entries, so that it follows each change.
pub(crate) fn digest_of(key: &[u8], value: &[u8]) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&(key.len() as u64).to_be_bytes());
    digest.update(key);
    digest.update(value);
    digest.finalize()
}

/// `{"crc":"<16 hexadecimal digits>","line":<the line>}` and a line feed.
pub(crate) fn encode(line: &Line) -> Vec<u8> {
    // Strings and numbers only: it cannot fail.
    let body = serde_json::to_string(line).unwrap_or_default();
    sealed(format!("{HEAD}{body}"))
}

/// What stands before a line's body; the zeroes give way to its checksum.
const HEAD: &str = "{\"crc\":\"0000000000000000\",\"line\":";

fn sealed(mut text: String) -> Vec<u8> {
    let crc = checksum(CrcAlgorithm::Crc64Nvme, &text.as_bytes()[HEAD.len()..]);
    text.replace_range(8..24, &format!("{crc:016x}"));
    text.push_str("}\n");
    text.into_bytes()
}

/// A line of changes, written as they come: of all lines, only these are many and long.
#[derive(Debug)]
pub(crate) struct Changing {
    text: String,
    any: bool,
}

impl Changing {
    /// [`Line::Commit`], for about so many bytes.
    pub(crate) fn commit(bytes: usize) -> Self {
        Self::begin("{\"commit\":{\"changes\":[", bytes)
    }

    /// [`Line::Entries`], for about so many bytes.
    pub(crate) fn entries(bytes: usize) -> Self {
        Self::begin("{\"entries\":[", bytes)
    }

    fn begin(opening: &str, bytes: usize) -> Self {
        let mut text = String::with_capacity(HEAD.len() + 128 + bytes * 3 / 2);
        text.push_str(HEAD);
        text.push_str(opening);
        Self { text, any: false }
    }

    /// Adds a key with its value; none where it was deleted.
    pub(crate) fn add(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.text.push_str(if self.any { ",[\"" } else { "[\"" });
        self.any = true;
        BASE64_STANDARD.encode_string(key, &mut self.text);
        match value {
            Some(value) => {
                self.text.push_str("\",\"");
                BASE64_STANDARD.encode_string(value, &mut self.text);
                self.text.push_str("\"]");
            }
            None => self.text.push_str("\",null]"),
        }
    }

    pub(crate) fn end_commit(mut self, seq: u64, digest: u64) -> Vec<u8> {
        let end = format!("],\"seq\":{seq},\"digest\":{digest}}}}}");
        self.text.push_str(&end);
        sealed(self.text)
    }

    pub(crate) fn end_entries(mut self) -> Vec<u8> {
        self.text.push_str("]}");
        sealed(self.text)
    }
}

/// A line as it was written; none where anything of it is not.
pub(crate) fn decode(text: &[u8]) -> Option<Line> {
    let rest = text.strip_prefix(b"{\"crc\":\"")?;
    let (crc, rest) = rest.split_at_checked(16)?;
    let body = rest.strip_prefix(b"\",\"line\":")?.strip_suffix(b"}\n")?;
    let crc = u64::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?;
    if checksum(CrcAlgorithm::Crc64Nvme, body) != crc {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// A change's bytes; none where it is no base64, which a line with a right checksum never is.
pub(crate) fn bytes_of((key, value): Change) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let key = BASE64_STANDARD.decode(key).ok()?;
    let value = value
        .map(|value| BASE64_STANDARD.decode(value))
        .transpose()
        .ok()?;
    Some((key, value))
}
