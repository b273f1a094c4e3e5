//! How many connections a pull uses: one (several from afar), then twice as many, as long as more of
//! them bring more bytes.

use std::time::Duration;

/// A rate is taken over no less than this.
const WINDOW: Duration = Duration::from_millis(100);
const LONGEST_WINDOW: Duration = Duration::from_secs(1);

/// After a doubling that brought nothing, the next trial waits this long, then twice as long.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(64);

/// A doubling is worth keeping on if it brings a tenth more.
const WORTH: f64 = 1.1;

/// Windows that a doubling has to show its worth in: one may be bad luck.
const TRIES: u32 = 2;

/// A line that brought this part of what it has brought at its best is idle: it is the other side
/// that holds its connections back.
const IDLE: f64 = 0.1;

/// Silence later than this is no part of a beginning, but of trouble.
const BEGINNING: Duration = Duration::from_secs(5);

/// The best rate fades at each look.
const FADING: f64 = 0.99;

/// A reply that takes this long comes from afar: a connection is held back by its window.
const FAR: Duration = Duration::from_millis(15);

const MIB: u64 = 1 << 20;

/// From afar a pull begins with a connection for each of so many bytes, up to this number.
const WORTH_ONE: u64 = 16 * MIB;
const MOST_AT_FIRST: usize = 16;

/// Decides on the number of connections by what they brought; time is what it is told.
///
/// Each doubling is a trial: what it brought is measured, and it is taken back where that is
/// nothing. Many servers let a new connection burst at first, so a trial may fail for no reason,
/// and another one follows. At the beginning a line that falls silent after a burst shows that it
/// is not what holds the bytes back: then more connections are opened at once.
#[derive(Debug)]
pub(crate) struct Growth {
    wanted: usize,
    most: usize,
    window: Duration,
    /// Since when, and from how many bytes on, the present number is measured.
    since: Option<(Duration, u64)>,
    /// While a doubling is on trial: bytes per second before it, the number then, and windows that
    /// it failed.
    trial: Option<(f64, usize, u32)>,
    rest: Duration,
    not_before: Duration,
    /// The last look: when, and how many bytes had come.
    looked: (Duration, u64),
    /// Bytes per second of the best look.
    peak: f64,
    grown: Duration,
}

impl Growth {
    /// `answer` is how long the first reply took: a connection cannot be judged sooner. `size` is
    /// of what is to come, where known.
    pub(crate) fn new(most: usize, answer: Duration, size: Option<u64>) -> Self {
        Self {
            wanted: at_first(answer, size).min(most),
            most,
            window: WINDOW.max(answer).min(LONGEST_WINDOW),
            since: None,
            trial: None,
            rest: REST,
            not_before: Duration::ZERO,
            looked: (Duration::ZERO, 0),
            peak: 0.0,
            grown: Duration::ZERO,
        }
    }

    /// How many connections there should be.
    pub(crate) const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Whether the last of the connections have still to show their worth.
    pub(crate) const fn is_trying(&self) -> bool {
        self.trial.is_some()
    }

    /// Looks at what has come until `now`, over `open` connections; `held_back` says that it is we
    /// who take no more, by a limit or a disk that stalls.
    pub(crate) fn observe(&mut self, now: Duration, fetched: u64, open: usize, held_back: bool) {
        let idle = self.is_idle(now, fetched);
        if open != self.wanted || self.is_settled() {
            self.since = None;
            return;
        }
        if idle && !held_back && now < BEGINNING && now >= self.grown + self.window {
            self.trial = None;
            self.grow(now);
            return;
        }
        if now < self.not_before {
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
            Some((before, number, failed)) if rate < before * WORTH => {
                if failed + 1 < TRIES {
                    self.trial = Some((before, number, failed + 1));
                } else {
                    self.wanted = number;
                    self.pause(now);
                }
            }
            _ if self.wanted < self.most => {
                self.trial = Some((rate, self.wanted, 0));
                self.grow(now);
            }
            _ => {}
        }
    }

    fn grow(&mut self, now: Duration) {
        self.wanted = (self.wanted * 2).min(self.most);
        self.grown = now;
        self.since = None;
    }

    /// Whether next to nothing came since the last look, over a line that has brought much.
    fn is_idle(&mut self, now: Duration, fetched: u64) -> bool {
        let (at, before) = self.looked;
        let time = now.saturating_sub(at).as_secs_f64();
        if time == 0.0 {
            return false;
        }
        let rate = fetched.saturating_sub(before) as f64 / time;
        self.looked = (now, fetched);
        self.peak = (self.peak * FADING).max(rate);
        rate < self.peak * IDLE
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
        // What it asked for is no idleness.
        self.peak = 0.0;
        self.pause(now);
    }
}

/// The number to begin with. From afar each round of growth takes several replies' time, in which
/// a short pull would be over: then it is what a full line is likely to need.
fn at_first(answer: Duration, size: Option<u64>) -> usize {
    if answer < FAR {
        return 1;
    }
    let worth = size.unwrap_or_default() / WORTH_ONE;
    usize::try_from(worth).map_or(MOST_AT_FIRST, |worth| worth.clamp(1, MOST_AT_FIRST))
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
                let open = growth.wanted();
                growth.observe(Duration::from_millis(tick * 100), fetched, open, false);
                growth.wanted() > many
            })
            .count()
    }

    #[test]
    fn a_source_that_is_slow_by_connection_gets_them_all() {
        let mut growth = Growth::new(16, Duration::ZERO, None);
        let ticks = crowded(&mut growth, 15, |open, _| 1_000_000 * open as u64);
        assert!(ticks > 580, "{ticks}");
    }

    #[test]
    fn a_burst_at_the_start_does_not_stop_it() {
        let mut growth = Growth::new(16, Duration::ZERO, None);
        let ticks = crowded(&mut growth, 15, |open, tick| match tick {
            0..10 => 100_000_000,
            _ => 1_000_000 * open as u64,
        });
        assert!(ticks > 550, "{ticks}");
    }

    #[test]
    fn a_link_that_is_full_is_not_crowded() {
        let mut growth = Growth::new(64, Duration::ZERO, None);
        let ticks = crowded(&mut growth, 2, |open, _| {
            4_000_000.min(2_000_000 * open as u64)
        });
        // Trials of four, ever rarer.
        assert!(ticks < 40, "{ticks}");
        assert_eq!(growth.wanted(), 2);
    }

    #[test]
    fn quiet_is_given_when_asked_for() {
        let mut growth = Growth::new(16, Duration::ZERO, None);
        crowded(&mut growth, 0, |open, _| 1_000_000 * open as u64);
        growth.shrink(Duration::from_secs(60));
        assert_eq!(growth.wanted(), 8);
        growth.observe(Duration::from_millis(60_500), 1 << 40, 8, false);
        growth.observe(Duration::from_millis(60_900), 1 << 41, 8, false);
        assert_eq!(growth.wanted(), 8);
    }

    #[test]
    fn one_connection_stays_one_where_no_more_are_allowed() {
        let mut growth = Growth::new(1, Duration::ZERO, None);
        assert_eq!(
            crowded(&mut growth, 1, |open, _| 1_000_000 * open as u64),
            0
        );
    }

    #[test]
    fn a_line_that_falls_silent_after_a_burst_gets_more_at_once() {
        let burst = |held_back| {
            let mut growth = Growth::new(64, Duration::ZERO, None);
            // Each new connection brings five million bytes at once, and then nothing for a second.
            let (mut fetched, mut open) = (0, 0);
            for tick in 1..20 {
                fetched += 5_000_000 * (growth.wanted() - open) as u64;
                open = growth.wanted();
                growth.observe(Duration::from_millis(tick * 50), fetched, open, held_back);
            }
            growth.wanted()
        };
        assert_eq!(burst(false), 64);
        assert!(burst(true) < 8, "{}", burst(true));
    }

    #[test]
    fn a_large_file_from_afar_begins_with_several() {
        let first = |answer, size| Growth::new(16, Duration::from_millis(answer), size).wanted();
        assert_eq!(first(1, None), 1);
        assert_eq!(first(1, Some(MIB)), 1);
        assert_eq!(first(1, Some(1 << 40)), 1);
        assert_eq!(first(100, Some(16 * MIB)), 1);
        assert_eq!(first(100, Some(64 * MIB)), 4);
        assert_eq!(first(100, Some(1 << 40)), 16);
        assert_eq!(Growth::new(2, FAR, Some(1 << 30)).wanted(), 2);
    }
}
