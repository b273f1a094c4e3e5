//! Transactions do what they do to a sorted map, also after the database is opened again.

use std::{collections::BTreeMap, ops::Bound};

use longhaul_durable::{Durable, Options, Scan, Table};
use proptest::prelude::*;

const TABLES: [Table; 3] = [Table("a"), Table("ab"), Table("b")];

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Vec<u8>, Vec<u8>),
    Delete(usize, Vec<u8>),
    Get(usize, Vec<u8>),
    Scan(usize, Vec<u8>, Option<Vec<u8>>, usize, bool),
    Prefix(usize, Vec<u8>, bool),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(254), Just(255)], 0..3)
}

fn step() -> impl Strategy<Value = Step> {
    let table = 0..TABLES.len();
    let value = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        4 => (table.clone(), key(), value).prop_map(|(t, k, v)| Step::Put(t, k, v)),
        2 => (table.clone(), key()).prop_map(|(t, k)| Step::Delete(t, k)),
        2 => (table.clone(), key()).prop_map(|(t, k)| Step::Get(t, k)),
        2 => (table.clone(), key(), prop::option::of(key()), 0..5_usize, any::<bool>())
            .prop_map(|(t, from, to, limit, reverse)| Step::Scan(t, from, to, limit, reverse)),
        1 => (table, key(), any::<bool>()).prop_map(|(t, k, reverse)| Step::Prefix(t, k, reverse)),
    ]
}

/// A transaction: its steps, and whether it is taken back at its end.
fn transaction() -> impl Strategy<Value = (Vec<Step>, bool, bool)> {
    (
        prop::collection::vec(step(), 1..8),
        prop::bool::weighted(0.2),
        any::<bool>(),
    )
}

type Model = BTreeMap<(usize, Vec<u8>), Vec<u8>>;

fn expected(
    model: &Model,
    table: usize,
    keep: impl Fn(&[u8]) -> bool,
    limit: usize,
    reverse: bool,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found: Vec<_> = model
        .iter()
        .filter(|((t, k), _)| *t == table && keep(k))
        .map(|((_, k), v)| (k.clone(), v.clone()))
        .collect();
    if reverse {
        found.reverse();
    }
    found.truncate(limit);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn transactions_do_what_they_do_to_a_sorted_map(
        rounds in prop::collection::vec(prop::collection::vec(transaction(), 0..12), 1..4),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        runtime.block_on(async {
            let mut model = Model::new();
            for round in rounds {
                let options = Options { compact_above: 512, ..Options::default() };
                let (durable, recovery) = Durable::open(folder.path(), options).await.expect("opens");
                assert!(recovery.is_none(), "{recovery:?}");
                for (steps, discarded, relaxed) in round {
                    let mut after = model.clone();
                    let change = move |tx: &mut longhaul_durable::Tx<'_>| {
                        let before = after.clone();
                        for step in steps {
                            match step {
                                Step::Put(t, k, v) => {
                                    tx.put(TABLES[t], &k, v.clone());
                                    after.insert((t, k), v);
                                }
                                Step::Delete(t, k) => {
                                    tx.delete(TABLES[t], &k);
                                    after.remove(&(t, k));
                                }
                                Step::Get(t, k) => {
                                    let found = tx.get(TABLES[t], &k).expect("reads");
                                    assert_eq!(found.as_ref(), after.get(&(t, k)));
                                }
                                Step::Scan(t, from, to, limit, reverse) => {
                                    let mut scan = Scan::all().from(&from).limit(limit);
                                    let upper = match &to {
                                        Some(to) => {
                                            scan = scan.before(to);
                                            Bound::Excluded(to.clone())
                                        }
                                        None => Bound::Unbounded,
                                    };
                                    if reverse {
                                        scan = scan.reversed();
                                    }
                                    let inside = |k: &[u8]| {
                                        k >= from.as_slice()
                                            && match &upper {
                                                Bound::Excluded(to) => k < to.as_slice(),
                                                _ => true,
                                            }
                                    };
                                    let found = tx.scan(TABLES[t], &scan).expect("reads");
                                    assert_eq!(found, expected(&after, t, inside, limit, reverse));
                                }
                                Step::Prefix(t, prefix, reverse) => {
                                    let mut scan = Scan::prefix(&prefix);
                                    if reverse {
                                        scan = scan.reversed();
                                    }
                                    let found = tx.scan(TABLES[t], &scan).expect("reads");
                                    let inside = |k: &[u8]| k.starts_with(&prefix);
                                    assert_eq!(found, expected(&after, t, inside, usize::MAX, reverse));
                                }
                            }
                        }
                        if discarded {
                            tx.discard();
                            before
                        } else {
                            after
                        }
                    };
                    model = if relaxed {
                        durable.write_relaxed(change).await.expect("writes")
                    } else {
                        durable.write(change).await.expect("writes")
                    };
                }
                durable.close().await.expect("closes");
            }
            let (durable, recovery) = Durable::open(folder.path(), Options::default()).await.expect("opens");
            assert!(recovery.is_none());
            let mut found = Model::new();
            for (index, table) in TABLES.into_iter().enumerate() {
                let entries = durable.read(move |view| view.scan(table, &Scan::all())).await.expect("reads").expect("reads");
                found.extend(entries.into_iter().map(|(k, v)| ((index, k), v)));
            }
            assert_eq!(found, model);
            durable.close().await.expect("closes");
            // The journal alone gives the same.
            std::fs::remove_dir_all(folder.path().join("sled")).expect("removes");
            let (durable, recovery) = Durable::open(folder.path(), Options::default()).await.expect("opens");
            let recovery = recovery.expect("it is told");
            assert!(recovery.complete, "{recovery:?}");
            assert_eq!(recovery.restored, model.len() as u64);
            durable.close().await.expect("closes");
        });
    }
}
