//! Who waits: for a worker, in the order of claims, and for the time of a retry.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    AGEING,
    ranked::Ranked,
    tables::{OrderKey, Place},
};

/// Priorities are from 0 to this.
const HIGHEST: usize = 9;

/// The waiting line. One set for each priority, for within one the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct Line {
    ready: [Ranked<Key>; HIGHEST + 1],
    delayed: Ranked<Key>,
}

impl Line {
    /// Lets a job wait there.
    pub(super) fn insert(&mut self, place: Place, priority: u8) {
        match place {
            Place::Ready(key) => self.ready[level(priority)].insert(number(key)),
            Place::Delayed(key) => self.delayed.insert(number(key)),
        }
    }

    /// Takes a job away from where it stood.
    pub(super) fn remove(&mut self, place: Place, priority: u8) {
        match place {
            Place::Ready(key) => self.ready[level(priority)].remove(number(key)),
            Place::Delayed(key) => self.delayed.remove(number(key)),
        }
    }

    /// How many would be claimed before a job that stands there.
    pub(super) fn rank(&self, place: Place) -> u64 {
        let rank = match place {
            Place::Ready(key) => {
                let key = number(key);
                self.ready.iter().map(|line| line.rank(key)).sum()
            }
            Place::Delayed(key) => {
                let ready: usize = self.ready.iter().map(Ranked::len).sum();
                ready + self.delayed.rank(number(key))
            }
        };
        rank as u64
    }

    /// Whether somebody waits for a worker.
    pub(super) fn is_anyone_ready(&self) -> bool {
        self.ready.iter().any(|line| line.len() > 0)
    }

    /// When the next retry's time comes, in microseconds.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.delayed.first().map(order)
    }

    /// Whether a retry's time has come.
    pub(super) fn is_anyone_due(&self, now: Timestamp) -> bool {
        self.next_due().is_some_and(|at| at <= now.as_microsecond())
    }

    /// Since when the job that has waited longest could have been claimed.
    pub(super) fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        let ageing = i64::try_from(AGEING.as_micros()).unwrap_or(i64::MAX);
        let ready = self.ready.iter().zip(0_i64..).filter_map(|(line, level)| {
            let first = line.first()?;
            Some(order(first).saturating_add(ageing.saturating_mul(level)))
        });
        let due = self.next_due().filter(|at| *at <= now.as_microsecond());
        let oldest = ready.chain(due).min()?;
        Timestamp::from_microsecond(oldest).ok()
    }

    /// How long after `now`, in microseconds, until a claim may succeed; none where nobody waits.
    pub(super) fn until_claimable(&self, now: Option<i64>) -> Option<Duration> {
        if self.is_anyone_ready() {
            return Some(Duration::ZERO);
        }
        let due = self.next_due()?;
        let left = due.saturating_sub(now.unwrap_or(due));
        Some(Duration::from_micros(u64::try_from(left).unwrap_or(0)))
    }
}

fn level(priority: u8) -> usize {
    usize::from(priority).min(HIGHEST)
}

/// A key as numbers: a poll compares a dozen of them for its place, and bytes cost a call each.
type Key = (u128, u128);

fn number(key: OrderKey) -> Key {
    let (mut high, mut low) = ([0; 16], [0; 16]);
    high.copy_from_slice(&key[..16]);
    low.copy_from_slice(&key[16..]);
    (u128::from_be_bytes(high), u128::from_be_bytes(low))
}

/// The number that a key sorts by first.
const fn order((high, _): Key) -> i64 {
    ((high >> 64) as u64).cast_signed().wrapping_add(i64::MIN)
}
