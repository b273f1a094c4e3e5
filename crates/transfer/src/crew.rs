//! The connections of one pull: how many there are, and what becomes of their failures.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Phase,
    connection::{First, Lane, Site},
    engine::Parts,
    file::{Keeper, control::Record},
    growth::Growth,
    patience::{Patience, in_words},
    probe::Fault,
    renew::{Generation, Links, Renewal},
    report::Report,
    segments::LaneId,
    verify::digest::Trailing,
};

/// How often the crew looks up from its work.
const TICK: Duration = Duration::from_millis(50);

/// Between questions for a fresh link while the old one still brings bytes.
const UNHURRIED: Duration = Duration::from_secs(5);

/// The whole coming for a range this often means that ranges are not to be had.
const RANGES_IGNORED: u32 = 3;

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
    pub(crate) most: usize,
    pub(crate) trailing: Option<&'a Trailing>,
    pub(crate) stop: &'a CancellationToken,
}

/// A connection that ended.
struct Ended {
    lane: LaneId,
    generation: Generation,
    result: Result<(), Fault>,
}

/// What the crew knows of an open connection.
#[derive(Debug, Default)]
struct Handle {
    position: Arc<AtomicU64>,
    leave: Arc<AtomicBool>,
}

pub(crate) struct Crew<'a, 'b> {
    job: Job<'a>,
    links: &'a mut Links,
    patience: &'a mut Patience,
    report: &'a mut Report<'b>,
    growth: Growth,
    begun: Instant,
    lanes: JoinSet<Ended>,
    open: BTreeMap<LaneId, Handle>,
    next: LaneId,
    first: Option<First>,
    pause: Option<Instant>,
    renewal: Option<Renewal>,
    /// The present link was refused.
    refused: bool,
    saving: Option<futures::future::BoxFuture<'static, Result<(), Error>>>,
    ignored: u32,
    damaged: u32,
}

impl<'a, 'b> Crew<'a, 'b> {
    pub(crate) fn new(
        job: Job<'a>,
        links: &'a mut Links,
        patience: &'a mut Patience,
        report: &'a mut Report<'b>,
        first: Option<First>,
        answer: Duration,
    ) -> Self {
        Self {
            growth: Growth::new(job.most, answer),
            damaged: report.here.blocks_refetched,
            job,
            links,
            patience,
            report,
            begun: Instant::now(),
            lanes: JoinSet::new(),
            open: BTreeMap::new(),
            next: 0,
            first,
            pause: None,
            renewal: None,
            refused: false,
            saving: None,
            ignored: 0,
        }
    }

    /// Fetches what is missing. Whatever the end, no connection is left, and what is there is
    /// recorded where that can be of use. Answers how it ended, and how many bytes are kept.
    pub(crate) async fn run(mut self) -> (Result<Outcome, Error>, u64) {
        let mut result = self.work().await;
        self.job.site.stop.cancel();
        while self.lanes.join_next().await.is_some() {}
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
            let due = self.links.due();
            tokio::select! {
                biased;
                () = self.job.stop.cancelled() => return Err(Error::Stopped { kept: 0 }),
                Some(ended) = self.lanes.join_next(), if !self.lanes.is_empty() => {
                    if let Some(outcome) = self.ended(ended)? {
                        return Ok(outcome);
                    }
                }
                link = some(&mut self.renewal) => {
                    self.renewal = None;
                    self.renewed(link)?;
                }
                saved = some(&mut self.saving) => {
                    self.saving = None;
                    saved?;
                }
                () = at(self.pause) => self.pause = None,
                () = at(due), if self.renewal.is_none() => {
                    tracing::debug!("the link is about to run out; it is renewed");
                    self.renewal = Some(self.links.renew());
                }
                _ = tick.tick() => self.look_up(),
            }
        }
    }

    /// Opens connections up to the number that is worth it.
    fn hire(&mut self) {
        // A link that was refused is not used again: the fresh one is on its way.
        if self.pause.is_some() || self.refused {
            return;
        }
        let wanted = if self.job.ranged {
            self.growth.wanted()
        } else {
            1
        };
        while self.lanes.len() < wanted && self.job.site.table().segments.has_work() {
            let url = self.links.link().url.expose().clone();
            // The first is not counted: no pull waits for the end of another.
            let room = match self.lanes.is_empty() {
                true => None,
                false => match self.job.parts.hosts.room(&url) {
                    Some(room) => Some(room),
                    None => return,
                },
            };
            let handle = Handle::default();
            let lane = Lane {
                id: self.next,
                site: Arc::clone(&self.job.site),
                url,
                first: self.first.take(),
                position: Arc::clone(&handle.position),
                leave: Arc::clone(&handle.leave),
            };
            self.open.insert(self.next, handle);
            let (id, generation) = (self.next, self.links.generation());
            self.next += 1;
            self.lanes.spawn(async move {
                let result = lane.run().await;
                drop(room);
                Ended {
                    lane: id,
                    generation,
                    result,
                }
            });
        }
    }

    /// A connection is over: by plan, or by a fault that is cured here.
    fn ended(
        &mut self,
        ended: Result<Ended, tokio::task::JoinError>,
    ) -> Result<Option<Outcome>, Error> {
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Ok(None),
        };
        self.open.remove(&ended.lane);
        let Err(fault) = ended.result else {
            return Ok(None);
        };
        match fault {
            Fault::Stopped => return Ok(None),
            Fault::Fatal(error) => return Err(error),
            Fault::Changed(what) => return Ok(Some(Outcome::Changed(what))),
            fault if !self.job.ranged => return Ok(Some(Outcome::Again(fault))),
            Fault::Expired { status } => self.refused(status, ended.generation)?,
            Fault::RangesIgnored => {
                self.ignored += 1;
                if self.ignored >= RANGES_IGNORED {
                    return Ok(Some(Outcome::RangesIgnored));
                }
                self.failed(Fault::RangesIgnored)?;
            }
            fault => self.failed(fault)?,
        }
        Ok(None)
    }

    fn refused(&mut self, status: u16, generation: Generation) -> Result<(), Error> {
        // Many connections meet the same end of a link: the first asks for all.
        if generation != self.links.generation() || self.refused {
            return Ok(());
        }
        tracing::info!(status, "the link was refused; a fresh one is asked for");
        self.links.refused(status, self.report.fetched())?;
        self.refused = true;
        self.report.now.trouble = Some(in_words(&Fault::Expired { status }));
        // One that is on its way already, because the link was old, will do.
        if self.renewal.is_none() {
            let wait = self.links.wait(self.job.parts.config.backoff);
            self.renew_after(wait);
        }
        Ok(())
    }

    fn renew_after(&mut self, wait: Duration) {
        let renewal = self.links.renew();
        self.renewal = Some(Box::pin(async move {
            tokio::time::sleep(wait).await;
            renewal.await
        }));
    }

    fn renewed(&mut self, link: Result<crate::Link, crate::LinkError>) -> Result<(), Error> {
        match link {
            Ok(link) => {
                self.refused = false;
                self.report.here.links_renewed += 1;
                self.links.install(link, self.report.fetched());
                Ok(())
            }
            // Whoever is still reading by the old link goes on meanwhile.
            Err(error) if error.retryable || !self.lanes.is_empty() => {
                let what = error.message.clone();
                self.report.now.trouble = Some(format!("no fresh link: {what}"));
                let fault = Fault::Fatal(error.into());
                let mut wait = self.patience.failed(fault, self.report.fetched())?;
                if !self.lanes.is_empty() {
                    // Bytes still come, and reset the waits: there is no hurry.
                    wait = wait.max(UNHURRIED);
                }
                self.renew_after(wait);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A failure that another try may cure.
    fn failed(&mut self, fault: Fault) -> Result<(), Error> {
        let words = in_words(&fault);
        let busy = matches!(fault, Fault::Busy { .. });
        let wait = self.patience.failed(fault, self.report.fetched())?;
        tracing::debug!(?wait, "a connection failed: {words}");
        self.report.now.trouble = Some(words);
        if busy || self.patience.failures() > 1 {
            self.growth.shrink(self.begun.elapsed());
        }
        self.pause = Some(
            self.pause
                .unwrap_or_else(Instant::now)
                .max(Instant::now() + wait),
        );
        Ok(())
    }

    /// Measures, tells and records, when it is time for each.
    fn look_up(&mut self) {
        let fetched = self.report.fetched();
        self.growth
            .observe(self.begun.elapsed(), fetched, self.lanes.len());
        // Those that came last leave first; the work that they leave is taken by who stays.
        let wanted = self.growth.wanted();
        for handle in self.open.values().skip(wanted) {
            handle.leave.store(true, Ordering::Relaxed);
        }
        if let Some(trailing) = self.job.trailing {
            trailing.reached(self.job.site.table().segments.frontier());
        }
        if self.report.is_due() {
            self.look();
            let waiting = self.lanes.is_empty();
            self.report.now.phase = match waiting {
                true => Phase::BackingOff,
                false => Phase::Pulling,
            };
            self.report.tell();
        }
        if self.job.ranged && self.saving.is_none() && self.job.keeper.is_due(fetched) {
            let record = self.record();
            self.saving = Some(self.job.keeper.save(record, fetched));
        }
    }

    /// Takes the present state into the next report.
    fn look(&mut self) {
        let positions = self
            .open
            .iter()
            .map(|(lane, open)| (*lane, open.position.load(Ordering::Relaxed)))
            .collect();
        let table = self.job.site.table();
        let (segments, done) = table.view(&positions);
        let now = &mut self.report.now;
        // Once bytes come again, the last trouble is over.
        if done > now.done && self.pause.is_none() && self.renewal.is_none() {
            now.trouble = None;
        }
        now.segments = segments;
        now.done = done;
        now.verified = table.blocks.proven();
        now.connections = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        self.report.here.blocks_refetched = self.damaged + table.blocks.damaged();
    }

    fn record(&self) -> Record {
        let mut record = self.job.record.clone();
        self.job.site.table().note(&mut record);
        record.counters = self.report.counters();
        record
    }
}

/// What a slot's future gives, once there is one.
async fn some<T>(slot: &mut Option<futures::future::BoxFuture<'static, T>>) -> T {
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
