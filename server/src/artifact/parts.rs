//! How large an upload's parts are, so that memory stays bounded and the largest object fits.

const MIB: u64 = 1 << 20;
/// S3 takes no more parts than this.
const MAX_PARTS: u64 = 10_000;
/// Parts begin at this size.
const FIRST: u64 = 8 * MIB;
/// Memory for one job's parts; the parts in flight are counted by it.
const MEMORY: u64 = 64 * MIB;

/// The size of part `number` (from 1) of an object of `size` bytes, where that is known.
///
/// A known size is spread over equal parts. An unknown one begins small and doubles every thousand
/// parts, so that the 10,000 that S3 takes reach past its largest object of 5 TiB.
pub(super) fn part_size(size: Option<u64>, number: u32) -> u64 {
    match size {
        Some(size) => size
            .div_ceil(MAX_PARTS - 1)
            .next_multiple_of(MIB)
            .max(FIRST),
        None => FIRST << ((u64::from(number.max(1)) - 1) / 1000),
    }
}

/// How many parts of a size may be in flight beside the one that is being filled.
pub(super) fn in_flight(part: u64) -> usize {
    (MEMORY / part.max(1)).saturating_sub(2).clamp(1, 4) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: u64 = 5 << 40;

    #[test]
    fn the_largest_object_fits_whether_its_size_is_known_or_not() {
        let part = part_size(Some(LARGEST), 1);
        assert!(LARGEST.div_ceil(part) <= MAX_PARTS);
        let unknown: u64 = (1..=10_000).map(|number| part_size(None, number)).sum();
        assert!(unknown >= LARGEST);
    }

    #[test]
    fn memory_for_parts_stays_bounded_up_to_64_gib() {
        for size in [None, Some(0), Some(1 << 30), Some(64 << 30)] {
            let part = part_size(size, 1);
            assert!(part * (in_flight(part) as u64 + 2) <= MEMORY, "{size:?}");
        }
    }
}
