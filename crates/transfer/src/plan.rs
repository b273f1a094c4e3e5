//! A limit that follows a plan: slow by day, fast by night, or whatever the caller thinks of.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use longhaul_protocol::Clock;

use crate::Limit;

/// The plan is looked at no less often than this: clocks are set, and machines sleep.
const LOOK: Duration = Duration::from_secs(30);

/// What holds for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Bytes per second; unlimited where absent.
    pub limit: Option<u64>,
    /// When to ask again; where absent, this holds until the plan says otherwise at a later look.
    pub until: Option<Timestamp>,
}

/// Says what limit holds when. A closure from an instant to a [`Span`] is one.
pub trait Plan: Send + Sync {
    /// What holds at `now`.
    fn at(&self, now: Timestamp) -> Span;
}

impl<F: Fn(Timestamp) -> Span + Send + Sync> Plan for F {
    fn at(&self, now: Timestamp) -> Span {
        self(now)
    }
}

impl Limit {
    /// Sets this limit by `plan`, as long as the future is polled: each change at its time, and a
    /// clock that was set or slept through within half a minute.
    pub async fn follow(self, plan: Arc<dyn Plan>, clock: Arc<dyn Clock>) {
        loop {
            let now = clock.now();
            let span = plan.at(now);
            self.set(span.limit);
            let wait = span
                .until
                .and_then(|until| Duration::try_from(until.duration_since(now)).ok())
                .map_or(LOOK, |wait| wait.min(LOOK));
            // A plan whose end is now or past would be asked without a pause.
            tokio::time::sleep(wait.max(Duration::from_millis(10))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, ToSpan as _};
    use longhaul_protocol::ManualClock;

    use super::*;

    /// 1,000 bytes a second in each even hour since the epoch, nothing said in the odd ones.
    fn by_the_hour(now: Timestamp) -> Span {
        let hour = now.as_second().div_euclid(3600);
        let until = Timestamp::from_second((hour + 1) * 3600).ok();
        let limit = (hour % 2 == 0).then_some(1000);
        Span { limit, until }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_changes_at_the_planned_time_and_when_the_clock_is_set() {
        let start = Timestamp::UNIX_EPOCH + 3599.seconds();
        let clock = Arc::new(ManualClock::new(start));
        let limit = Limit::default();
        let follows = tokio::spawn(
            limit
                .clone()
                .follow(Arc::new(by_the_hour), Arc::clone(&clock) as Arc<dyn Clock>),
        );
        let pass = async |seconds: u64| {
            clock.advance(SignedDuration::from_secs(
                i64::try_from(seconds).expect("few"),
            ));
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            tokio::task::yield_now().await;
        };
        tokio::task::yield_now().await;
        assert_eq!(limit.rate(), Some(1000));
        pass(1).await;
        assert_eq!(limit.rate(), None);
        // The clock is set an hour ahead while it waits.
        clock.advance(SignedDuration::from_hours(1));
        pass(30).await;
        assert_eq!(limit.rate(), Some(1000));
        follows.abort();
    }
}
