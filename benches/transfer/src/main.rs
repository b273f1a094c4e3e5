//! `make bench-transfer`: the transfer engine beside its peers, in one run, in turn, on one machine.
//!
//! Ours is `longhaul pull`, the engine as the app, the server and the terminal use it. Each case
//! runs its sides one after the other within a round, over several rounds after one that warms up;
//! every file is compared with its source after the clock has stopped. The page that it writes says
//! what was compared, with the median and the range of all rounds.

mod cases;
mod origin;
mod run;
mod side;

use std::path::PathBuf;

use clap::Parser;
use longhaul_bench_kit::{machine, report::Page};

use crate::{origin::Origin, side::Peers};

/// What is measured, and how often.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Rounds that count; one more warms up.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// Only these cases: a, b, c, d1, d2, e, f.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Where sources and copies lie; in memory, so that no disk is measured.
    #[arg(long, default_value = "/dev/shm")]
    pub(crate) folder: PathBuf,
    /// Sizes divided by this, to see that all works: no measurement.
    #[arg(long, default_value_t = 1)]
    pub(crate) shrink: u64,
    /// Where the page goes.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Options {
    pub(crate) fn wants(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == case)
    }

    pub(crate) fn mib(&self, mib: u64) -> u64 {
        (mib << 20) / self.shrink.max(1)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let folder = tempfile::Builder::new()
        .prefix("longhaul-bench-")
        .tempdir_in(&options.folder)?;
    let origin = Origin::start(folder.path())?;
    let peers = Peers::find()?;
    let mut page = Page::default();
    page.line("# The transfer engine beside its peers");
    page.line("");
    page.line(&format!(
        "Written by `make bench-transfer` on {}; {}; load average before it {}. {} rounds of each side (up to 15 of \
         what is over in a moment), in turn, after one that warms up: median (least–most). Source, peers and copies share the machine and its memory ({}), so \
         only ratios mean something. Every copy was compared with its source. Peers: {}.",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        machine::processor(),
        machine::load(),
        options.rounds,
        options.folder.display(),
        peers.versions(),
    ));
    if options.shrink > 1 {
        page.line("");
        page.line(&format!(
            "**No measurement**: all sizes were divided by {}.",
            options.shrink
        ));
    }
    cases::run(&options, &origin, &peers, folder.path(), &mut page).await?;
    page.line("");
    page.line(&format!("Load average after it: {}.", machine::load()));
    if let Some(out) = &options.out {
        std::fs::write(out, page.text())?;
    }
    Ok(())
}
