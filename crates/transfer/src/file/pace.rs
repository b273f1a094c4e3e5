//! Whether a disk keeps up, by how long it took of late: what blocks for long must not block the
//! runtime's threads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// For how long the runtime's threads are kept off the disk after it has stalled.
const CAUTION: Duration = Duration::from_secs(2);

/// The pace of one kind of work on one disk.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Work that takes longer has met a disk that stalls.
    stall: Duration,
    begun: Instant,
    /// Milliseconds after `begun`.
    slow_until: AtomicU64,
}

impl Pace {
    pub(crate) fn new(stall: Duration) -> Self {
        Self {
            stall,
            begun: Instant::now(),
            slow_until: AtomicU64::new(0),
        }
    }

    /// Whether the disk was seen to stall of late.
    pub(crate) fn is_slow(&self) -> bool {
        let until = self.slow_until.load(Ordering::Relaxed);
        until > 0 && self.begun.elapsed() < Duration::from_millis(until)
    }

    /// Some work took this long.
    pub(crate) fn took(&self, time: Duration) {
        if time > self.stall {
            let until = (self.begun.elapsed() + CAUTION).as_millis();
            self.slow_until
                .store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_slow_once_it_was() {
        let stall = Duration::from_millis(20);
        let pace = Pace::new(stall);
        pace.took(stall);
        assert!(!pace.is_slow());
        pace.took(stall * 2);
        assert!(pace.is_slow());
        // One quick write after a slow one proves nothing.
        pace.took(stall);
        assert!(pace.is_slow());
    }
}
