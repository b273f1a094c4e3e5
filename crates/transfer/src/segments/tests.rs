//! No interleaving of connections leaves a gap or an overlap.

use proptest::prelude::*;

use super::*;

const MIB: u64 = 1 << 20;

#[test]
fn a_free_connection_halves_the_largest_run() {
    let mut segments = Segments::new(8 * MIB, MIB, true);
    let first = segments.take(1).expect("work");
    assert_eq!((first.start, first.end), (0, 8 * MIB));
    let second = segments.take(2).expect("work");
    assert_eq!((second.start, second.end), (4 * MIB, 8 * MIB));
    let third = segments.take(3).expect("work");
    assert_eq!(third.end - third.start, 2 * MIB);
}

#[test]
fn an_errand_is_the_end_of_the_largest_run() {
    let mut segments = Segments::new(40 * MIB, MIB, true);
    segments.take(1);
    let second = segments.take_some(2, 4 * MIB).expect("work");
    assert_eq!((second.start, second.end), (36 * MIB, 40 * MIB));
    let third = segments.take_some(3, 4 * MIB).expect("work");
    assert_eq!((third.start, third.end), (32 * MIB, 36 * MIB));
    let mut short = Segments::new(40 * MIB + 1, MIB, true);
    short.take(1);
    let second = short.take_some(2, MIB).expect("work");
    assert_eq!((second.start, second.end), (39 * MIB, 40 * MIB + 1));
}

#[test]
fn nothing_below_a_mebibyte_is_split_off() {
    let mut segments = Segments::new(MIB + 5, MIB, true);
    assert!(segments.take(1).is_some());
    assert!(!segments.has_work());
    assert_eq!(segments.take(2), None);
    let mut small_granules = Segments::new(2 * MIB - 1, 64 << 10, true);
    small_granules.take(1);
    assert_eq!(small_granules.take(2), None);
}

#[test]
fn a_parked_run_goes_on_where_it_was() {
    let mut segments = Segments::new(4 * MIB, MIB, true);
    segments.take(1);
    assert!(segments.complete(1, 0));
    segments.park(1, Head { length: 7, crc: 9 });
    assert_eq!(segments.done_bytes(|_| None), MIB + 7);
    let work = segments.take(2).expect("work");
    assert_eq!((work.granule, work.start, work.head.crc), (1, MIB + 7, 9));
}

#[test]
fn a_stream_grows_until_it_ends() {
    let mut segments = Segments::endless(MIB);
    segments.take(1);
    assert_eq!(segments.take(2), None);
    assert!(segments.complete(1, 0));
    assert_eq!(segments.done_bytes(|_| Some(MIB + 3)), MIB + 3);
    segments.end_at(MIB + 3);
    assert!(segments.is_complete());
    assert_eq!(segments.done(), [0..2]);
}

#[test]
fn heads_inside_a_missing_run_are_kept() {
    let head = Head { length: 5, crc: 1 };
    let segments = Segments::resumed(10 * MIB, MIB, &[2..9], &[(2, head), (6, head)]);
    assert_eq!(segments.heads(), [(2, head), (6, head)]);
    assert_eq!(segments.done(), [0..2, 9..10]);
    assert_eq!(segments.done_bytes(|_| None), 3 * MIB + 10);
}

#[derive(Debug, Clone)]
enum Step {
    Take(LaneId, u64),
    Complete(LaneId),
    Park(LaneId, u64),
    Lose(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lane = 0u32..6;
    proptest::collection::vec(
        prop_oneof![
            3 => (lane.clone(), prop_oneof![Just(u64::MAX), 1..8 * MIB]).prop_map(|(lane, most)| Step::Take(lane, most)),
            6 => lane.clone().prop_map(Step::Complete),
            1 => (lane, 0u64..1000).prop_map(|(lane, length)| Step::Park(lane, length)),
            1 => (0u32..40).prop_map(Step::Lose),
        ],
        0..200,
    )
}

proptest! {
    #[test]
    fn no_interleaving_leaves_a_gap_or_an_overlap(size in 1u64..40 * MIB, steps in steps()) {
        let mut segments = Segments::new(size, MIB, true);
        let count = segments.count();
        let mut written = vec![false; count as usize];
        // Which granule each lane is on, and where the work it was given ends.
        let mut lanes: std::collections::HashMap<LaneId, (u32, u64)> = std::collections::HashMap::new();
        for step in steps {
            match step {
                Step::Take(lane, most) if !lanes.contains_key(&lane) => {
                    let promised = segments.has_work();
                    let work = segments.take_some(lane, most);
                    prop_assert_eq!(promised, work.is_some());
                    if let Some(work) = work {
                        prop_assert!(work.start < work.end && work.end <= size);
                        prop_assert!(!written[work.granule as usize], "given twice");
                        prop_assert!(lanes.values().all(|(granule, _)| *granule != work.granule));
                        lanes.insert(lane, (work.granule, work.end));
                    }
                }
                Step::Complete(lane) => if let Some((granule, end)) = lanes.remove(&lane) {
                    prop_assert!(!written[granule as usize], "written twice");
                    written[granule as usize] = true;
                    if segments.complete(lane, granule) {
                        prop_assert!(segments.bytes(granule + 1).start < end, "beyond what was asked for");
                        lanes.insert(lane, (granule + 1, end));
                    }
                },
                Step::Park(lane, length) => if let Some((granule, _)) = lanes.remove(&lane) {
                    let bytes = segments.bytes(granule);
                    segments.park(lane, Head { length: length.min(bytes.end - bytes.start - 1), crc: 0 });
                },
                Step::Lose(granule) => if written.get(granule as usize) == Some(&true) {
                    written[granule as usize] = false;
                    segments.lose(granule..granule + 1);
                },
                Step::Take(..) => {}
            }
            let mut from = 0;
            for view in segments.view(|_| None) {
                prop_assert_eq!(view.start, from);
                prop_assert!(view.end > view.start && view.done <= view.end - view.start);
                from = view.end;
            }
            prop_assert_eq!(from, size);
            let done: Vec<u32> = segments.done().into_iter().flatten().collect();
            let expected: Vec<u32> = (0..count).filter(|granule| written[*granule as usize]).collect();
            prop_assert_eq!(done, expected);
        }
        // Whoever is left finishes; then everything was written exactly once.
        for lane in lanes.into_keys() {
            segments.park(lane, Head::default());
        }
        while let Some(work) = segments.take(99) {
            let mut granule = work.granule;
            loop {
                prop_assert!(!written[granule as usize]);
                written[granule as usize] = true;
                if !segments.complete(99, granule) {
                    break;
                }
                granule += 1;
            }
        }
        prop_assert!(segments.is_complete());
        prop_assert!(written.iter().all(|there| *there));
        prop_assert_eq!(segments.frontier(), size);
    }
}
