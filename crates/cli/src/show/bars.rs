//! A bar for each file, with both its parts: how far the server has made it, how far it is here.

use std::{
    collections::HashMap,
    io::{IsTerminal, Write},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use longhaul_client::{DownloadState, DownloadView, ServerLink};
use longhaul_protocol::{DownloadId, Stage};

use super::{Out, words};

const NAME: usize = 28;
/// More bars than this do not fit a screen: the rest have theirs when these have ended.
const MOST: usize = 20;

/// The bars; nothing moves where stderr is no terminal.
pub(crate) struct Bars {
    all: MultiProgress,
    bars: HashMap<DownloadId, ProgressBar>,
    moving: bool,
    offline: bool,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self {
            all: MultiProgress::new(),
            bars: HashMap::new(),
            moving: std::io::stderr().is_terminal(),
            offline: false,
        }
    }

    pub(crate) fn update(&mut self, row: &DownloadView) {
        if !self.moving || ended(row.state) {
            return;
        }
        if !self.bars.contains_key(&row.id) {
            if self.bars.len() >= MOST {
                return;
            }
            let bar = self.all.add(ProgressBar::new(0));
            bar.set_style(style());
            self.bars.insert(row.id, bar);
        }
        let Some(bar) = self.bars.get(&row.id) else {
            return;
        };
        let (done, total) = counts(row);
        bar.set_length(total);
        bar.set_position(done);
        bar.set_prefix(words::short(&row.name, NAME));
        bar.set_message(message(row));
    }

    pub(crate) fn ended(&mut self, row: &DownloadView) {
        if let Some(bar) = self.bars.remove(&row.id) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        let name = words::printable(&row.name);
        if let (DownloadState::Completed, Some(path)) = (row.state, &row.path) {
            let size = words::bytes(row.size.unwrap_or(0));
            self.say(&format!("✓ {name} ({size}), complete and verified"));
            self.all.suspend(|| {
                let mut out = Out::new();
                out.line(path);
                let _ = out.flush();
            });
            return;
        }
        match &row.fault {
            Some(fault) => {
                let kept = if fault.kept > 0 && !fault.message.contains("kept") {
                    format!(" {} are kept.", words::bytes(fault.kept))
                } else {
                    String::new()
                };
                self.say(&format!(
                    "✗ {name}: {}{kept}",
                    words::printable(&fault.message)
                ));
            }
            None => self.say(&format!("✗ {name}: cancelled")),
        }
    }

    pub(crate) fn server(&mut self, server: &ServerLink) {
        let offline = matches!(server, ServerLink::Offline { .. });
        if offline == self.offline {
            return;
        }
        self.offline = offline;
        match server {
            ServerLink::Offline { reason, .. } => self.say(&format!(
                "The server does not answer ({reason}); trying again, less and less often."
            )),
            _ => self.say("The server answers again."),
        }
    }

    /// A line above the bars, or just a line.
    pub(crate) fn say(&self, text: &str) {
        self.all.suspend(|| eprintln!("{text}"));
    }

    pub(crate) fn close(&mut self) {
        for (_, bar) in self.bars.drain() {
            bar.finish_and_clear();
        }
        let _ = self.all.clear();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:28!} {bar:24} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

const fn ended(state: DownloadState) -> bool {
    matches!(
        state,
        DownloadState::Completed | DownloadState::Failed | DownloadState::Cancelled
    )
}

/// What the bar shows: the pull once it runs, the server's part before.
fn counts(row: &DownloadView) -> (u64, u64) {
    match (row.state, &row.pulled, &row.made) {
        (DownloadState::Downloading | DownloadState::Verifying, Some(pulled), _) => {
            (pulled.done, row.size.unwrap_or(pulled.done))
        }
        (DownloadState::Preparing, _, Some(made)) => (made.percent.into(), 100),
        _ => (0, 100),
    }
}

fn message(row: &DownloadView) -> String {
    let mut parts = Vec::new();
    match row.state {
        DownloadState::Queued if row.job_id.is_none() => {
            parts.push("waiting for the server".into());
        }
        DownloadState::Queued => parts.push("waiting for its turn".into()),
        DownloadState::Preparing => match &row.made {
            Some(made) if made.stage == Stage::Queued => {
                parts.push(match made.queue_position {
                    Some(first) if first > 0 => format!("the server has {first} to make first"),
                    _ => "waiting for the server".into(),
                });
            }
            Some(made) => parts.push(format!("preparing {}%", made.percent)),
            None => parts.push("preparing".into()),
        },
        DownloadState::Downloading => {
            let done = row.pulled.as_ref().map_or(0, |pulled| pulled.done);
            parts.push(match row.size {
                Some(size) => format!("{} / {}", words::bytes(done), words::bytes(size)),
                None => words::bytes(done),
            });
        }
        DownloadState::Verifying => parts.push("verifying".into()),
        DownloadState::Paused => parts.push("paused".into()),
        DownloadState::Completed | DownloadState::Failed | DownloadState::Cancelled => {}
    }
    if let Some(speed) = row.speed {
        parts.push(format!("{}/s", words::bytes(speed)));
    }
    if let Some(eta) = row.eta_seconds {
        parts.push(format!("{} left", words::duration(eta)));
    }
    if let Some(trouble) = row
        .pulled
        .as_ref()
        .and_then(|pulled| pulled.trouble.as_ref())
    {
        parts.push(format!("trying again: {}", words::printable(trouble)));
    }
    parts.join(" · ")
}
