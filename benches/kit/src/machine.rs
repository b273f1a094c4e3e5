//! What the machine says: the CPU and memory of a process, and how busy everybody is.

use std::{fs, time::Duration};

use anyhow::Context;

/// The kernel counts CPU time in these.
const TICK: Duration = Duration::from_millis(10);

/// CPU time that a process has used, in the kernel and out of it.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name stands in brackets, and may hold anything.
    let rest = stat.rsplit_once(')').context("a strange stat")?.1;
    let fields: Vec<_> = rest.split_whitespace().collect();
    let ticks = |n: usize| -> anyhow::Result<u32> { Ok(fields.get(n).context("short")?.parse()?) };
    Ok(TICK * (ticks(11)? + ticks(12)?))
}

/// Resident memory now and at its highest, in MiB.
///
/// # Errors
/// Where there is no such process.
pub fn memory(pid: u32) -> anyhow::Result<(u64, u64)> {
    let (now, most) = memory_kib(pid)?;
    Ok((now >> 10, most >> 10))
}

/// Resident memory now and at its highest, in KiB.
///
/// # Errors
/// Where there is no such process.
pub fn memory_kib(pid: u32) -> anyhow::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| -> anyhow::Result<u64> {
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.context("no such field")?.parse()?)
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

/// The load averages of the last 1, 5 and 15 minutes.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The processor's name and how many there are.
pub fn processor() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = about.lines().filter(|line| line.starts_with("model name"));
    let count = names.clone().count();
    let name = names
        .filter_map(|line| line.split_once(": "))
        .map(|(_, name)| name)
        .next();
    format!("{count} × {}", name.unwrap_or("unknown"))
}
