//! Reading the journal back, whatever became of some of its lines.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{
    Error,
    commit::Commit,
    line::{Change, Line, VERSION, bytes_of, decode, digest_of},
};

/// A longer line is no line of ours. One transaction may not change more than this.
const LONGEST_LINE: u64 = 1 << 30;
/// The last lines are looked for in so many bytes first.
const FIRST_WINDOW: u64 = 256 << 10;

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
    /// Whether one of those is the last line: it may be one that was being written, and nobody was
    /// told of.
    torn: bool,
    /// Whether the snapshot at its beginning is whole.
    snapshot_whole: bool,
    /// The commit that the snapshot's entries may already show.
    snapshot_seq: u64,
    /// Whether there is anything at all.
    pub(crate) any: bool,
    /// Where its last good line ends: what follows is room for the next ones.
    pub(crate) end: u64,
    /// Bytes read.
    bytes: u64,
}

impl Replay {
    /// Whether each line is there, as far as the lines themselves can tell.
    pub(crate) fn is_sound(&self) -> bool {
        self.damaged == 0 && self.is_sound_to_its_end()
    }

    /// Whether each line but one that was being written is there.
    pub(crate) fn is_sound_to_its_end(&self) -> bool {
        self.any
            && self.damaged == u64::from(self.torn)
            && self.snapshot_whole
            && self.seq >= self.snapshot_seq
    }

    /// Whether the content is proven to be what it was.
    pub(crate) fn is_complete(&self) -> bool {
        let content = self.entries.iter().fold(0_u64, |sum, (key, value)| {
            sum.wrapping_add(digest_of(key, value))
        });
        self.is_sound() && content == self.digest
    }

    /// Takes the next line; false at the end, or where only room for more follows.
    pub(crate) fn read_line(&mut self, from: &mut impl BufRead, keep: bool) -> io::Result<bool> {
        let mut text = Vec::new();
        let read = from.take(LONGEST_LINE).read_until(b'\n', &mut text)?;
        if is_room(&text) {
            return Ok(false);
        }
        self.any = true;
        self.bytes += read as u64;
        self.torn = false;
        match decode(&text) {
            Some(line) => {
                self.end = self.bytes;
                self.take(line, keep);
            }
            None => {
                self.damaged += 1;
                self.torn = true;
            }
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
        for change in changes {
            match bytes_of(change) {
                Some((key, Some(value))) => {
                    self.entries.insert(key, value);
                }
                Some((key, None)) => {
                    self.entries.remove(&key);
                }
                None => self.damaged += 1,
            }
        }
    }
}

/// The file is made longer before lines are written: what is not written yet is zeroes.
fn is_room(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == 0)
}

fn opened(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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
    if let Some(file) = opened(path)? {
        let mut reader = BufReader::with_capacity(1 << 20, file);
        while replay.read_line(&mut reader, keep)? {}
    }
    Ok(replay)
}

/// What a journal's two ends say: enough to go on with it before it has been read.
pub(crate) fn ends(path: &Path) -> io::Result<Replay> {
    let mut replay = Replay::default();
    let Some(mut file) = opened(path)? else {
        return Ok(replay);
    };
    replay.read_line(&mut BufReader::new(&file), false)?;
    if replay.damaged > 0 {
        return Ok(replay);
    }
    let end = written(&mut file)?;
    let mut window = FIRST_WINDOW;
    while replay.any {
        let last = Stretch::before(&mut file, end, window)?;
        // The last line may be torn; the one before it was written whole, or there is damage.
        let found = (last.lines().rev().take(2).enumerate()).find_map(|(torn, (at, line))| {
            match decode(line)? {
                Line::Commit { seq, digest, .. } | Line::Complete { seq, digest } => {
                    Some((torn == 1, at + line.len() as u64, seq, digest))
                }
                _ => None,
            }
        });
        match found {
            Some((torn, end, seq, digest)) => {
                (replay.torn, replay.damaged) = (torn, u64::from(torn));
                (replay.seq, replay.digest, replay.end) = (seq, digest, end);
                replay.snapshot_whole = true;
                break;
            }
            // Two lines that cannot be read are damage; fewer may be parts of a long one.
            None if last.may_grow() && last.lines().nth(1).is_none() => window *= 4,
            None => {
                replay.damaged += 1;
                break;
            }
        }
    }
    Ok(replay)
}

/// Gives each commit after `seq` to `take`, in order, up to `end`; false where not all of them are
/// there: then some may have been given.
pub(crate) fn each_after(
    path: &Path,
    end: u64,
    seq: u64,
    mut take: impl FnMut(Commit) -> Result<(), Error>,
) -> Result<bool, Error> {
    let failed = || Error::io("reading the journal");
    let Some(mut file) = opened(path).map_err(failed())? else {
        return Ok(false);
    };
    let mut window = FIRST_WINDOW;
    let start = loop {
        let stretch = Stretch::before(&mut file, end, window).map_err(failed())?;
        let first = stretch.lines().next();
        let early = first.is_some_and(|(_, line)| {
            matches!(decode(line), Some(Line::Commit { seq: first, .. }) if first <= seq + 1)
        });
        if early || !stretch.may_grow() {
            break first.map_or(end, |(at, _)| at);
        }
        window *= 4;
    };
    file.seek(SeekFrom::Start(start)).map_err(failed())?;
    let mut reader = BufReader::with_capacity(1 << 20, file.take(end - start));
    let mut next = seq + 1;
    loop {
        let mut text = Vec::new();
        let read = (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut text);
        if read.map_err(failed())? == 0 {
            return Ok(true);
        }
        let Some(Line::Commit {
            seq,
            digest,
            changes,
        }) = decode(&text)
        else {
            // Before the first that is wanted stands what is of no interest here.
            if next == seq + 1 {
                continue;
            }
            return Ok(false);
        };
        if seq < next {
            continue;
        }
        let bytes = changes.into_iter().map(bytes_of).collect::<Option<_>>();
        match bytes {
            Some(changes) if seq == next => take(Commit {
                seq,
                digest,
                growth: 0,
                changes,
            })?,
            _ => return Ok(false),
        }
        next += 1;
    }
}

/// Where a file's last byte that is not zero ends.
fn written(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(FIRST_WINDOW);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(end - start).read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|byte| *byte != 0) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Whole lines of a file, before a place in it.
struct Stretch {
    start: u64,
    text: Vec<u8>,
}

impl Stretch {
    fn before(file: &mut File, end: u64, window: u64) -> io::Result<Self> {
        let start = end.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        file.take(end - start).read_to_end(&mut text)?;
        if start == 0 {
            return Ok(Self { start, text });
        }
        let skipped = (text.iter().position(|byte| *byte == b'\n')).map_or(text.len(), |at| at + 1);
        text.drain(..skipped);
        Ok(Self {
            start: start + skipped as u64,
            text,
        })
    }

    /// Whether there is more before it, and it is worth reading.
    fn may_grow(&self) -> bool {
        self.start > 0 && (self.text.len() as u64) < LONGEST_LINE
    }

    /// The lines with where each begins.
    fn lines(&self) -> impl DoubleEndedIterator<Item = (u64, &[u8])> {
        self.text
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| {
                let before = line.as_ptr() as usize - self.text.as_ptr() as usize;
                (self.start + before as u64, line)
            })
    }
}
