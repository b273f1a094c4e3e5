//! The tail of a pull: nothing is left to hand out, and one slow connection keeps all waiting. It
//! is restarted first; where that does not help, its rest is fetched a second time beside it, into
//! memory, and whoever has it first wins.

use std::{collections::HashMap, ops::Range, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;

use super::Crew;
use crate::{
    answer::Answer,
    connection::{First, From},
    probe::{Asked, Asker, Fault, Reply, whole},
    segments::{LaneId, Work},
};

/// A rest that takes longer than this at its present speed is worth another try.
const SLOW: Duration = Duration::from_millis(1500);

/// A connection is not judged before this age.
const AGE: Duration = Duration::from_secs(1);

/// A connection is slow if it has less than this part of the best one's speed.
const FAIR: f64 = 0.5;

/// While there is other work to hand out, only what is this slow for so long is restarted.
const HOPELESS: f64 = 0.1;
const HOPELESS_AGE: Duration = Duration::from_secs(5);

/// The best speed fades at each look, so that a burst long ago is no measure.
const FADING: f64 = 0.998;

/// A rest that is larger is not fetched into memory.
const MOST: u64 = 8 << 20;

/// Restarts of one rest before it is fetched twice.
const RESTARTS: u32 = 1;

type Fetched = Result<Bytes, Fault>;

/// What is known of the tail.
#[derive(Default)]
pub(super) struct Tail {
    /// The speed of the best connection of late, in bytes per second.
    best: f64,
    /// How often the rest that ends there was tried anew.
    tries: HashMap<u64, u32>,
    /// The second fetch of a rest, and whose rest it is.
    pub(super) hedge: Option<BoxFuture<'static, Fetched>>,
    hedged: Option<(LaneId, Range<u64>)>,
    /// A second fetch that came first; its connection is being ended.
    won: Option<(LaneId, Range<u64>, Bytes)>,
}

/// Work whose bytes are here already.
pub(super) struct Rest {
    pub(super) work: Work,
    pub(super) body: First,
}

impl Tail {
    /// Connections had this speed, in bytes per second.
    pub(super) fn saw(&mut self, speed: f64) {
        self.best = (self.best * FADING).max(speed);
    }
}

impl Crew<'_, '_> {
    pub(super) fn look_at_tail(&mut self) {
        for handle in self.open.values() {
            self.tail.best = self.tail.best.max(handle.speed);
        }
        // Under a limit every connection is slow, and there is no hurry.
        let hurried = self.job.ranged && !self.job.site.limits.are_set();
        if !hurried || self.tail.won.is_some() {
            return;
        }
        let is_tail = !self.job.site.table().segments.has_work();
        let (age, fair) = match is_tail {
            true => (AGE, FAIR),
            false => (HOPELESS_AGE, HOPELESS),
        };
        let slowest = self
            .open
            .iter()
            .filter(|(_, handle)| handle.since.elapsed() >= age)
            .filter(|(_, handle)| handle.speed < self.tail.best * fair)
            .filter_map(|(lane, handle)| {
                let rest = self.job.site.table().segments.left_of(*lane, handle.seen)?;
                let seconds = (rest.end - rest.start) as f64 / handle.speed.max(1.0);
                (seconds > SLOW.as_secs_f64()).then_some((*lane, rest, seconds))
            })
            .max_by(|one, other| one.2.total_cmp(&other.2));
        let Some((lane, rest, _)) = slowest else {
            return;
        };
        let tries = self.tail.tries.entry(rest.end).or_default();
        if *tries < RESTARTS {
            *tries += 1;
            tracing::debug!(?rest, "a slow connection is replaced");
            if let Some(handle) = self.open.get(&lane) {
                handle.stop.cancel();
            }
        } else if is_tail
            && *tries == RESTARTS
            && self.tail.hedge.is_none()
            && rest.end - rest.start <= MOST
        {
            *tries += 1;
            self.begin_hedge(lane, rest);
        }
    }

    fn begin_hedge(&mut self, lane: LaneId, rest: Range<u64>) {
        let hosts = &self.job.parts.hosts;
        let mut room = None;
        let picked = self.sources.pick(|url, _| {
            room = hosts.room(url);
            room.is_some()
        });
        let Some(from) = picked.and_then(|id| self.sources.from(id)) else {
            return;
        };
        tracing::debug!(?rest, "a slow rest is fetched twice");
        let (asker, stall) = (self.job.site.asker.clone(), self.job.site.stall);
        let range = rest.clone();
        self.tail.hedged = Some((lane, rest));
        self.tail.hedge = Some(Box::pin(async move {
            let fetched = fetch(&asker, &from, range, stall).await;
            drop(room);
            fetched
        }));
    }

    /// The second fetch is over: where it came first, the slow connection is ended.
    pub(super) fn hedged(&mut self, fetched: Fetched) {
        self.tail.hedge = None;
        let Some((lane, rest)) = self.tail.hedged.take() else {
            return;
        };
        match (fetched, self.open.get(&lane)) {
            (Ok(bytes), Some(handle)) => {
                handle.stop.cancel();
                self.tail.won = Some((lane, rest, bytes));
            }
            (Err(fault), _) => {
                tracing::debug!(?fault, "the second fetch of a rest failed");
            }
            (Ok(_), None) => {}
        }
    }

    /// `lane` has ended: what was fetched in its place is taken into use, or is of no more use.
    pub(super) fn rest_of(&mut self, lane: LaneId) {
        if self.tail.hedged.as_ref().is_some_and(|(of, _)| *of == lane) {
            (self.tail.hedge, self.tail.hedged) = (None, None);
        }
        let Some((_, range, bytes)) = self.tail.won.take_if(|(of, ..)| *of == lane) else {
            return;
        };
        let next = self.next;
        let Some(work) = self.job.site.table().segments.take_rest(next, &range) else {
            // It has finished after all.
            return;
        };
        // What is used of it is counted as it is written; what was fetched twice, here.
        let skipped = work.start - range.start;
        self.report.fetched.fetch_add(skipped, Ordering::Relaxed);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let body = bytes.slice(skipped.min(bytes.len())..);
        let rest = Rest {
            work,
            body: First {
                body: Answer::from(body),
                start: work.start,
                end: Some(range.end),
            },
        };
        let source = self.sources.first_id();
        if !self.open_lane(source, None, Some(rest)) {
            self.job.site.table().segments.park(next, work.head);
        }
    }
}

async fn fetch(asker: &Asker, from: &From, range: Range<u64>, stall: Duration) -> Fetched {
    let asked = Asked::Range {
        start: range.start,
        end: range.end,
    };
    let reply = asker.ask(&from.url, &from.headers, asked, Some(&from.object));
    match reply.await? {
        Reply::Bytes { body, end, .. } if end == range.end => {
            whole(body, range.end - range.start, stall).await
        }
        Reply::Bytes { .. } => Err(Fault::Wrong(
            "less was offered than was asked for".to_owned(),
        )),
        _ => Err(Fault::RangesIgnored),
    }
}
