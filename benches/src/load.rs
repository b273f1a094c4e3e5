//! Load by wrk: bounded in connections and time, and only ever to this machine.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, ensure};

use crate::{machine, program::output};

/// What a run of wrk showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Microseconds of the server's CPU for each answer.
    pub(crate) cpu: f64,
    /// Half of all answers came within so many milliseconds.
    pub(crate) p50: f64,
    /// All but a hundredth did.
    pub(crate) p99: f64,
}

/// One script against one server.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    /// Whose CPU is counted.
    pub(crate) pids: &'a [u32],
    pub(crate) script: &'a Path,
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
    pub(crate) env: &'a [(&'a str, &'a str)],
}

impl Load<'_> {
    pub(crate) fn run(&self) -> anyhow::Result<Run> {
        let before = self.cpu()?;
        let said = output(
            Command::new("wrk")
                .args(["-t1", "--latency"])
                .arg(format!("-c{}", self.connections))
                .arg(format!("-d{}s", self.seconds))
                .arg("-s")
                .arg(self.script)
                .arg(format!("http://127.0.0.1:{}", self.port))
                .envs(self.env.iter().copied()),
        )?;
        let used = self.cpu()?.saturating_sub(before);
        ensure!(
            !said.contains("Non-2xx"),
            "some requests were refused:\n{said}"
        );
        let line = |begins: &str| {
            said.lines()
                .find_map(|line| line.trim().strip_prefix(begins))
                .with_context(|| format!("wrk said nothing of {begins}:\n{said}"))
        };
        let count = said
            .lines()
            .find_map(|line| line.trim().split_once(" requests in "))
            .context("wrk did not count")?;
        let count: f64 = count.0.parse()?;
        Ok(Run {
            rate: line("Requests/sec:")?.trim().parse()?,
            cpu: used.as_secs_f64() * 1e6 / count.max(1.0),
            p50: millis(line("50%")?)?,
            p99: millis(line("99%")?)?,
        })
    }

    fn cpu(&self) -> anyhow::Result<Duration> {
        self.pids.iter().map(|pid| machine::cpu(*pid)).sum()
    }
}

/// `1.23ms`, `456.00us` or `1.20s` in milliseconds.
fn millis(text: &str) -> anyhow::Result<f64> {
    let text = text.trim();
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)] {
        if let Some(number) = text.strip_suffix(unit)
            && let Ok(number) = number.parse::<f64>()
        {
            return Ok(number * factor);
        }
    }
    anyhow::bail!("{text} is no time")
}
