//! When a polite client should come back: soon where the end is near, later where it is far.
//!
//! A fixed number makes a thousand waiting clients ask a thousand times too often, or one that is
//! almost there wait too long.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;
use longhaul_protocol::{JobView, POLL_INTERVAL};

use super::{Api, problem::seconds};
use crate::queue::{JobRecord, JobState};

const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(10);
/// Of what is left, a client sleeps through this share: it sees about a dozen steps of the way.
const STEPS: u32 = 12;
/// So many jobs for each worker ahead make a client wait a second longer.
const JOBS_A_SECOND: u64 = 10;

impl Api {
    /// How long until a look at this job is worth it; none once it has ended.
    pub(super) fn come_back(
        &self,
        job: &JobRecord,
        view: &JobView,
        now: Timestamp,
    ) -> Option<Duration> {
        match &job.state {
            JobState::Pending { not_before, .. } if *not_before > now => {
                Some(until(now, *not_before).clamp(SOONEST, LATEST))
            }
            JobState::Pending { .. } => {
                Some(behind(view.queue_position.unwrap_or(0), self.workers))
            }
            JobState::Processing { lease, .. } => Some(under_way(lease.since, now, view.progress)),
            JobState::Completed { .. } | JobState::Failed { .. } => None,
        }
    }
}

/// Behind so many others.
fn behind(ahead: u64, workers: u64) -> Duration {
    let longer = ahead / JOBS_A_SECOND.saturating_mul(workers.max(1));
    (POLL_INTERVAL + Duration::from_secs(longer)).min(LATEST)
}

/// Begun then, and so many percent now.
fn under_way(begun: Timestamp, now: Timestamp, percent: u8) -> Duration {
    if percent == 0 {
        return POLL_INTERVAL;
    }
    let passed = until(begun, now);
    let left = passed * u32::from(100 - percent.min(100)) / u32::from(percent);
    (left / STEPS).clamp(SOONEST, LATEST)
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

/// An answer that says when to come back, where that is worth anything.
pub(super) fn paced(wait: Option<Duration>, answer: impl IntoResponse) -> Response {
    match wait {
        Some(wait) => ([(header::RETRY_AFTER, seconds(wait))], answer).into_response(),
        None => answer.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deeper_in_the_queue_the_later_and_never_beyond_ten_seconds() {
        let waits = [0, 19, 20, 60, 160, 1_000_000].map(|ahead| behind(ahead, 2).as_secs());
        assert_eq!(waits, [2, 2, 3, 5, 10, 10]);
        assert_eq!(behind(u64::MAX, 0), LATEST);
    }

    #[test]
    fn the_nearer_to_the_end_the_sooner() {
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let wait = |passed, percent| under_way(at(0), at(passed), percent).as_secs();
        assert_eq!(wait(100, 0), 2, "nothing is known yet");
        assert_eq!(wait(60, 50), 5, "a minute is left");
        assert_eq!(wait(60, 10), 10, "nine minutes are left");
        assert_eq!(wait(594, 99), 1, "six seconds are left");
        assert_eq!(wait(10, 200), 1);
        assert_eq!(
            under_way(at(9), at(0), 5),
            SOONEST,
            "a clock that was set back"
        );
    }
}
