//! How many connections a pull uses: 1, 2, 4 … while more of them bring more bytes.

use std::time::Duration;

/// A rate is taken over no less than this.
const WINDOW: Duration = Duration::from_millis(200);

/// After a doubling that brought nothing, the next trial waits this long, then twice as long.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(64);

/// A doubling is worth keeping on if it brings a tenth more.
const WORTH: f64 = 1.1;

/// Decides on the number of connections by what they brought; time is what it is told.
///
/// Each doubling is a trial: what it brought is measured, and it is taken back where that is
/// nothing. Many servers let a new connection burst at first, so a trial may fail for no reason,
/// and another one follows.
#[derive(Debug)]
pub(crate) struct Growth {
    wanted: usize,
    most: usize,
    window: Duration,
    /// Since when, and from how many bytes on, the present number is measured.
    since: Option<(Duration, u64)>,
    /// While a doubling is on trial: bytes per second before it, and the number then.
    trial: Option<(f64, usize)>,
    rest: Duration,
    not_before: Duration,
}

impl Growth {
    /// `answer` is how long the first reply took: a connection cannot be judged sooner.
    pub(crate) fn new(most: usize, answer: Duration) -> Self {
        Self {
            wanted: 1,
            most,
            window: WINDOW.max(answer * 2).min(REST),
            since: None,
            trial: None,
            rest: REST,
            not_before: Duration::ZERO,
        }
    }

    /// How many connections there should be.
    pub(crate) const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Looks at what has come until `now`, over `open` connections.
    pub(crate) fn observe(&mut self, now: Duration, fetched: u64, open: usize) {
        if open != self.wanted || now < self.not_before || self.is_settled() {
            self.since = None;
            return;
        }
        let Some((since, from)) = self.since else {
            self.since = Some((now, fetched));
            return;
        };
        let time = now.saturating_sub(since);
        if time < self.window || fetched == from {
            return;
        }
        let rate = fetched.saturating_sub(from) as f64 / time.as_secs_f64();
        self.since = None;
        match self.trial.take() {
            Some((before, number)) if rate < before * WORTH => {
                self.wanted = number;
                self.pause(now);
            }
            _ => {
                if self.trial.is_none() && self.wanted < self.most {
                    self.trial = Some((rate, self.wanted));
                    self.wanted = (self.wanted * 2).min(self.most);
                }
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.wanted >= self.most && self.trial.is_none()
    }

    fn pause(&mut self, now: Duration) {
        self.not_before = now + self.rest;
        self.rest = (self.rest * 2).min(LONGEST_REST);
    }

    /// The other side failed or asked for quiet: half as many, for a while.
    pub(crate) fn shrink(&mut self, now: Duration) {
        self.wanted = (self.wanted / 2).max(1);
        self.trial = None;
        self.since = None;
        self.pause(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a minute of a source that gives `rate(connections, tick)` bytes per second; answers
    /// in how many of its 600 ticks there were more than `many` connections.
    fn crowded(growth: &mut Growth, many: usize, rate: impl Fn(usize, u64) -> u64) -> usize {
        let mut fetched = 0;
        (0..600)
            .filter(|tick| {
                fetched += rate(growth.wanted(), *tick) / 10;
                growth.observe(Duration::from_millis(tick * 100), fetched, growth.wanted());
                growth.wanted() > many
            })
            .count()
    }

    #[test]
    fn a_source_that_is_slow_by_connection_gets_them_all() {
        let mut growth = Growth::new(16, Duration::ZERO);
        let ticks = crowded(&mut growth, 15, |open, _| 1_000_000 * open as u64);
        assert!(ticks > 580, "{ticks}");
    }

    #[test]
    fn a_burst_at_the_start_does_not_stop_it() {
        let mut growth = Growth::new(16, Duration::ZERO);
        let ticks = crowded(&mut growth, 15, |open, tick| match tick {
            0..10 => 100_000_000,
            _ => 1_000_000 * open as u64,
        });
        assert!(ticks > 550, "{ticks}");
    }

    #[test]
    fn a_link_that_is_full_is_not_crowded() {
        let mut growth = Growth::new(64, Duration::ZERO);
        let ticks = crowded(&mut growth, 2, |open, _| {
            4_000_000.min(2_000_000 * open as u64)
        });
        // Trials of four, ever rarer.
        assert!(ticks < 40, "{ticks}");
        assert_eq!(growth.wanted(), 2);
    }

    #[test]
    fn quiet_is_given_when_asked_for() {
        let mut growth = Growth::new(16, Duration::ZERO);
        crowded(&mut growth, 0, |open, _| 1_000_000 * open as u64);
        growth.shrink(Duration::from_secs(60));
        assert_eq!(growth.wanted(), 8);
        growth.observe(Duration::from_millis(60_500), 1 << 40, 8);
        growth.observe(Duration::from_millis(60_900), 1 << 41, 8);
        assert_eq!(growth.wanted(), 8);
    }

    #[test]
    fn one_connection_stays_one_where_no_more_are_allowed() {
        let mut growth = Growth::new(1, Duration::ZERO);
        assert_eq!(
            crowded(&mut growth, 1, |open, _| 1_000_000 * open as u64),
            0
        );
    }
}
