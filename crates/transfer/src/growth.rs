//! How many connections a pull uses: 1, 2, 4 … while more of them bring more bytes.

use std::time::Duration;

/// A rate is taken over no less than this.
const WINDOW: Duration = Duration::from_millis(200);

/// After a doubling that brought nothing, the next trial waits this long, then twice as long.
const REST: Duration = Duration::from_secs(4);
const LONGEST_REST: Duration = Duration::from_secs(64);

/// A doubling is worth keeping on if it brings a tenth more.
const WORTH: f64 = 1.1;

/// Decides on the number of connections by what they brought; time is what it is told.
#[derive(Debug)]
pub(crate) struct Growth {
    wanted: usize,
    most: usize,
    window: Duration,
    /// Since when, and from how many bytes on, the present number is measured.
    since: Option<(Duration, u64)>,
    /// Bytes per second before the last doubling.
    before: f64,
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
            before: 0.0,
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
        if open < self.wanted || now < self.not_before || self.wanted >= self.most {
            self.since = None;
            return;
        }
        let Some((since, from)) = self.since else {
            self.since = Some((now, fetched));
            return;
        };
        let time = now.saturating_sub(since);
        if time < self.window {
            return;
        }
        let rate = fetched.saturating_sub(from) as f64 / time.as_secs_f64();
        self.since = None;
        if rate == 0.0 {
            return;
        }
        if rate >= self.before * WORTH {
            self.before = rate;
            self.wanted = (self.wanted * 2).min(self.most);
            self.rest = REST;
        } else {
            self.before = rate;
            self.not_before = now + self.rest;
            self.rest = (self.rest * 2).min(LONGEST_REST);
        }
    }

    /// The other side failed or asked for quiet: half as many, for a while.
    pub(crate) fn shrink(&mut self, now: Duration) {
        self.wanted = (self.wanted / 2).max(1);
        self.before = 0.0;
        self.since = None;
        self.not_before = now + self.rest;
        self.rest = (self.rest * 2).min(LONGEST_REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a minute of a source that gives `rate(connections)` bytes per second.
    fn after_a_minute(growth: &mut Growth, rate: impl Fn(usize) -> u64) -> usize {
        let mut fetched = 0;
        for tick in 0..600 {
            fetched += rate(growth.wanted()) / 10;
            growth.observe(Duration::from_millis(tick * 100), fetched, growth.wanted());
        }
        growth.wanted()
    }

    #[test]
    fn a_source_that_is_slow_by_connection_gets_them_all() {
        let mut growth = Growth::new(16, Duration::ZERO);
        assert_eq!(
            after_a_minute(&mut growth, |open| 1_000_000 * open as u64),
            16
        );
    }

    #[test]
    fn a_link_that_is_full_is_not_crowded() {
        let mut growth = Growth::new(64, Duration::ZERO);
        assert_eq!(
            after_a_minute(&mut growth, |open| 4_000_000.min(2_000_000 * open as u64)),
            4
        );
    }

    #[test]
    fn quiet_is_given_when_asked_for() {
        let mut growth = Growth::new(16, Duration::ZERO);
        after_a_minute(&mut growth, |open| 1_000_000 * open as u64);
        growth.shrink(Duration::from_secs(60));
        assert_eq!(growth.wanted(), 8);
        growth.observe(Duration::from_secs(61), 1 << 40, 8);
        assert_eq!(growth.wanted(), 8);
    }

    #[test]
    fn one_connection_stays_one_where_no_more_are_allowed() {
        let mut growth = Growth::new(1, Duration::ZERO);
        assert_eq!(
            after_a_minute(&mut growth, |open| 1_000_000 * open as u64),
            1
        );
    }
}
