//! The journal's lines: JSON, each with a checksum, read back whatever became of some of them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use crc_fast::{CrcAlgorithm, Digest, checksum};
use serde::{Deserialize, Serialize};

/// Version of the lines' shape.
pub(crate) const VERSION: u32 = 1;
/// A longer line is no line of ours. One transaction may not change more than this.
const LONGEST_LINE: u64 = 1 << 30;
/// The last line is looked for in so many bytes first.
const FIRST_WINDOW: u64 = 256 << 10;

/// A value in base64; none where the key was deleted.
type Change = (String, Option<String>);

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

fn decode(text: &[u8]) -> Option<Line> {
    let rest = text.strip_prefix(b"{\"crc\":\"")?;
    let (crc, rest) = rest.split_at_checked(16)?;
    let body = rest.strip_prefix(b"\",\"line\":")?.strip_suffix(b"}\n")?;
    let crc = u64::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?;
    if checksum(CrcAlgorithm::Crc64Nvme, body) != crc {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// What a journal holds.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The content; empty where only a check was asked for.
    pub(crate) entries: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The last commit that it knows of.
    pub(crate) seq: u64,
    /// The content's digest after it.
    pub(crate) digest: u64,
    /// Lines that are torn, changed, or of an unknown version, and commits that are missing between others.
    pub(crate) damaged: u64,
    /// Whether the snapshot at its beginning is whole.
    snapshot_whole: bool,
    /// The commit that the snapshot's entries may already show.
    snapshot_seq: u64,
    /// Whether there is anything at all.
    pub(crate) any: bool,
    /// Bytes read.
    pub(crate) bytes: u64,
}

impl Replay {
    /// Whether each line is there, as far as the lines themselves can tell.
    pub(crate) fn is_sound(&self) -> bool {
        self.any && self.damaged == 0 && self.snapshot_whole && self.seq >= self.snapshot_seq
    }

    /// Whether the content is proven to be what it was.
    pub(crate) fn is_complete(&self) -> bool {
        let content = self.entries.iter().fold(0_u64, |sum, (key, value)| {
            sum.wrapping_add(digest_of(key, value))
        });
        self.is_sound() && content == self.digest
    }

    /// Takes the next line; false at the end.
    pub(crate) fn read_line(&mut self, from: &mut impl BufRead, keep: bool) -> io::Result<bool> {
        let mut text = Vec::new();
        let read = from.take(LONGEST_LINE).read_until(b'\n', &mut text)?;
        if read == 0 {
            return Ok(false);
        }
        self.any = true;
        self.bytes += read as u64;
        match decode(&text) {
            Some(line) => self.take(line, keep),
            None => self.damaged += 1,
        }
        Ok(true)
    }

    fn take(&mut self, line: Line, keep: bool) {
        match line {
            Line::Snapshot { version, .. } if version != VERSION => self.damaged += 1,
            Line::Snapshot { seq, .. } => self.seq = seq,
            Line::Entries(entries) => self.lay_over(entries, keep),
            Line::Complete { seq, digest } => {
                self.snapshot_whole = true;
                self.snapshot_seq = seq;
                self.digest = digest;
            }
            Line::Commit {
                seq,
                digest,
                changes,
            } => {
                if seq != self.seq + 1 {
                    self.damaged += 1;
                }
                self.seq = seq;
                self.digest = digest;
                self.lay_over(changes, keep);
            }
        }
    }

    fn lay_over(&mut self, changes: Vec<Change>, keep: bool) {
        if !keep {
            return;
        }
        for (key, value) in changes {
            let key = BASE64_STANDARD.decode(key);
            let value = value.map(|value| BASE64_STANDARD.decode(value)).transpose();
            match (key, value) {
                (Ok(key), Ok(Some(value))) => {
                    self.entries.insert(key, value);
                }
                (Ok(key), Ok(None)) => {
                    self.entries.remove(&key);
                }
                _ => self.damaged += 1,
            }
        }
    }
}

/// Reads a journal to its end, over torn and damaged lines. With `base`, its content is laid over
/// that and kept; without, it is only checked. A journal that is not there is empty.
pub(crate) fn read(path: &Path, base: Option<BTreeMap<Vec<u8>, Vec<u8>>>) -> io::Result<Replay> {
    let keep = base.is_some();
    let mut replay = Replay {
        entries: base.unwrap_or_default(),
        ..Replay::default()
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(replay),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    while replay.read_line(&mut reader, keep)? {}
    Ok(replay)
}

/// What a journal's two ends say: enough to go on with it before it has been read.
pub(crate) fn ends(path: &Path) -> io::Result<Replay> {
    let mut replay = Replay::default();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(replay),
        Err(error) => return Err(error),
    };
    let len = file.metadata()?.len();
    replay.read_line(&mut BufReader::new(&file), false)?;
    let mut window = FIRST_WINDOW;
    while replay.any && replay.damaged == 0 {
        let start = len.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        (&file).take(window).read_to_end(&mut text)?;
        let body = text.strip_suffix(b"\n").unwrap_or(&text);
        let cut = body.iter().rposition(|byte| *byte == b'\n');
        match cut.map(|cut| decode(&text[cut + 1..])) {
            Some(Some(Line::Commit { seq, digest, .. } | Line::Complete { seq, digest })) => {
                (replay.seq, replay.digest) = (seq, digest);
                replay.snapshot_whole = true;
                break;
            }
            None if start > 0 && window < LONGEST_LINE => window *= 4,
            _ => replay.damaged += 1,
        }
    }
    replay.bytes = len;
    Ok(replay)
}
