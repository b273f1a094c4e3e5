//! Asking the server how the jobs are: one request at a time, at a pace that it can live with.
//!
//! [`Pace`] is the whole of the rhythm and pure: the seed's 2 s, the server's `Retry-After`, and
//! after five failures in a row "offline" with exponential backoff to 60 s. [`ask`] is one poll.

use std::time::Duration;

use longhaul_protocol::{JobId, JobView};
use rand::{Rng, RngExt};
use tokio::time::Instant;

use crate::api::{Api, ApiError, MAX_IDS};

/// Failures in a row until the user is told (seed).
pub(crate) const FAILURES_UNTIL_OFFLINE: u32 = 5;
/// The longest wait between two tries while offline (seed).
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// How long the server may hold the answer for a single job; contract: up to 25 s.
const WAIT_SECONDS: u8 = 20;
/// After an answer that the server held back until something changed, the next question may
/// follow at once; this keeps a server that never holds back from being asked in a tight loop.
const AFTER_WAIT: Duration = Duration::from_millis(250);

/// When the server may be asked next, and how the last questions went.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    failures: u32,
    due: Instant,
    /// Of the last failure: its code, and what happened.
    reason: (&'static str, String),
    met: bool,
    last_failure: Option<Instant>,
    /// The server asked for peace until `due`.
    told_to_wait: bool,
}

impl Pace {
    /// Nothing asked yet; the first question is due now, and the usual wait is `interval`.
    pub(crate) fn new(now: Instant, interval: Duration) -> Self {
        Self {
            interval,
            failures: 0,
            due: now,
            reason: ("unknown", String::new()),
            met: false,
            last_failure: None,
            told_to_wait: false,
        }
    }

    /// When the next question is due.
    pub(crate) const fn due(&self) -> Instant {
        self.due
    }

    /// Whether the last question was answered.
    pub(crate) const fn is_well(&self) -> bool {
        self.failures == 0
    }

    /// Whether any question was ever answered.
    pub(crate) const fn has_met(&self) -> bool {
        self.met
    }

    /// Why the user must be told that the server is away, once that is so: a code, and what happened.
    pub(crate) fn offline(&self) -> Option<(&'static str, &str)> {
        let (code, reason) = &self.reason;
        (self.failures >= FAILURES_UNTIL_OFFLINE).then_some((*code, reason.as_str()))
    }

    /// A poll was answered.
    pub(crate) fn answered(&mut self, now: Instant, waited: bool, retry_after: Option<Duration>) {
        self.failures = 0;
        self.met = true;
        self.told_to_wait = false;
        // Retry-After on a 200 speaks to those who do not let the server hold the answer.
        self.due = now
            + if waited {
                AFTER_WAIT.min(self.interval)
            } else {
                retry_after.map_or(self.interval, |after| after.clamp(AFTER_WAIT, MAX_BACKOFF))
            };
    }

    /// Some other call was answered: the server is there, so a poll that was put off comes back.
    pub(crate) fn seen(&mut self, now: Instant) {
        if self.failures > 0 {
            self.due = now;
        }
        self.failures = 0;
        self.met = true;
    }

    /// A call that went out at `began` failed. Calls that were under way together fail once.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        began: Instant,
        error: &ApiError,
        random: &mut impl Rng,
    ) {
        if let ApiError::Busy { retry_after, .. } = error {
            // It is there, and says when: no step towards "offline".
            self.met = true;
            self.failures = 0;
            self.told_to_wait = true;
            self.due = now
                + retry_after
                    .unwrap_or(self.interval)
                    .max(AFTER_WAIT.min(self.interval));
            return;
        }
        if self.last_failure.is_some_and(|last| began < last) {
            return;
        }
        self.last_failure = Some(now);
        self.failures = match error.is_locked_out() {
            // No outage that may pass by itself: there is nothing to wait for before it is told.
            true => self.failures.max(FAILURES_UNTIL_OFFLINE - 1) + 1,
            false => self.failures.saturating_add(1),
        };
        self.reason = (error.code(), error.to_string());
        self.due = now + backoff(self.interval, self.failures, random);
    }

    /// The way may be free again (the network came back, the user asked): ask at once.
    pub(crate) fn poke(&mut self, now: Instant) {
        self.due = now;
        self.told_to_wait = false;
    }

    /// There is something new to ask after: not later than `at`, unless the server asked for peace.
    pub(crate) fn hurry(&mut self, at: Instant) {
        if !self.told_to_wait && self.failures == 0 {
            self.due = self.due.min(at);
        }
    }
}

/// The wait after so many failures in a row: the usual interval until the user is told, then
/// doubled each time up to a minute, with jitter so that a fleet does not return in step.
fn backoff(interval: Duration, failures: u32, random: &mut impl Rng) -> Duration {
    if failures < FAILURES_UNTIL_OFFLINE {
        return interval;
    }
    let doublings = (failures - FAILURES_UNTIL_OFFLINE + 1).min(10);
    let full = (interval * 2u32.pow(doublings)).min(MAX_BACKOFF);
    full.mul_f64(random.random_range(0.5..=1.0))
}

/// What the server said about the jobs asked for.
#[derive(Debug)]
pub(crate) struct Polled {
    pub(crate) jobs: Vec<JobView>,
    pub(crate) missing: Vec<JobId>,
    /// Whether the server was let to hold its answer.
    pub(crate) waited: bool,
    pub(crate) retry_after: Option<Duration>,
}

/// One poll: all of `ids` in one request (as many as needed beyond 200, one after the other), or a
/// held one for a single job. Without ids it only asks whether the server knows us.
pub(crate) async fn ask(api: &Api, ids: &[JobId]) -> Result<Polled, ApiError> {
    let mut polled = Polled {
        jobs: Vec::with_capacity(ids.len()),
        missing: Vec::new(),
        waited: false,
        retry_after: None,
    };
    match ids {
        [] => {
            api.own_jobs(1).await?;
        }
        [id] => {
            polled.waited = true;
            match api.job(*id, Some(WAIT_SECONDS)).await {
                Ok(answer) => {
                    polled.retry_after = answer.retry_after;
                    polled.jobs.push(answer.body);
                }
                Err(error) if is_unknown_job(&error) => polled.missing.push(*id),
                Err(error) => return Err(error),
            }
        }
        many => {
            for chunk in many.chunks(MAX_IDS) {
                let answer = api.jobs(chunk).await?;
                // The soonest of them: the others are then asked a little early, and none late.
                let both = [polled.retry_after, answer.retry_after];
                polled.retry_after = both.into_iter().flatten().min();
                polled.jobs.extend(answer.body.jobs);
                polled.missing.extend(answer.body.missing);
            }
        }
    }
    Ok(polled)
}

/// Whether the server says that it does not know the job (any more).
pub(crate) fn is_unknown_job(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(problem)
        if problem.code == longhaul_protocol::ProblemCode::UnknownJob)
}

#[cfg(test)]
mod tests {
    use longhaul_protocol::{POLL_INTERVAL, Problem, ProblemCode};
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn away() -> ApiError {
        ApiError::Unreachable {
            reason: "connection refused".into(),
        }
    }

    #[test]
    fn five_failures_in_a_row_are_offline_and_one_answer_is_not() {
        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(7);
        let mut pace = Pace::new(start, POLL_INTERVAL);
        for _ in 0..4 {
            pace.failed(start, start, &away(), &mut random);
            assert_eq!(pace.offline(), None);
            assert_eq!(pace.due(), start + POLL_INTERVAL);
        }
        pace.failed(start, start, &away(), &mut random);
        assert!(
            pace.offline()
                .is_some_and(|(code, why)| code == "unreachable" && why.contains("refused"))
        );
        pace.answered(start, false, None);
        assert_eq!(pace.offline(), None);
        assert_eq!(pace.due(), start + POLL_INTERVAL);
    }

    #[test]
    fn the_wait_doubles_to_a_minute_and_is_never_the_same_for_all() {
        let mut random = StdRng::seed_from_u64(7);
        let mut longest = Duration::ZERO;
        for failures in 5..200 {
            let wait = backoff(POLL_INTERVAL, failures, &mut random);
            assert!(wait >= POLL_INTERVAL && wait <= MAX_BACKOFF, "{wait:?}");
            longest = longest.max(wait);
        }
        assert!(longest > Duration::from_secs(50));
        let first: Vec<_> = (0..5)
            .map(|_| backoff(POLL_INTERVAL, 9, &mut random))
            .collect();
        assert!(first.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_server_that_asks_to_wait_is_waited_for_and_is_not_offline() {
        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(7);
        let mut pace = Pace::new(start, POLL_INTERVAL);
        let busy = ApiError::Busy {
            problem: Box::new(Problem::new(ProblemCode::RateLimited, "slowly")),
            retry_after: Some(Duration::from_secs(17)),
        };
        for _ in 0..9 {
            pace.failed(start, start, &busy, &mut random);
        }
        assert_eq!(pace.offline(), None);
        assert_eq!(pace.due(), start + Duration::from_secs(17));
    }

    #[test]
    fn a_token_that_is_refused_is_told_at_once() {
        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(7);
        let mut pace = Pace::new(start, POLL_INTERVAL);
        let problem = Problem::new(ProblemCode::Unauthorized, "no valid token");
        let refused = ApiError::Refused(Box::new(problem));
        pace.failed(start, start, &refused, &mut random);
        assert_eq!(pace.offline(), Some(("unauthorized", "no valid token")));
        assert!(pace.due() >= start + POLL_INTERVAL);
    }

    #[test]
    fn any_answer_brings_a_poll_back_that_was_put_off() {
        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(7);
        let mut pace = Pace::new(start, POLL_INTERVAL);
        for _ in 0..8 {
            pace.failed(start, start, &away(), &mut random);
        }
        assert!(pace.due() > start);
        pace.seen(start);
        assert_eq!((pace.due(), pace.is_well()), (start, true));
        // And does not hurry one that is in its rhythm.
        pace.answered(start, false, None);
        pace.seen(start);
        assert_eq!(pace.due(), start + POLL_INTERVAL);
    }
}
