//! What is told to whoever watches: counts over all runs, at most ten times a second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{Progress, file::control::Counters};

const EVERY: Duration = Duration::from_millis(100);

/// The teller of one pull.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    watchers: &'a watch::Sender<Progress>,
    /// What will be told next.
    pub(crate) now: Progress,
    told: Option<Instant>,
    /// What earlier runs cost.
    pub(crate) before: Counters,
    /// What this run costs; `fetched` is counted by the connections.
    pub(crate) here: Counters,
    pub(crate) fetched: Arc<AtomicU64>,
    /// The most bytes that were ever there at once in this run.
    pub(crate) furthest: u64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(watchers: &'a watch::Sender<Progress>) -> Self {
        Self {
            watchers,
            now: Progress::default(),
            told: None,
            before: Counters::default(),
            here: Counters::default(),
            fetched: Arc::default(),
            furthest: 0,
        }
    }

    /// Bytes that came in this run.
    pub(crate) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }

    /// Counts over all runs.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            fetched: self.before.fetched + self.fetched(),
            links_renewed: self.before.links_renewed + self.here.links_renewed,
            blocks_refetched: self.before.blocks_refetched + self.here.blocks_refetched,
        }
    }

    /// Whether enough time has gone by to tell again.
    pub(crate) fn is_due(&self) -> bool {
        self.told.is_none_or(|told| told.elapsed() >= EVERY)
    }

    pub(crate) fn tell(&mut self) {
        let counters = self.counters();
        self.now.fetched = counters.fetched;
        self.now.links_renewed = counters.links_renewed;
        self.now.blocks_refetched = counters.blocks_refetched;
        self.told = Some(Instant::now());
        self.watchers.send_replace(self.now.clone());
    }
}
