//! One stream of changes for the window, the terminal and the notifier: batched, and never lost.
//!
//! A subscriber that does not keep up is not sent more: what changed meanwhile is remembered for
//! it as row ids, and told in one batch with the rows as they then are. So a slow reader costs at
//! most one id for each row, and misses nothing but the states in between.

use std::{
    collections::HashSet,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::Stream;
use longhaul_protocol::DownloadId;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    servers::ServerView,
    view::{ClientEvent, DownloadView, Notice, ServerLink, Totals},
};

/// The shortest time between two batches: at most four a second.
pub(crate) const BATCH: Duration = Duration::from_millis(250);
/// Batches that wait for a subscriber; beyond this they are merged.
const WAITING: usize = 2;
const MAX_NOTICES: usize = 100;

/// Changes from the moment of the subscription on; ends when the manager shuts down.
#[derive(Debug)]
pub struct Subscription {
    events: mpsc::Receiver<ClientEvent>,
}

impl Subscription {
    /// The next batch; none once the manager has shut down. Cancellation safe.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        self.events.recv().await
    }
}

impl Stream for Subscription {
    type Item = ClientEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        self.events.poll_recv(context)
    }
}

/// Everybody who listens, and what each has not been told yet.
#[derive(Debug)]
pub(crate) struct Hub {
    listeners: Vec<Listener>,
    next_batch: Instant,
}

#[derive(Debug)]
struct Listener {
    events: mpsc::Sender<ClientEvent>,
    changed: HashSet<DownloadId>,
    removed: HashSet<DownloadId>,
    notices: Vec<Notice>,
    link_changed: bool,
}

impl Listener {
    fn has_news(&self) -> bool {
        !self.changed.is_empty()
            || !self.removed.is_empty()
            || !self.notices.is_empty()
            || self.link_changed
    }
}

impl Hub {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            listeners: Vec::new(),
            next_batch: now,
        }
    }

    pub(crate) fn subscribe(&mut self) -> Subscription {
        let (sender, events) = mpsc::channel(WAITING);
        self.listeners.push(Listener {
            events: sender,
            changed: HashSet::new(),
            removed: HashSet::new(),
            notices: Vec::new(),
            link_changed: false,
        });
        Subscription { events }
    }

    pub(crate) fn changed(&mut self, id: DownloadId) {
        for listener in &mut self.listeners {
            listener.changed.insert(id);
        }
    }

    pub(crate) fn removed(&mut self, id: DownloadId) {
        for listener in &mut self.listeners {
            listener.changed.remove(&id);
            listener.removed.insert(id);
        }
    }

    /// A row is back that was told to be gone, or was about to.
    pub(crate) fn restored(&mut self, id: DownloadId) {
        for listener in &mut self.listeners {
            listener.removed.remove(&id);
            listener.changed.insert(id);
        }
    }

    pub(crate) fn notice(&mut self, notice: &Notice) {
        for listener in &mut self.listeners {
            if listener.notices.len() < MAX_NOTICES {
                listener.notices.push(notice.clone());
            }
        }
    }

    pub(crate) fn link_changed(&mut self) {
        for listener in &mut self.listeners {
            listener.link_changed = true;
        }
    }

    /// When the next batch may go out; none while there is nothing to tell.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.listeners
            .iter()
            .any(Listener::has_news)
            .then_some(self.next_batch)
    }

    /// Sends what is due; answers whether anything was tried.
    pub(crate) fn flush(
        &mut self,
        now: Instant,
        totals: &Totals,
        server: &ServerLink,
        servers: &[ServerView],
        mut view: impl FnMut(DownloadId) -> Option<DownloadView>,
    ) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        self.next_batch = now + BATCH;
        self.listeners
            .retain(|listener| !listener.events.is_closed());
        for listener in &mut self.listeners {
            if !listener.has_news() {
                continue;
            }
            let Ok(place) = listener.events.try_reserve() else {
                continue;
            };
            let mut changed: Vec<_> = listener.changed.drain().filter_map(&mut view).collect();
            // As they were added, also those of one paste.
            changed.sort_by_key(|row| (row.added_at, row.place));
            listener.link_changed = false;
            place.send(ClientEvent {
                changed,
                removed: listener.removed.drain().collect(),
                totals: totals.clone(),
                server: server.clone(),
                servers: servers.to_vec(),
                notices: std::mem::take(&mut listener.notices),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        Totals::default()
    }

    #[test]
    fn a_reader_that_sleeps_is_told_everything_in_one_batch_when_it_wakes() {
        let mut now = Instant::now();
        let mut hub = Hub::new(now);
        let mut reader = hub.subscribe();
        let mut gone = Vec::new();
        for _ in 0..1000 {
            let id = DownloadId::random();
            hub.removed(id);
            gone.push(id);
            now += BATCH;
            hub.flush(now, &totals(), &ServerLink::Connecting, &[], |_| None);
        }
        let mut told = HashSet::new();
        let mut batches = 0;
        for _ in 0..2 {
            while let Ok(event) = reader.events.try_recv() {
                told.extend(event.removed);
                batches += 1;
            }
            now += BATCH;
            hub.flush(now, &totals(), &ServerLink::Connecting, &[], |_| None);
        }
        while let Ok(event) = reader.events.try_recv() {
            told.extend(event.removed);
            batches += 1;
        }
        assert_eq!(told.len(), gone.len());
        assert!(batches <= WAITING + 1, "{batches}");
    }

    #[test]
    fn batches_keep_their_distance_and_nothing_new_is_not_told() {
        let start = Instant::now();
        let mut hub = Hub::new(start);
        let mut reader = hub.subscribe();
        assert_eq!(hub.due(), None);
        let mut batches = 0;
        for tick in 0..1000 {
            hub.removed(DownloadId::random());
            let now = start + Duration::from_millis(tick);
            hub.flush(now, &totals(), &ServerLink::Connecting, &[], |_| None);
            while reader.events.try_recv().is_ok() {
                batches += 1;
            }
        }
        assert_eq!(batches, 4);
    }
}
