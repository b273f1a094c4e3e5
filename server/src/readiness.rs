//! Whether the server can do its work: queue, data folder, S3, and workers that get on.
//!
//! A hundred load balancers that ask at once are one look: an answer serves all that ask within a
//! few seconds of it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use longhaul_protocol::Clock;

use crate::{
    artifact::Artifacts,
    queue::{Ledger, SharedQueue},
};

/// A part that takes longer to answer does not answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// An answer serves for so long.
const FRESH: Duration = Duration::from_secs(4);

/// When a worker last got anywhere: claimed, moved on, or ended an attempt.
#[derive(Debug)]
pub(crate) struct Pulse {
    since: Instant,
    last: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            last: AtomicU64::new(0),
        }
    }
}

impl Pulse {
    /// A worker got on.
    pub(crate) fn beat(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(now, Ordering::Relaxed);
    }

    fn quiet(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.since.elapsed().saturating_sub(last)
    }
}

type Answer = Result<(), &'static str>;

/// What readiness depends on.
#[derive(Debug)]
pub(crate) struct Readiness {
    /// Must answer.
    pub queue: SharedQueue,
    /// Must answer.
    pub artifacts: Artifacts,
    /// Must take a file.
    pub data_dir: PathBuf,
    /// Must beat while jobs wait.
    pub pulse: Arc<Pulse>,
    /// Jobs may wait so long while no worker gets on.
    pub stall: Duration,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// The last look, which those who ask meanwhile share.
    pub last: Mutex<Option<(Instant, Shared<BoxFuture<'static, Answer>>)>>,
}

impl Readiness {
    /// Nothing, or what is not ready.
    pub(crate) async fn check(self: &Arc<Self>) -> Answer {
        let look = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            match &*last {
                Some((at, look)) if at.elapsed() < FRESH => look.clone(),
                _ => {
                    let this = Arc::clone(self);
                    let look = async move { this.look().await }.boxed().shared();
                    *last = Some((Instant::now(), look.clone()));
                    look
                }
            }
        };
        look.await
    }

    async fn look(&self) -> Answer {
        let now = self.clock.now();
        let ledger = match tokio::time::timeout(PATIENCE, self.queue.ledger(now)).await {
            Ok(Ok(ledger)) => ledger,
            _ => return Err("The queue does not answer."),
        };
        let waited = ledger.oldest_waiting.map(|since| now.duration_since(since));
        let waited = waited.and_then(|waited| Duration::try_from(waited).ok());
        if stalled(&ledger, waited, self.pulse.quiet(), self.stall) {
            return Err("Jobs wait, workers hold others, and none of them gets on.");
        }
        let folder = self.data_dir.clone();
        let written = tokio::task::spawn_blocking(move || takes_a_file(&folder));
        match tokio::time::timeout(PATIENCE, written).await {
            Ok(Ok(Ok(()))) => {}
            _ => return Err("The data folder takes no file."),
        }
        match tokio::time::timeout(PATIENCE, self.artifacts.reach()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err("The storage does not answer."),
        }
    }
}

/// A queue that ages while its workers claim to run: what a look at the processes alone never sees.
fn stalled(ledger: &Ledger, waited: Option<Duration>, quiet: Duration, limit: Duration) -> bool {
    !ledger.paused && waited.is_some_and(|waited| waited > limit) && quiet > limit
}

/// Writes a small file and has it on the disk; a folder that is full, gone or read-only fails.
pub(crate) fn takes_a_file(folder: &Path) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".ready-")
        .tempfile_in(folder)?;
    file.write_all(b"ready")?;
    file.as_file().sync_all()?;
    file.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);
    const OLD: Option<Duration> = Some(Duration::from_secs(61));
    const LONG: Duration = Duration::from_secs(61);
    const SHORT: Duration = Duration::from_secs(59);

    #[test]
    fn a_queue_that_ages_is_stalled_only_where_no_worker_gets_on() {
        let running = Ledger::default();
        let paused = Ledger {
            paused: true,
            ..Ledger::default()
        };
        assert!(stalled(&running, OLD, LONG, LIMIT));
        assert!(!stalled(&running, OLD, SHORT, LIMIT), "others get on");
        assert!(!stalled(&running, Some(SHORT), LONG, LIMIT), "new work");
        assert!(!stalled(&running, None, LONG, LIMIT), "nothing to do");
        assert!(!stalled(&paused, OLD, LONG, LIMIT), "it was asked to wait");
    }

    #[test]
    fn a_folder_that_is_gone_takes_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        takes_a_file(folder.path()).expect("it takes one");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("there").collect();
        assert!(left.is_empty(), "and nothing is left");
        takes_a_file(&folder.path().join("gone")).expect_err("gone");
    }
}
