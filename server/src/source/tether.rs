//! What holds a source that is being read: how far it is, and how it is made to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A source that was told to stop gets so long. What is left then is a thread in a read that the
/// system does not give back; it ends with that read.
const LAST: Duration = Duration::from_secs(15);

/// Holds all that a source has set going. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tether {
    /// How far the source is.
    pub work: Arc<Work>,
    /// Cancelled when nobody wants its bytes any more.
    pub stop: CancellationToken,
    tasks: TaskTracker,
}

impl Tether {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.tasks.spawn(task));
    }

    pub(super) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        drop(self.tasks.spawn_blocking(work));
    }

    /// Stops the source, and waits until nothing of it is left.
    pub(crate) async fn let_go(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(LAST, self.tasks.wait()).await.is_err() {
            tracing::warn!("a part of the source does not end; it is left to itself");
        }
    }
}

/// How much a source has done.
#[derive(Debug, Default)]
pub(crate) struct Work {
    done: AtomicU64,
    total: AtomicU64,
    told: AtomicU8,
    /// Percent of a fetch that comes before the upload, and one more; 0 where there is none.
    ahead: AtomicU8,
    fetched: AtomicU64,
    steps: AtomicU64,
}

impl Work {
    /// Whole percent of the input that has been read, or what the source itself said.
    #[must_use]
    pub(crate) fn percent(&self) -> Option<u8> {
        let total = self.total.load(Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed).min(total);
        let read = u128::from(done) * 100;
        match read.checked_div(u128::from(total)) {
            Some(percent) => Some(percent as u8),
            None => Some(self.told.load(Ordering::Relaxed)).filter(|told| *told > 0),
        }
    }

    /// Grows whenever the source does something, and only then: bytes read, progress told.
    #[must_use]
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Percent of the fetch that comes before the upload, where there is one.
    #[must_use]
    pub(crate) fn ahead(&self) -> Option<u8> {
        self.ahead.load(Ordering::Relaxed).checked_sub(1)
    }

    /// A fetch has so many bytes of a file, and `fetched` came over the network for them.
    pub(super) fn fetched(&self, done: u64, fetched: u64, size: Option<u64>) {
        let percent = size.map_or(0, |size| {
            (u128::from(done) * 100)
                .checked_div(u128::from(size))
                .unwrap_or(100) as u8
        });
        self.ahead
            .fetch_max(percent.min(100) + 1, Ordering::Relaxed);
        let before = self.fetched.fetch_max(fetched, Ordering::Relaxed);
        let more = fetched.saturating_sub(before);
        self.steps.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, by: usize) {
        self.done.fetch_add(by as u64, Ordering::Relaxed);
        self.steps.fetch_add(by as u64, Ordering::Relaxed);
    }

    /// The source says how far it is. Only more than before is progress.
    pub(super) fn tell(&self, percent: u8) {
        let percent = percent.min(100);
        if self.told.fetch_max(percent, Ordering::Relaxed) < percent {
            self.steps.fetch_add(1, Ordering::Relaxed);
        }
    }
}
