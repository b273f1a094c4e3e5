//! Speed and remaining time that a person can read: smoothed, and silent where nothing is known.

use std::time::Duration;

use tokio::time::Instant;

/// A change of speed shows to about two thirds after this long.
const SETTLING: Duration = Duration::from_secs(3);
/// Without a new byte for this long nothing moves, and no speed is shown.
const STALL: Duration = Duration::from_secs(5);
/// Samples closer together than this are taken as one: they say more about buffers than about lines.
const SHORTEST: Duration = Duration::from_millis(200);

/// An exponentially weighted speed over irregular samples of a byte count.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    at: Instant,
    bytes: u64,
    moved: Instant,
    speed: Option<f64>,
}

impl Meter {
    /// Begins at a count, so that bytes of an earlier run are not taken for speed.
    pub(crate) const fn new(now: Instant, bytes: u64) -> Self {
        Self {
            at: now,
            bytes,
            moved: now,
            speed: None,
        }
    }

    /// Takes in the count as it is now.
    pub(crate) fn sample(&mut self, now: Instant, bytes: u64) {
        let passed = now.saturating_duration_since(self.at);
        if passed < SHORTEST {
            return;
        }
        let gained = bytes.saturating_sub(self.bytes);
        if bytes != self.bytes {
            self.moved = now;
        }
        let present = gained as f64 / passed.as_secs_f64();
        let weight = 1.0 - (-passed.as_secs_f64() / SETTLING.as_secs_f64()).exp();
        self.speed = Some(match self.speed {
            Some(speed) => speed + weight * (present - speed),
            None => present,
        });
        (self.at, self.bytes) = (now, bytes);
    }

    /// Bytes per second; none before the first sample and while nothing moves.
    pub(crate) fn speed(&self, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.moved) > STALL {
            return None;
        }
        self.speed
            .map(|speed| speed.round() as u64)
            .filter(|speed| *speed > 0)
    }
}

/// Seconds for `left` bytes at `speed`, rounded up.
pub(crate) fn seconds(left: u64, speed: Option<u64>) -> Option<u64> {
    speed
        .filter(|speed| *speed > 0)
        .map(|speed| left.div_ceil(speed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_line_is_shown_as_it_is_and_a_jump_softly() {
        let start = Instant::now();
        let mut meter = Meter::new(start, 1_000_000);
        assert_eq!(meter.speed(start), None);
        for tick in 1..=8u64 {
            meter.sample(
                start + Duration::from_millis(250 * tick),
                1_000_000 + 250 * tick,
            );
        }
        let later = start + Duration::from_secs(2);
        assert_eq!(meter.speed(later), Some(1000));
        meter.sample(later + Duration::from_millis(250), 1_002_000 + 2500);
        let speed = meter.speed(later).expect("it moves");
        assert!(speed > 1000 && speed < 3000, "{speed}");
    }

    #[test]
    fn a_standstill_has_no_speed_and_no_end() {
        let start = Instant::now();
        let mut meter = Meter::new(start, 0);
        meter.sample(start + Duration::from_secs(1), 1000);
        for tick in 2..9 {
            meter.sample(start + Duration::from_secs(tick), 1000);
        }
        assert_eq!(meter.speed(start + Duration::from_secs(8)), None);
        assert_eq!(seconds(10, None), None);
        assert_eq!(seconds(10, Some(0)), None);
        assert_eq!(seconds(11, Some(10)), Some(2));
    }
}
