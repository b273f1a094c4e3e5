//! What `longhaul pull` says: paths or JSON lines on stdout, one bar for all on stderr.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use longhaul_protocol::SignedUrl;
use longhaul_transfer::{Error, Finished, Progress, Verified};
use serde_json::json;
use tokio::sync::watch;

use crate::show::{Out, words};

/// How often the bar moves.
const MOVES: Duration = Duration::from_millis(200);

/// The pulls that run, for the bar.
#[derive(Clone, Default)]
pub(super) struct Watched(Option<Arc<Mutex<Vec<watch::Receiver<Progress>>>>>);

impl Watched {
    /// Takes a pull's progress into the sum.
    pub(super) fn follow(&self, progress: &watch::Sender<Progress>) {
        if let Some(all) = &self.0 {
            all.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(progress.subscribe());
        }
    }

    /// Bytes of the running pulls that are here, and bytes of them in all.
    fn sum(&self) -> (u64, u64) {
        let Some(all) = &self.0 else { return (0, 0) };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that ended are counted as finished.
        all.retain(|progress| progress.has_changed().is_ok());
        all.iter().fold((0, 0), |(done, size), progress| {
            let now = progress.borrow();
            (done + now.done, size + now.size.unwrap_or(now.done))
        })
    }
}

/// Whoever reads what is said.
pub(super) struct Say {
    json: bool,
    files: usize,
    completed: usize,
    failed: usize,
    bytes: u64,
    fetched: u64,
    bar: Option<Bar>,
}

struct Bar {
    bar: ProgressBar,
    watched: Watched,
    finished: Arc<Mutex<u64>>,
    moves: tokio::task::JoinHandle<()>,
}

impl Say {
    pub(super) fn new(json: bool, files: usize) -> Self {
        let bar = (!json && std::io::stderr().is_terminal()).then(Bar::new);
        Self {
            json,
            files,
            completed: 0,
            failed: 0,
            bytes: 0,
            fetched: 0,
            bar,
        }
    }

    pub(super) fn watched(&self) -> Watched {
        self.bar
            .as_ref()
            .map(|bar| bar.watched.clone())
            .unwrap_or_default()
    }

    pub(super) fn finished(&mut self, url: &SignedUrl, finished: &Finished) {
        self.completed += 1;
        self.bytes += finished.size;
        self.fetched += finished.bytes_fetched;
        let path = finished.path.to_string_lossy();
        if self.json {
            let sources: Vec<_> = finished
                .sources
                .iter()
                .map(|used| json!({ "fetched": used.fetched, "dropped": used.dropped }))
                .collect();
            return line(
                &json!({
                    "event": "completed",
                    "url": url.to_string(),
                    "path": path,
                    "size": finished.size,
                    "verified": verified(finished.verified),
                    "sha256": finished.sha256,
                    "crc64nvme": finished.crc64nvme,
                    "fetched": finished.bytes_fetched,
                    "sources": sources,
                })
                .to_string(),
            );
        }
        for (used, number) in finished.sources.iter().zip(1..) {
            if let Some(why) = &used.dropped {
                self.note(&format!("source {number} was given up: {why}"));
            }
        }
        match &self.bar {
            Some(bar) => {
                *bar.finished.lock().unwrap_or_else(PoisonError::into_inner) += finished.size;
                bar.bar.suspend(|| line(&path));
            }
            None => line(&path),
        }
    }

    pub(super) fn failed(&mut self, url: &SignedUrl, error: &Error) {
        self.failed += 1;
        if self.json {
            return line(
                &json!({
                    "event": "failed",
                    "url": url.to_string(),
                    "code": error.code(),
                    "message": error.to_string(),
                    "kept": error.kept(),
                    "retryable": error.retryable(),
                })
                .to_string(),
            );
        }
        let next = match (error.kept(), error.retryable()) {
            (0, true) => " Try again later.".to_owned(),
            (0, false) => String::new(),
            (kept, _) => format!(
                " {} are kept: run the same command again to go on from them.",
                words::bytes(kept)
            ),
        };
        self.note(&format!("✗ {url}: {error}.{next}"));
    }

    fn note(&self, text: &str) {
        let text = words::printable(text);
        match &self.bar {
            Some(bar) => bar.bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// The last word.
    pub(super) fn summary(self, took: Duration) {
        if let Some(bar) = &self.bar {
            bar.moves.abort();
            bar.bar.finish_and_clear();
        }
        if self.json {
            return line(
                &json!({
                    "event": "summary",
                    "completed": self.completed,
                    "failed": self.failed,
                    "bytes": self.bytes,
                    "fetched": self.fetched,
                    "seconds": took.as_secs_f64(),
                })
                .to_string(),
            );
        }
        let left = self.files - self.completed;
        if left > 0 {
            eprintln!("{} of {} files are here.", self.completed, self.files);
        }
    }
}

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template(
            "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style);
        let watched = Watched(Some(Arc::default()));
        let finished = Arc::new(Mutex::new(0));
        let (moved, sum, ended) = (bar.clone(), watched.clone(), Arc::clone(&finished));
        let moves = tokio::spawn(async move {
            loop {
                tokio::time::sleep(MOVES).await;
                let (done, size) = sum.sum();
                let ended = *ended.lock().unwrap_or_else(PoisonError::into_inner);
                moved.set_length(ended + size);
                moved.set_position(ended + done);
            }
        });
        Self {
            bar,
            watched,
            finished,
            moves,
        }
    }
}

fn line(text: &str) {
    let mut out = Out::new();
    out.line(text);
    let _ = out.flush();
}

const fn verified(how: Verified) -> &'static str {
    match how {
        Verified::Blocks => "blocks",
        Verified::Digest => "digest",
        Verified::Length => "length",
    }
}
