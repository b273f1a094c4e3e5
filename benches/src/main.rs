//! `make bench-server`: the job server beside its peers, in one run, in turn, on one machine.
//!
//! Each comparison runs its sides one after the other within a round, over several rounds after one
//! that warms up, so that what else the machine does falls on all alike. The page that it writes
//! says what was compared, with the median and the range of all rounds.

mod bull;
mod enqueue;
mod file;
mod load;
mod ours;
mod polls;
mod starts;

use std::path::{Path, PathBuf};

use clap::Parser;
use longhaul_bench_kit::{machine, program, report};
use report::Page;

/// What is measured, and for how long.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Rounds that count; one more warms up.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of load for each side of a round.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Jobs stored for the start; a tenth of them before.
    #[arg(long, default_value_t = 1_000_000)]
    jobs: u64,
    /// MiB of the large file.
    #[arg(long, default_value_t = 4096)]
    mib: u64,
    /// Only these parts: polls, enqueue, starts, file.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the page goes.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Options {
    fn script(&self, name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("lua").join(name)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let folder = tempfile::Builder::new()
        .prefix("longhaul-bench-")
        .tempdir()?;
    let mut page = Page::default();
    page.line("# The job server beside its peers");
    page.line("");
    page.line(&format!(
        "Written by `make bench-server` on {}; {}; load average before it {}. {} rounds of {} s for each side, in turn, \
         after one that warms up: median (least–most). Servers, peers and load share the machine, so rates are \
         ratios of this machine alone; CPU µs is the steadier figure.",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        machine::processor(),
        machine::load(),
        options.rounds,
        options.seconds,
    ));
    if options.wants("polls") {
        polls::run(&options, folder.path(), &mut page).await?;
    }
    if options.wants("enqueue") {
        enqueue::run(&options, folder.path(), &mut page).await?;
    }
    if options.wants("starts") {
        starts::run(&options, folder.path(), &mut page).await?;
    }
    if options.wants("file") {
        file::run(&options, folder.path(), &mut page).await?;
    }
    page.line("");
    page.line(&format!("Load average after it: {}.", machine::load()));
    if let Some(out) = &options.out {
        std::fs::write(out, page.text())?;
    }
    Ok(())
}
