//! An ordered set that knows how many of its members come before another.
//!
//! Sorted runs of at most 512 keys: a million members are some 3,000 runs, whose lengths are summed
//! in microseconds.

/// The longest run; a longer one is halved.
const LONGEST: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Ranked<K> {
    /// Sorted, none empty, each before the next.
    runs: Vec<Vec<K>>,
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
            self.len = 1;
            return;
        };
        let Err(place) = run.binary_search(&key) else {
            return;
        };
        run.insert(place, key);
        self.len += 1;
        if run.len() > LONGEST {
            let second = run.split_off(LONGEST / 2);
            self.runs.insert(at + 1, second);
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
            }
        }
    }

    /// How many members are less than this.
    pub(super) fn rank(&self, key: K) -> usize {
        let at = self.run_of(key);
        let before: usize = self.runs.iter().take(at).map(Vec::len).sum();
        let inside = self
            .runs
            .get(at)
            .map_or(0, |run| run.partition_point(|member| *member < key));
        before + inside
    }

    /// The run that holds the key, or would; one past the end where the key is after all.
    fn run_of(&self, key: K) -> usize {
        self.runs
            .partition_point(|run| run.last().is_some_and(|last| *last < key))
    }
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
