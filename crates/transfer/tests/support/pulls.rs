//! Pulls as the tests make them: an engine without patience, links that count, and what came of it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use longhaul_protocol::SignedUrl;
use longhaul_transfer::{
    Engine, EngineConfig, Error, Expected, Finished, Limit, Link, LinkError, LinkReason,
    LinkSource, Progress, Request, WhenTaken,
};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

/// Longer than anything here takes, on any machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Links to one URL with a token that goes up with each renewal.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) url: Url,
    pub(crate) token: AtomicU32,
    pub(crate) renewed: AtomicU32,
    /// Seconds that each link lives.
    pub(crate) life: Option<Duration>,
    /// Fresh links are given only as often as this has permits, where it is there.
    pub(crate) gate: Option<Semaphore>,
}

impl Links {
    pub(crate) fn to(url: Url) -> Arc<Self> {
        Arc::new(Self {
            url,
            token: AtomicU32::new(1),
            renewed: AtomicU32::new(0),
            life: None,
            gate: None,
        })
    }
}

#[async_trait]
impl LinkSource for Links {
    async fn link(&self, reason: LinkReason) -> Result<Link, LinkError> {
        if reason == LinkReason::Expired {
            self.renewed.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.gate {
                gate.acquire().await.expect("the gate is there").forget();
            }
            self.token.fetch_add(1, Ordering::SeqCst);
        }
        let mut url = self.url.clone();
        url.set_query(Some(&format!(
            "token={}",
            self.token.load(Ordering::SeqCst)
        )));
        Ok(Link {
            url: SignedUrl::new(url),
            expires_at: self.life.map(|life| jiff::Timestamp::now() + life),
        })
    }
}

/// An engine that waits for nothing longer than it must.
pub(crate) fn engine() -> Engine {
    Engine::new(patience()).expect("an engine")
}

/// Short waits.
pub(crate) fn patience() -> EngineConfig {
    EngineConfig {
        stall_timeout: Duration::from_millis(400),
        backoff: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(20),
        ..EngineConfig::default()
    }
}

/// One download, which may be pulled several times.
pub(crate) struct Pull {
    pub(crate) engine: Engine,
    pub(crate) request: Request,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) stop: CancellationToken,
    /// It ends before this.
    pub(crate) deadline: Duration,
}

impl Pull {
    pub(crate) fn of(links: Arc<Links>, folder: &Path) -> Self {
        Self {
            engine: engine(),
            request: Request {
                id: Uuid::new_v4(),
                source: links,
                mirrors: Vec::new(),
                folder: folder.to_owned(),
                sort: None,
                settles: false,
                name: None,
                when_taken: WhenTaken::Number,
                expected: Expected::default(),
                connections: 4,
                limit: Limit::default(),
                headers: Default::default(),
            },
            progress: watch::channel(Progress::default()).0,
            stop: CancellationToken::new(),
            deadline: DEADLINE,
        }
    }

    pub(crate) async fn run(&self) -> Result<Finished, Error> {
        let pull = self
            .engine
            .pull(self.request.clone(), &self.progress, self.stop.clone());
        tokio::time::timeout(self.deadline, pull)
            .await
            .expect("the pull ends in time")
    }

    /// Runs until `enough` is seen in its progress, then stops it.
    pub(crate) async fn run_until(&mut self, enough: impl Fn(&Progress) -> bool) -> Error {
        let mut watcher = self.progress.subscribe();
        let stop = self.stop.clone();
        let watch = async move {
            watcher
                .wait_for(|progress| enough(progress))
                .await
                .expect("the pull is there");
            stop.cancel();
        };
        let (result, ()) =
            tokio::time::timeout(DEADLINE, async { tokio::join!(self.run(), watch) })
                .await
                .expect("it gets there in time");
        self.stop = CancellationToken::new();
        result.expect_err("it was stopped")
    }
}

/// The names of all that is in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// The control record in a folder that has one.
pub(crate) fn record(folder: &Path) -> PathBuf {
    let name = names(folder)
        .into_iter()
        .find(|name| name.ends_with(".part.json"))
        .expect("a record");
    folder.join(name)
}

/// Looks until `seen` answers, or a deadline is over.
pub(crate) fn observe<T>(mut seen: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = seen() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
