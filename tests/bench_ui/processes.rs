//! What a program and all that it has started take of the machine, by /proc (proc(5)).

use std::{
    collections::HashMap,
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};

/// Ticks of a second: the kernel's fixed USER_HZ.
const TICKS: f64 = 100.0;

/// A program's processes.
#[derive(Debug)]
pub(crate) struct Tree(u32);

/// One line of `/proc/PID/stat`, from the third field on.
struct Stat(Vec<String>);

impl Stat {
    fn of(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name may hold anything; it ends with the last bracket.
        let (_, rest) = text.rsplit_once(')')?;
        Some(Self(rest.split_whitespace().map(str::to_owned).collect()))
    }

    /// A field by its number in proc(5).
    fn field(&self, number: usize) -> f64 {
        let field = self.0.get(number - 3);
        field.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

impl Tree {
    /// The one process of that program, and what it has started.
    pub(crate) fn of(program: &Path) -> anyhow::Result<Self> {
        let runs: Vec<u32> = all()
            .filter(|id| fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == program))
            .collect();
        ensure!(runs.len() == 1, "{} of {}", runs.len(), program.display());
        Ok(Self(runs[0]))
    }

    /// Of one core, over that time.
    pub(crate) async fn cpu(&self, time: Duration) -> anyhow::Result<f64> {
        let before = self.ticks();
        tokio::time::sleep(time).await;
        let after = self.ticks();
        ensure!(!after.is_empty(), "the app has gone");
        let spent: f64 = after
            .iter()
            .map(|(id, ticks)| ticks - before.get(id).copied().unwrap_or_default())
            .sum();
        Ok(spent / TICKS / time.as_secs_f64())
    }

    fn ticks(&self) -> HashMap<u32, f64> {
        self.processes()
            .into_iter()
            .filter_map(|id| Some((id, Stat::of(id)?)))
            .map(|(id, stat)| (id, stat.field(14) + stat.field(15)))
            .collect()
    }

    /// Bytes, where what several share counts for each in part.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for id in self.processes() {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kib = line.and_then(|line| line.split_whitespace().next());
            sum += kib.context("no Pss")?.parse::<u64>()? << 10;
        }
        Ok(sum)
    }

    /// When it began, in milliseconds since 1970, to a hundredth of a second.
    pub(crate) fn began(&self) -> anyhow::Result<f64> {
        let stat = Stat::of(self.0).context("the app has gone")?;
        let text = fs::read_to_string("/proc/uptime")?;
        let uptime: f64 = text.split_whitespace().next().context("no time")?.parse()?;
        let age = uptime - stat.field(22) / TICKS;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        Ok((now - age) * 1000.0)
    }

    fn processes(&self) -> Vec<u32> {
        let parents: Vec<_> = all()
            .filter_map(|id| Some((id, Stat::of(id)?.field(4) as u32)))
            .collect();
        let mut found = vec![self.0];
        let mut at = 0;
        while at < found.len() {
            let parent = found[at];
            found.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(id, _)| *id),
            );
            at += 1;
        }
        found
    }
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
