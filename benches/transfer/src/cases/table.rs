//! A case: its sides in turn, its table, and its bars.

use std::{fs, path::Path};

use anyhow::ensure;
use longhaul_bench_kit::report::{Figures, Page};

use super::Bench;
use crate::{
    Options,
    origin::{Source, blocks_of},
    run::{Cost, run},
    side::Side,
};

/// Bare loops, which are no peer: they show what is left to save.
pub(crate) const FLOOR: &str = "(the floor)";

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    Time,
    Cpu,
    Memory,
}

/// A bar: the first side's figure divided by a peer's is at most this.
#[derive(Debug)]
pub(crate) struct Against {
    figure: Figure,
    /// The best of all peers where absent.
    peer: Option<&'static str>,
    /// None where it is only told.
    most: Option<f64>,
}

impl Against {
    pub(crate) const fn best(figure: Figure, most: f64) -> Self {
        let peer = None;
        let most = Some(most);
        Self { figure, peer, most }
    }

    pub(crate) const fn side(figure: Figure, peer: &'static str, most: f64) -> Self {
        let peer = Some(peer);
        let most = Some(most);
        Self { figure, peer, most }
    }

    /// Told without a bar.
    pub(crate) const fn beside(figure: Figure, peer: &'static str) -> Self {
        let peer = Some(peer);
        let most = None;
        Self { figure, peer, most }
    }
}

/// One comparison; the first side is ours.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) note: String,
    pub(crate) sides: Vec<Side>,
    pub(crate) files: Vec<Source>,
    pub(crate) bars: Vec<Against>,
}

/// Seconds that all rounds of a side take at least, if not `MOST_ROUNDS` are done before.
const SHORT: f64 = 2.0;
const MOST_ROUNDS: u32 = 15;

/// Figures of one side over all rounds.
#[derive(Debug, Default)]
struct Row {
    time: Figures,
    cpu: Figures,
    memory: Figures,
}

impl Row {
    fn add(&mut self, cost: Cost) {
        self.time.add(cost.time.as_secs_f64());
        self.cpu.add(cost.cpu.as_secs_f64());
        self.memory.add(cost.memory as f64 / f64::from(1 << 20));
    }

    fn median(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Time => self.time.median(),
            Figure::Cpu => self.cpu.median(),
            Figure::Memory => self.memory.median(),
        }
    }
}

/// Whether one more round is to be run: the first warms up, and of what is over in a moment there are
/// more, since any chance is a large part of it.
fn is_wanted(round: u32, options: &Options, rows: &[Row]) -> bool {
    let is_short = options.shrink <= 1 && rows.iter().any(|row| row.time.sum() < SHORT);
    round <= options.rounds || (round <= MOST_ROUNDS && is_short)
}

impl Case {
    pub(crate) fn run(self, bench: &Bench<'_>, page: &mut Page) -> anyhow::Result<()> {
        let mut rows: Vec<_> = self.sides.iter().map(|_| Row::default()).collect();
        let mut round = 0;
        while is_wanted(round, bench.options, &rows) {
            for (side, row) in self.sides.iter().zip(&mut rows) {
                let folder = bench.folder.join("copies");
                fs::create_dir(&folder)?;
                let cost = run(&mut side.command(&folder)?)?;
                for file in &self.files {
                    is_whole(&folder, file, &side.name)?;
                }
                fs::remove_dir_all(&folder)?;
                if round > 0 {
                    row.add(cost);
                }
            }
            round += 1;
        }
        page.line("");
        page.line(&format!("## {}", self.title));
        page.line("");
        page.line(&self.note);
        let shown: Vec<_> = self
            .sides
            .iter()
            .zip(&rows)
            .map(|(side, row)| {
                vec![
                    side.name.clone(),
                    row.time.to_string(),
                    row.cpu.to_string(),
                    row.memory.to_string(),
                ]
            })
            .collect();
        page.table(&["", "seconds", "CPU seconds", "memory, MiB"], &shown);
        let judged: Vec<_> = self.bars.iter().map(|bar| self.judge(bar, &rows)).collect();
        page.table(&["longhaul ÷", "of", "ratio"], &judged);
        Ok(())
    }

    fn judge(&self, bar: &Against, rows: &[Row]) -> Vec<String> {
        let peers = self.sides.iter().zip(rows).skip(1);
        let peer = peers
            .filter(|(side, _)| match bar.peer {
                Some(name) => side.name == name,
                None => !side.name.starts_with("longhaul") && side.name != FLOOR,
            })
            .map(|(side, row)| (side.name.as_str(), row.median(bar.figure)))
            .min_by(|one, other| one.1.total_cmp(&other.1));
        let (name, theirs) = peer.unwrap_or(("nobody", f64::NAN));
        let ratio = rows.first().map_or(f64::NAN, |row| row.median(bar.figure)) / theirs;
        let judged = match bar.most {
            Some(most) if ratio <= most => format!("{ratio:.2} (bar {most}: holds)"),
            Some(most) => format!("{ratio:.2} (bar {most}: missed)"),
            None => format!("{ratio:.2}"),
        };
        let best = if bar.peer.is_none() { ", the best" } else { "" };
        vec![
            format!("{name}{best}"),
            match bar.figure {
                Figure::Time => "time".to_owned(),
                Figure::Cpu => "CPU".to_owned(),
                Figure::Memory => "memory".to_owned(),
            },
            judged,
        ]
    }
}

/// A copy is the file: byte for byte, by its CRC.
fn is_whole(folder: &Path, file: &Source, by: &str) -> anyhow::Result<()> {
    let path = folder.join(&file.name);
    let size = fs::metadata(&path)?.len();
    let mut blocks = blocks_of(&path, 1 << 20)?;
    let mut whole = 0;
    let mut left = size;
    while let Some(crc) = blocks.next().transpose()? {
        let length = left.min(1 << 20);
        left -= length;
        let algorithm = crc_fast::CrcAlgorithm::Crc64Nvme;
        whole = crc_fast::checksum_combine(algorithm, whole, crc, length);
    }
    ensure!(
        size == file.size && whole == file.crc,
        "{by} made another file of {}",
        file.name
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::*;

    fn row(seconds: u64) -> Row {
        let mut row = Row::default();
        row.add(Cost {
            time: Duration::from_secs(seconds),
            cpu: Duration::from_secs(seconds * 2),
            memory: 1 << 20,
        });
        row
    }

    #[test]
    fn a_bar_is_held_against_the_best_peer_or_the_named_one() {
        let side = |name: &str| Side::new(name, |_| Ok(Command::new("true")));
        let case = Case {
            title: "",
            note: String::new(),
            sides: ["longhaul", "longhaul again", "fast", "slow"]
                .map(side)
                .into(),
            files: Vec::new(),
            bars: Vec::new(),
        };
        let rows = [row(2), row(1), row(4), row(8)];
        let judged = |bar| case.judge(&bar, &rows);
        assert_eq!(
            judged(Against::best(Figure::Time, 0.5)),
            ["fast, the best", "time", "0.50 (bar 0.5: holds)"]
        );
        assert_eq!(
            judged(Against::side(Figure::Cpu, "slow", 0.2)),
            ["slow", "CPU", "0.25 (bar 0.2: missed)"]
        );
        assert_eq!(
            judged(Against::side(Figure::Time, "none", 1.0))[2],
            "NaN (bar 1: missed)"
        );
    }

    #[test]
    fn what_is_over_in_a_moment_is_run_more_often() {
        let options = |args: &[&str]| {
            let args = ["bench-transfer", "--rounds", "3"].iter().chain(args);
            <Options as clap::Parser>::parse_from(args)
        };
        let (full, shrunk) = (options(&[]), options(&["--shrink", "8"]));
        let (short, long) = ([row(0), row(4)], [row(2), row(4)]);
        for (round, wanted) in [(3, true), (15, true), (16, false)] {
            assert_eq!(is_wanted(round, &full, &short), wanted, "{round}");
        }
        assert!(is_wanted(3, &full, &long) && !is_wanted(4, &full, &long));
        assert!(!is_wanted(4, &shrunk, &short));
    }
}
