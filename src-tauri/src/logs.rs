//! Where the story of a run is told: a file in the data folder, and standard error.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    sync::Mutex,
};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::options::Places;

const NAME: &str = "longhaul.log";
/// A log beyond this is put aside at the next start, over the one put aside before.
const MAX_LOG: u64 = 8 << 20;
/// Unless `LONGHAUL_LOG` says otherwise.
const USUAL: &str = "info,zbus=warn,tracing=warn";

/// Begins the log. Call once.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn begin(places: &Places) -> anyhow::Result<()> {
    let file = open(places).with_context(|| format!("the log in {}", places.data.display()))?;
    let filter =
        || EnvFilter::try_from_env("LONGHAUL_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    tracing_subscriber::registry()
        .with(
            fmt::layer()
                .with_ansi(false)
                .with_writer(Mutex::new(file))
                .with_filter(filter()),
        )
        .with(
            fmt::layer()
                .with_writer(std::io::stderr)
                .with_filter(filter()),
        )
        .try_init()
        .context("the log is already there")
}

/// A sentence for whoever started the program, also where there is no log yet.
pub(crate) fn say(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "{sentence}");
}

/// The last lines of the log; nothing where there is none.
pub(crate) async fn end(places: &Places) -> String {
    const LINES: usize = 100;
    let text = tokio::fs::read(places.data.join(NAME))
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

fn open(places: &Places) -> std::io::Result<File> {
    let path = places.data.join(NAME);
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > MAX_LOG) {
        fs::rename(&path, places.data.join(format!("{NAME}.1")))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
