//! Whose turn it is to be pulled, pure: first come first served, so many at a time, and those
//! that stumbled wait a while without keeping others from their turn.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use longhaul_protocol::DownloadId;
use rand::{Rng, RngExt};
use tokio::time::Instant;

/// The first wait after a stumble; doubled for each further one without progress.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// So many stumbles in a row without a single new byte, and the download has failed. With the
/// waits above that is about six minutes; the engine's own retries come on top.
const STUMBLES: u32 = 10;

/// The pulls that run and those that wait.
#[derive(Debug)]
pub(crate) struct Schedule {
    limit: usize,
    running: HashSet<DownloadId>,
    waiting: BTreeSet<(u64, DownloadId)>,
    later: BTreeMap<(Instant, DownloadId), u64>,
    stumbles: HashMap<DownloadId, Stumbles>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Stumbles {
    in_a_row: u32,
    bytes: u64,
}

impl Schedule {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit: limit as usize,
            running: HashSet::new(),
            waiting: BTreeSet::new(),
            later: BTreeMap::new(),
            stumbles: HashMap::new(),
        }
    }

    /// Pulls at a time. A lower limit stops none that runs.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit as usize;
    }

    /// Stands in line, by `order`.
    pub(crate) fn wait(&mut self, id: DownloadId, order: u64) {
        if !self.running.contains(&id) && !self.later.keys().any(|(_, waiting)| *waiting == id) {
            self.waiting.insert((order, id));
        }
    }

    /// Leaves the line for good.
    pub(crate) fn leave(&mut self, id: DownloadId, order: u64) {
        self.waiting.remove(&(order, id));
        self.later.retain(|(_, waiting), _| *waiting != id);
        self.stumbles.remove(&id);
    }

    /// Stands in line at another place, if it stands there.
    pub(crate) fn renumber(&mut self, id: DownloadId, before: u64, order: u64) {
        if self.waiting.remove(&(before, id)) {
            self.waiting.insert((order, id));
        }
        for ((_, waiting), place) in &mut self.later {
            if *waiting == id {
                *place = order;
            }
        }
    }

    /// Its pull has ended; the place is free.
    pub(crate) fn free(&mut self, id: DownloadId) {
        self.running.remove(&id);
    }

    /// Its pull stumbled with `bytes` on the disk: it stands in line again after a wait, or, after
    /// too many times without a new byte, not at all. Answers whether it may try again.
    pub(crate) fn stumbled(
        &mut self,
        id: DownloadId,
        order: u64,
        bytes: u64,
        now: Instant,
        random: &mut impl Rng,
    ) -> bool {
        self.running.remove(&id);
        let stumbles = self.stumbles.entry(id).or_default();
        if bytes > stumbles.bytes {
            *stumbles = Stumbles { in_a_row: 0, bytes };
        }
        stumbles.in_a_row += 1;
        if stumbles.in_a_row > STUMBLES {
            self.stumbles.remove(&id);
            return false;
        }
        let doublings = (stumbles.in_a_row - 1).min(10);
        let full = (FIRST_WAIT * 2u32.pow(doublings)).min(LONGEST_WAIT);
        let wait = full.mul_f64(random.random_range(0.5..=1.0));
        self.later.insert((now + wait, id), order);
        true
    }

    /// The next whose turn it is, if a place is free.
    pub(crate) fn next(&mut self, now: Instant) -> Option<DownloadId> {
        while let Some((&(at, id), &order)) = self.later.first_key_value() {
            if at > now {
                break;
            }
            self.later.remove(&(at, id));
            self.waiting.insert((order, id));
        }
        if self.running.len() >= self.limit {
            return None;
        }
        let (_, id) = self.waiting.pop_first()?;
        self.running.insert(id);
        Some(id)
    }

    /// When to look again by the clock alone.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    /// Those that wait after a stumble try now: the way may be free again.
    pub(crate) fn hurry(&mut self) {
        for ((_, id), order) in std::mem::take(&mut self.later) {
            self.waiting.insert((order, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn ids(count: usize) -> Vec<DownloadId> {
        (0..count).map(|_| DownloadId::random()).collect()
    }

    #[test]
    fn the_first_to_come_is_the_first_to_go_and_never_more_than_the_limit() {
        let now = Instant::now();
        let mut schedule = Schedule::new(2);
        let ids = ids(4);
        for (order, id) in ids.iter().enumerate().rev() {
            schedule.wait(*id, order as u64);
        }
        assert_eq!(schedule.next(now), Some(ids[0]));
        assert_eq!(schedule.next(now), Some(ids[1]));
        assert_eq!(schedule.next(now), None);
        schedule.free(ids[1]);
        assert_eq!(schedule.next(now), Some(ids[2]));
        schedule.leave(ids[3], 3);
        schedule.free(ids[0]);
        assert_eq!(schedule.next(now), None);
    }

    #[test]
    fn one_that_stumbled_waits_without_holding_a_place() {
        let now = Instant::now();
        let mut random = StdRng::seed_from_u64(1);
        let mut schedule = Schedule::new(1);
        let ids = ids(2);
        schedule.wait(ids[0], 0);
        schedule.wait(ids[1], 1);
        assert_eq!(schedule.next(now), Some(ids[0]));
        assert!(schedule.stumbled(ids[0], 0, 0, now, &mut random));
        assert_eq!(schedule.next(now), Some(ids[1]));
        schedule.free(ids[1]);
        assert_eq!(schedule.next(now), None);
        let due = schedule.due().expect("it waits");
        assert!(due <= now + FIRST_WAIT);
        assert_eq!(schedule.next(due), Some(ids[0]));
    }

    #[test]
    fn stumbling_without_a_new_byte_ends_and_a_new_byte_begins_anew() {
        let now = Instant::now();
        let mut random = StdRng::seed_from_u64(1);
        let mut schedule = Schedule::new(1);
        let id = DownloadId::random();
        for round in 0..STUMBLES {
            assert!(schedule.stumbled(id, 0, 5, now, &mut random), "{round}");
        }
        assert!(schedule.stumbled(id, 0, 6, now, &mut random));
        for round in 1..STUMBLES {
            assert!(schedule.stumbled(id, 0, 6, now, &mut random), "{round}");
        }
        assert!(!schedule.stumbled(id, 0, 6, now, &mut random));
    }

    #[test]
    fn a_poke_ends_every_wait() {
        let now = Instant::now();
        let mut random = StdRng::seed_from_u64(1);
        let mut schedule = Schedule::new(1);
        let id = DownloadId::random();
        assert!(schedule.stumbled(id, 0, 0, now, &mut random));
        assert_eq!(schedule.next(now), None);
        schedule.hurry();
        assert_eq!(schedule.next(now), Some(id));
    }
}
