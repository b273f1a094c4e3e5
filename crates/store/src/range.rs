//! Which bytes of an object a Range header asks for (RFC 9110 §14).
use s3s::dto::Range;

/// A stretch of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// First byte.
    pub(crate) start: u64,
    /// Bytes; never past the end of the object.
    pub(crate) length: u64,
}

/// The range lies past the end, or is empty: 416.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsatisfiable;

impl Span {
    pub(crate) fn whole(size: u64) -> Self {
        Self {
            start: 0,
            length: size,
        }
    }

    /// Resolves a range against an object of `size` bytes; a suffix longer than the object is all of it.
    pub(crate) fn resolve(range: Range, size: u64) -> Result<Self, Unsatisfiable> {
        let (start, end) = match range {
            Range::Int { first, last } => (
                first,
                last.map_or(size, |last| last.saturating_add(1).min(size)),
            ),
            Range::Suffix { length } => (size - length.min(size), size),
        };
        if start < end {
            Ok(Self {
                start,
                length: end - start,
            })
        } else {
            Err(Unsatisfiable)
        }
    }

    /// The value of Content-Range.
    pub(crate) fn content_range(self, size: u64) -> String {
        format!(
            "bytes {}-{}/{size}",
            self.start,
            self.start + self.length - 1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_object_satisfies_no_range() {
        assert_eq!(
            Span::resolve(
                Range::Int {
                    first: 0,
                    last: None
                },
                0
            ),
            Err(Unsatisfiable)
        );
        assert_eq!(
            Span::resolve(Range::Suffix { length: 5 }, 0),
            Err(Unsatisfiable)
        );
    }

    proptest! {
        #[test]
        fn a_range_picks_what_slicing_picks(size in 0u64..500, first in 0u64..600, more in proptest::option::of(0u64..600)) {
            let last = more.map(|more| first + more);
            let expected: Vec<u64> = (0..size).filter(|at| *at >= first && last.is_none_or(|last| *at <= last)).collect();
            match Span::resolve(Range::Int { first, last }, size) {
                Ok(span) => {
                    prop_assert_eq!(Some(&span.start), expected.first());
                    prop_assert_eq!(span.length, expected.len() as u64);
                }
                Err(Unsatisfiable) => prop_assert!(expected.is_empty()),
            }
        }

        #[test]
        fn a_suffix_is_clamped_to_the_object(size in 1u64..500, length in 1u64..u64::MAX) {
            let span = Span::resolve(Range::Suffix { length }, size);
            prop_assert_eq!(span, Ok(Span { start: size.saturating_sub(length), length: length.min(size) }));
        }
    }
}
