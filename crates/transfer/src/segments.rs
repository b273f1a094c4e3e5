//! Who fetches which bytes: pure maths over granules, without I/O.
//!
//! The file is cut into granules (at most 8,192 for a known size), each written by one connection
//! from its beginning to its end, so that its CRC needs no second read and two connections never
//! meet inside one. What is missing is a list of runs of granules; all else is done.

use std::ops::Range;

use crate::{SegmentView, verify::digest::joined};

/// A free connection takes no less than this from another: below it, a request costs more than
/// it brings.
const MIN_SPLIT: u64 = 1 << 20;

/// One connection of one pull.
pub(crate) type LaneId = u32;

/// The beginning of a granule that is on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: u64,
    pub(crate) crc: u64,
}

impl Head {
    /// This beginning with `length` more bytes of CRC `crc`.
    pub(crate) fn longer(self, crc: u64, length: u64) -> Self {
        match self.length {
            0 => Self { length, crc },
            _ => Self {
                length: self.length + length,
                crc: joined(self.crc, crc, length),
            },
        }
    }
}

/// What a connection is to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    /// The first granule, of which `head` is there already.
    pub(crate) granule: u32,
    pub(crate) head: Head,
    /// First byte to ask for.
    pub(crate) start: u64,
    /// One past the last byte; it may be taken away later, a granule at a time.
    pub(crate) end: u64,
}

/// A run of missing granules.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    next: u32,
    end: u32,
    /// Of granule `next`, while nobody is on it.
    head: Head,
    owner: Option<LaneId>,
}

impl Run {
    const fn len(&self) -> u32 {
        self.end - self.next
    }
}

/// What is missing of a file, and who is on it.
#[derive(Debug, Clone)]
pub(crate) struct Segments {
    /// Unknown while a stream without a length comes.
    size: Option<u64>,
    granule: u64,
    /// Ascending, disjoint, none empty.
    runs: Vec<Run>,
    /// Whether a second connection is of use.
    splits: bool,
}

impl Segments {
    /// A file of `size` bytes, of which nothing is there.
    pub(crate) fn new(size: u64, granule: u64, splits: bool) -> Self {
        let mut segments = Self {
            size: Some(size),
            granule,
            runs: Vec::new(),
            splits,
        };
        segments.lose(0..segments.count());
        segments
    }

    /// A stream that does not say how long it is.
    pub(crate) fn endless(granule: u64) -> Self {
        let mut segments = Self {
            size: None,
            granule,
            runs: Vec::new(),
            splits: false,
        };
        segments.lose(0..u32::MAX);
        segments
    }

    /// A file of which all but `missing` (ascending, disjoint) is there.
    pub(crate) fn resumed(
        size: u64,
        granule: u64,
        missing: &[Range<u32>],
        heads: &[(u32, Head)],
    ) -> Self {
        let mut segments = Self {
            size: Some(size),
            granule,
            runs: Vec::new(),
            splits: true,
        };
        for range in missing {
            // A head in the middle of a run parts it, so that it becomes a beginning.
            let mut from = range.start;
            for (at, _) in heads.iter().filter(|(at, _)| range.contains(at)) {
                segments.lose(from..*at);
                from = *at;
            }
            segments.lose(from..range.end);
        }
        for (at, head) in heads {
            if let Some(run) = segments.runs.iter_mut().find(|run| run.next == *at) {
                run.head = *head;
            }
        }
        segments
    }

    /// Granules of the whole.
    pub(crate) fn count(&self) -> u32 {
        self.size.map_or(u32::MAX, |size| {
            u32::try_from(size.div_ceil(self.granule)).unwrap_or(u32::MAX)
        })
    }

    /// The bytes of a granule.
    pub(crate) fn bytes(&self, granule: u32) -> Range<u64> {
        self.start_of(granule)..self.start_of(granule.saturating_add(1))
    }

    fn start_of(&self, granule: u32) -> u64 {
        let start = u64::from(granule).saturating_mul(self.granule);
        self.size.map_or(start, |size| start.min(size))
    }

    /// Work for a free connection: the lowest run that nobody is on, else half of the largest.
    pub(crate) fn take(&mut self, lane: LaneId) -> Option<Work> {
        self.take_some(lane, u64::MAX)
    }

    /// Like [`Segments::take`], but of a run that another connection is on, its last `most` bytes
    /// at most.
    pub(crate) fn take_some(&mut self, lane: LaneId, most: u64) -> Option<Work> {
        let index = match self.runs.iter().position(|run| run.owner.is_none()) {
            Some(idle) => idle,
            None => self.split(most)?,
        };
        Some(self.give(lane, index))
    }

    fn give(&mut self, lane: LaneId, index: usize) -> Work {
        let run = &mut self.runs[index];
        run.owner = Some(lane);
        let (granule, end, head) = (run.next, run.end, run.head);
        Work {
            granule,
            head,
            start: self.start_of(granule) + head.length,
            end: self.start_of(end),
        }
    }

    /// What `lane` has still to fetch, where it has written up to `position`.
    pub(crate) fn left_of(&self, lane: LaneId, position: u64) -> Option<Range<u64>> {
        let run = self.runs.iter().find(|run| run.owner == Some(lane))?;
        let end = self.start_of(run.end);
        Some(position.max(self.start_of(run.next))..end)
    }

    /// For `lane`: the run that nobody is on and whose rest begins within `range` and ends with it.
    pub(crate) fn take_rest(&mut self, lane: LaneId, range: &Range<u64>) -> Option<Work> {
        let index = self.runs.iter().position(|run| {
            let start = self.start_of(run.next) + run.head.length;
            run.owner.is_none() && range.contains(&start) && self.start_of(run.end) == range.end
        })?;
        Some(self.give(lane, index))
    }

    /// Whether a free connection would find work.
    pub(crate) fn has_work(&self) -> bool {
        self.runs.iter().any(|run| run.owner.is_none()) || self.largest(u64::MAX).is_some()
    }

    /// The largest run that is worth parting, and where: in the middle, or `most` bytes before its
    /// end.
    fn largest(&self, most: u64) -> Option<(usize, u32)> {
        if !self.splits {
            return None;
        }
        let (index, run) = self
            .runs
            .iter()
            .enumerate()
            .max_by_key(|(_, run)| run.len())?;
        // The granule in work stays with its connection.
        let most = u32::try_from(most.max(MIN_SPLIT).div_ceil(self.granule)).unwrap_or(u32::MAX);
        let half = run.next + run.len().div_ceil(2);
        let mut middle = half.max(run.end.saturating_sub(most));
        // The file's last granule may be a short one.
        if middle > half && self.start_of(run.end) - self.start_of(middle) < MIN_SPLIT {
            middle -= 1;
        }
        let taken = self.start_of(run.end) - self.start_of(middle);
        let left = self.start_of(middle) - self.start_of(run.next);
        (run.len() > 1 && taken >= MIN_SPLIT && left >= MIN_SPLIT).then_some((index, middle))
    }

    fn split(&mut self, most: u64) -> Option<usize> {
        let (index, middle) = self.largest(most)?;
        let end = std::mem::replace(&mut self.runs[index].end, middle);
        let half = Run {
            next: middle,
            end,
            head: Head::default(),
            owner: None,
        };
        self.runs.insert(index + 1, half);
        Some(index + 1)
    }

    /// `lane` has written `granule` whole. Answers whether it goes on with the next one.
    pub(crate) fn complete(&mut self, lane: LaneId, granule: u32) -> bool {
        let Some(index) = self
            .runs
            .iter()
            .position(|run| run.owner == Some(lane) && run.next == granule)
        else {
            return false;
        };
        let run = &mut self.runs[index];
        run.next += 1;
        run.head = Head::default();
        if run.len() == 0 {
            self.runs.remove(index);
            return false;
        }
        true
    }

    /// `lane` is gone; of its granule in work, `head` is on the disk.
    pub(crate) fn park(&mut self, lane: LaneId, head: Head) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.owner == Some(lane)) {
            run.owner = None;
            run.head = head;
        }
    }

    /// These granules, all done, are missing again.
    pub(crate) fn lose(&mut self, granules: Range<u32>) {
        if granules.is_empty() {
            return;
        }
        let at = self.runs.partition_point(|run| run.next < granules.start);
        self.runs.insert(
            at,
            Run {
                next: granules.start,
                end: granules.end,
                head: Head::default(),
                owner: None,
            },
        );
    }

    /// A stream without a length has ended.
    pub(crate) fn end_at(&mut self, size: u64) {
        self.size = Some(size);
        self.runs.clear();
    }

    /// Whether nothing is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether all of these granules are there.
    pub(crate) fn has(&self, granules: &Range<u32>) -> bool {
        !self
            .runs
            .iter()
            .any(|run| run.next < granules.end && granules.start < run.end)
    }

    /// Bytes that are there without a gap from the first on.
    pub(crate) fn frontier(&self) -> u64 {
        self.runs.first().map_or_else(
            || self.size.unwrap_or_default(),
            |run| self.start_of(run.next),
        )
    }

    /// The granules that are there, as ascending ranges.
    pub(crate) fn done(&self) -> Vec<Range<u32>> {
        let mut done: Vec<Range<u32>> = Vec::new();
        let mut from = 0;
        for run in &self.runs {
            if run.next > from {
                done.push(from..run.next);
            }
            from = run.end;
        }
        if self.size.is_some() && from < self.count() {
            done.push(from..self.count());
        }
        done
    }

    /// Beginnings of granules that nobody is on.
    pub(crate) fn heads(&self) -> Vec<(u32, Head)> {
        self.runs
            .iter()
            .filter(|run| run.owner.is_none() && run.head.length > 0)
            .map(|run| (run.next, run.head))
            .collect()
    }

    /// Bytes that are on the disk; `position` says how far a connection is.
    pub(crate) fn done_bytes(&self, position: impl Fn(LaneId) -> Option<u64>) -> u64 {
        self.view(position)
            .iter()
            .fold(0, |sum, segment| sum + segment.done)
    }

    /// The map of the file, without gap or overlap.
    pub(crate) fn view(&self, position: impl Fn(LaneId) -> Option<u64>) -> Vec<SegmentView> {
        let mut views = Vec::with_capacity(self.runs.len() * 2 + 1);
        let mut from = 0;
        let whole = |start, end| SegmentView {
            start,
            end,
            done: end - start,
            active: false,
        };
        for run in &self.runs {
            let start = self.start_of(run.next);
            if start > from {
                views.push(whole(from, start));
            }
            let end = self.start_of(run.end);
            let at = run.owner.and_then(&position);
            let done = at.map_or(run.head.length, |at| at.saturating_sub(start));
            let end = match self.size {
                Some(_) => end,
                // Nobody knows where a stream ends: the map ends where it is now.
                None => start + done,
            };
            views.push(SegmentView {
                start,
                end,
                done: done.min(end - start),
                active: run.owner.is_some(),
            });
            from = end;
        }
        if let Some(size) = self.size
            && from < size
        {
            views.push(whole(from, size));
        }
        views
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a single range of granules is what is meant"
)]
mod tests;
