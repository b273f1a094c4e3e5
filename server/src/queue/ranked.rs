//! An ordered set that knows how many of its members come before another.
//!
//! Sorted runs of at most 512 keys: a million members are some 3,000 runs. Their last keys and their
//! lengths stand together, so that to find a run, and to count those before it, fetches little memory.

/// The longest run; a longer one is halved.
const LONGEST: usize = 512;
/// A look at each so many members of a run finds the few among which a key is.
const STRIDE: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Ranked<K> {
    /// Sorted, none empty, each before the next.
    runs: Vec<Vec<K>>,
    /// Each run's last key.
    lasts: Vec<K>,
    /// Each run's length.
    lengths: Vec<u32>,
    len: usize,
}

impl<K: Ord + Copy> Ranked<K> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn first(&self) -> Option<K> {
        self.runs.first().and_then(|run| run.first()).copied()
    }

    pub(super) fn insert(&mut self, key: K) {
        let at = self.run_of(key).min(self.runs.len().saturating_sub(1));
        let Some(run) = self.runs.get_mut(at) else {
            self.runs.push(vec![key]);
            self.lasts.push(key);
            self.lengths.push(1);
            self.len = 1;
            return;
        };
        let Err(place) = run.binary_search(&key) else {
            return;
        };
        run.insert(place, key);
        self.len += 1;
        let second = (run.len() > LONGEST).then(|| run.split_off(LONGEST / 2));
        self.note(at);
        if let Some(second) = second {
            self.runs.insert(at + 1, second);
            self.lasts.insert(at + 1, key);
            self.lengths.insert(at + 1, 0);
            self.note(at + 1);
        }
    }

    pub(super) fn remove(&mut self, key: K) {
        let at = self.run_of(key);
        let Some(run) = self.runs.get_mut(at) else {
            return;
        };
        if let Ok(place) = run.binary_search(&key) {
            run.remove(place);
            self.len -= 1;
            if run.is_empty() {
                self.runs.remove(at);
                self.lasts.remove(at);
                self.lengths.remove(at);
            } else {
                self.note(at);
            }
        }
    }

    /// Notes a run's end and length as they are now.
    fn note(&mut self, at: usize) {
        if let Some(last) = self.runs[at].last() {
            self.lasts[at] = *last;
        }
        self.lengths[at] = u32::try_from(self.runs[at].len()).unwrap_or(u32::MAX);
    }

    /// How many members are less than this.
    pub(super) fn rank(&self, key: K) -> usize {
        let at = self.run_of(key);
        let before: u32 = self.lengths.iter().take(at).sum();
        let inside = self.runs.get(at).map_or(0, |run| inside(run, key));
        before as usize + inside
    }

    /// The run that holds the key, or would; one past the end where the key is after all.
    fn run_of(&self, key: K) -> usize {
        self.lasts.partition_point(|last| *last < key)
    }
}

/// How many of a run are less than this. Nobody has looked at its memory for long: a binary search
/// waits for one piece after another, and these looks wait for all of them together.
fn inside<K: Ord + Copy>(run: &[K], key: K) -> usize {
    let is_less = |member: &&K| **member < key;
    let strides = run.iter().step_by(STRIDE).filter(is_less).count();
    let from = strides.saturating_sub(1) * STRIDE;
    from + run[from..].iter().take(STRIDE).filter(is_less).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_ranks_as_a_sorted_set_counts(
            steps in prop::collection::vec((any::<bool>(), 0..2000_u32), 0..4000),
        ) {
            let mut ranked = Ranked::default();
            let mut model = BTreeSet::new();
            for (n, (add, key)) in steps.into_iter().enumerate() {
                if add || n % 3 == 0 {
                    ranked.insert(key);
                    model.insert(key);
                } else {
                    ranked.remove(key);
                    model.remove(&key);
                }
                prop_assert_eq!(ranked.len(), model.len());
                prop_assert_eq!(ranked.first(), model.first().copied());
                if n % 64 == 0 {
                    prop_assert_eq!(ranked.rank(key), model.range(..key).count());
                }
            }
            prop_assert!(ranked.runs.iter().all(|run| !run.is_empty() && run.len() <= LONGEST));
            let lasts: Vec<_> = ranked.runs.iter().filter_map(|run| run.last().copied()).collect();
            let lengths: Vec<_> = ranked.runs.iter().map(|run| run.len() as u32).collect();
            prop_assert_eq!(&ranked.lasts, &lasts);
            prop_assert_eq!(&ranked.lengths, &lengths);
        }
    }

    #[test]
    fn a_hundred_thousand_members_in_any_order_keep_their_ranks() {
        let mut ranked = Ranked::default();
        for n in 0..100_000_u64 {
            // A permutation: 7919 is prime to the count.
            ranked.insert(n * 7919 % 100_000);
        }
        for n in (0..100_000).step_by(997) {
            assert_eq!(ranked.rank(n), usize::try_from(n).expect("small"));
        }
    }
}
