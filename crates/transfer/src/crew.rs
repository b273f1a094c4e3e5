//! The connections of one pull: how many there are, to which sources, and what becomes of their
//! failures.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::OwnedSemaphorePermit,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Link, LinkError,
    connection::{First, Lane, Site},
    engine::Parts,
    file::{Keeper, control::Record},
    growth::Growth,
    introduce::Introduced,
    probe::Fault,
    renew::Generation,
    report::Report,
    segments::LaneId,
    source::{SourceId, Sources},
    verify::digest::Trailing,
};

use self::tail::{Rest, Tail};

mod faults;
mod look;
mod mirrors;
mod tail;

/// How often the crew looks up from its work.
const TICK: Duration = Duration::from_millis(50);

/// How the crew's work ended, if not in an error.
#[derive(Debug)]
pub(crate) enum Outcome {
    Complete,
    /// The object is another one; what is there is of no use.
    Changed(String),
    /// Ranges are not to be had after all: everything in one stream.
    RangesIgnored,
    /// A stream broke off: again from the first byte, after this wait.
    Again(Fault),
}

/// What the crew works on.
pub(crate) struct Job<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) site: Arc<Site>,
    pub(crate) record: Record,
    pub(crate) keeper: Keeper,
    /// Whether segments may be asked for: without, one stream is all there is.
    pub(crate) ranged: bool,
    /// Whether each block is proven, so that a mirror need not be.
    pub(crate) proven: bool,
    pub(crate) most: usize,
    pub(crate) trailing: Option<&'a Trailing>,
    pub(crate) stop: &'a CancellationToken,
}

/// A connection that ended.
struct Ended {
    lane: LaneId,
    source: SourceId,
    generation: Generation,
    result: Result<(), Fault>,
}

/// What the crew knows of an open connection.
#[derive(Debug)]
struct Handle {
    source: SourceId,
    position: Arc<AtomicU64>,
    leave: Arc<AtomicBool>,
    stop: CancellationToken,
    since: Instant,
    /// Where it was at the last look.
    seen: u64,
    /// Bytes per second.
    speed: f64,
}

type Renewed = (SourceId, Result<Link, LinkError>);

pub(crate) struct Crew<'a, 'b> {
    job: Job<'a>,
    sources: &'a mut Sources,
    report: &'a mut Report<'b>,
    growth: Growth,
    begun: Instant,
    looked: Instant,
    /// When a connection last moved to a faster source.
    moved: Instant,
    lanes: JoinSet<Ended>,
    open: BTreeMap<LaneId, Handle>,
    next: LaneId,
    first: Option<First>,
    renewals: FuturesUnordered<BoxFuture<'static, Renewed>>,
    introductions: FuturesUnordered<BoxFuture<'static, Introduced>>,
    saving: Option<BoxFuture<'static, Result<(), Error>>>,
    damaged: u32,
    tail: Tail,
}

impl<'a, 'b> Crew<'a, 'b> {
    pub(crate) fn new(
        job: Job<'a>,
        sources: &'a mut Sources,
        report: &'a mut Report<'b>,
        first: Option<First>,
        answer: Duration,
    ) -> Self {
        Self {
            growth: Growth::new(job.most, answer, job.site.object.size),
            damaged: report.here.blocks_refetched,
            job,
            sources,
            report,
            begun: Instant::now(),
            looked: Instant::now(),
            moved: Instant::now(),
            lanes: JoinSet::new(),
            open: BTreeMap::new(),
            next: 0,
            first,
            renewals: FuturesUnordered::new(),
            introductions: FuturesUnordered::new(),
            saving: None,
            tail: Tail::default(),
        }
    }

    /// Fetches what is missing. Whatever the end, no connection is left, and what is there is
    /// recorded where that can be of use. Answers how it ended, and how many bytes are kept.
    pub(crate) async fn run(mut self) -> (Result<Outcome, Error>, u64) {
        let mut result = self.work().await;
        self.job.site.stop.cancel();
        while self.lanes.join_next().await.is_some() {}
        self.sources.rest();
        if let Some(saving) = self.saving.take()
            && let Err(error) = saving.await
        {
            result = result.and(Err(error));
        }
        self.open.clear();
        self.look();
        let kept = if self.job.ranged {
            self.report.now.done
        } else {
            0
        };
        if self.job.ranged && result.is_err() {
            let record = self.record();
            let fetched = self.report.fetched();
            if let Err(error) = self.job.keeper.save(record, fetched).await {
                tracing::warn!(%error, "what came last may not have reached the disk");
            }
        }
        (result, kept)
    }

    async fn work(&mut self) -> Result<Outcome, Error> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // The last connection may still be paying for its last chunk under a limit.
            if self.lanes.is_empty() && self.job.site.table().segments.is_complete() {
                return Ok(Outcome::Complete);
            }
            self.hire();
            if self.is_stranded() {
                let why = "the source is gone, and nothing is there to know its mirrors by";
                return Ok(Outcome::Again(Fault::Network(why.to_owned())));
            }
            let (pause, due) = (self.sources.pause(), self.sources.due());
            tokio::select! {
                biased;
                () = self.job.stop.cancelled() => return Err(Error::Stopped { kept: 0 }),
                Some(ended) = self.lanes.join_next(), if !self.lanes.is_empty() => {
                    if let Some(outcome) = self.ended(ended)? {
                        return Ok(outcome);
                    }
                }
                Some((id, link)) = self.renewals.next(), if !self.renewals.is_empty() => {
                    self.renewed(id, link)?;
                }
                Some(mirror) = self.introductions.next(), if !self.introductions.is_empty() => {
                    self.introduced(mirror)?;
                }
                saved = some(&mut self.saving) => {
                    self.saving = None;
                    saved?;
                }
                bytes = some(&mut self.tail.hedge) => self.hedged(bytes),
                () = at(pause) => self.wake(),
                () = at(due) => self.renew_due(),
                _ = tick.tick() => self.look_up(),
            }
        }
    }

    /// Opens connections up to the number that is worth it.
    fn hire(&mut self) {
        let wanted = match self.job.ranged {
            true => self.growth.wanted(),
            false => 1,
        };
        while self.lanes.len() < wanted && self.job.site.table().segments.has_work() {
            let mut room = None;
            let hosts = &self.job.parts.hosts;
            let alone = self.lanes.is_empty();
            let picked = self.sources.pick(|url, lanes| {
                // The first of a pull is not counted: no pull waits for the end of another.
                if alone && lanes == 0 {
                    return true;
                }
                room = hosts.room(url);
                room.is_some()
            });
            let Some(source) = picked else { return };
            if !self.open_lane(source, room, None) {
                return;
            }
        }
    }

    /// Opens a connection to `source`, for `rest` where that is given. Answers whether it could.
    fn open_lane(
        &mut self,
        source: SourceId,
        room: Option<OwnedSemaphorePermit>,
        rest: Option<Rest>,
    ) -> bool {
        let Some(from) = self.sources.from(source) else {
            return false;
        };
        let first = match (&rest, source == self.sources.first_id()) {
            (None, true) => self.first.take(),
            _ => None,
        };
        // Its work is taken here and now: the first reply is of the file's beginning, and another
        // connection must not be quicker to take that.
        let (work, first) = match rest {
            Some(rest) => (Some(rest.work), Some(rest.body)),
            None => (self.job.site.table().take(self.next), first),
        };
        let handle = Handle {
            source,
            position: Arc::default(),
            leave: Arc::default(),
            stop: self.job.site.stop.child_token(),
            since: Instant::now(),
            seen: 0,
            speed: 0.0,
        };
        let lane = Lane {
            id: self.next,
            site: Arc::clone(&self.job.site),
            from,
            work,
            first,
            position: Arc::clone(&handle.position),
            leave: Arc::clone(&handle.leave),
            stop: handle.stop.clone(),
        };
        let found = self.sources.get(source);
        found.lanes += 1;
        let (id, generation) = (self.next, found.generation());
        self.open.insert(id, handle);
        self.next += 1;
        self.lanes.spawn(async move {
            let result = lane.run().await;
            drop(room);
            Ended {
                lane: id,
                source,
                generation,
                result,
            }
        });
        true
    }
}

/// What a slot's future gives, once there is one.
async fn some<T>(slot: &mut Option<BoxFuture<'static, T>>) -> T {
    match slot {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
