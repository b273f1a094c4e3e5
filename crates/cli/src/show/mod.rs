//! What is shown: bars for people, lines for programs.

mod bars;
mod json;
pub(crate) mod words;

use std::io::{self, BufWriter, StdoutLock, Write};

use longhaul_client::{DownloadState, DownloadView, Notice, ServerLink};
use serde::Serialize;

use bars::Bars;
pub(crate) use json::Line;

/// Standard output, line by line. A reader that has gone (`| head`) is no fault.
pub(crate) struct Out(BufWriter<StdoutLock<'static>>);

impl Out {
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(io::stdout().lock()))
    }

    pub(crate) fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    pub(crate) fn json(&mut self, value: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.line(&text);
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One JSON line, at once.
fn say_json(value: &impl Serialize) {
    let mut out = Out::new();
    out.json(value);
    let _ = out.flush();
}

/// Why nothing more is done.
pub(crate) fn complain(json: bool, message: &str) {
    if json {
        say_json(&Line::Error { message });
    }
    eprintln!("longhaul: {message}");
}

/// Whoever watches downloads.
pub(crate) enum Show {
    /// A person: bars on stderr, the finished paths on stdout.
    Bars(Bars),
    /// A program: JSON lines on stdout.
    Json,
}

impl Show {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            Self::Json
        } else {
            Self::Bars(Bars::new())
        }
    }

    pub(crate) fn added(&mut self, row: &DownloadView) {
        match self {
            Self::Bars(bars) => bars.update(row),
            Self::Json => say_json(&Line::Added { download: row }),
        }
    }

    pub(crate) fn changed(&mut self, row: &DownloadView) {
        match self {
            Self::Bars(bars) => bars.update(row),
            Self::Json => say_json(&Line::Changed { download: row }),
        }
    }

    pub(crate) fn ended(&mut self, row: &DownloadView) {
        match self {
            Self::Bars(bars) => bars.ended(row),
            Self::Json => say_json(&Line::ended(row)),
        }
    }

    pub(crate) fn notice(&mut self, notice: &Notice) {
        match self {
            Self::Bars(bars) => bars.say(&notice.message),
            Self::Json => say_json(&Line::notice(notice)),
        }
    }

    pub(crate) fn server(&mut self, server: &ServerLink) {
        match self {
            Self::Bars(bars) => bars.server(server),
            Self::Json => say_json(&Line::Server { server }),
        }
    }

    /// The last word.
    pub(crate) fn summary(&mut self, rows: &[DownloadView], seconds: f64) {
        let completed: Vec<_> = rows
            .iter()
            .filter(|row| row.state == DownloadState::Completed)
            .collect();
        let failed = rows.len() - completed.len();
        match self {
            Self::Bars(bars) => bars.close(),
            Self::Json => say_json(&Line::Summary {
                completed: completed.len(),
                failed,
                bytes: completed.iter().filter_map(|row| row.size).sum(),
                fetched: rows
                    .iter()
                    .filter_map(|row| row.pulled.as_ref())
                    .map(|pulled| pulled.fetched)
                    .sum(),
                seconds,
            }),
        }
    }

    /// Clears what moves, before something else is said.
    pub(crate) fn close(&mut self) {
        if let Self::Bars(bars) = self {
            bars.close();
        }
    }
}
