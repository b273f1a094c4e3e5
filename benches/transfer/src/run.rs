//! One command under measure: its time, its CPU and its memory.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use longhaul_bench_kit::machine;
use wait4::Wait4 as _;

/// Between looks at a process's memory.
const LOOK: Duration = Duration::from_millis(5);

/// What a command cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// User and system, of it and of the processes that it waited for.
    pub(crate) cpu: Duration,
    /// Bytes of memory at its highest.
    pub(crate) memory: u64,
}

/// Runs a command to its end, which must be a good one.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let errors = tempfile::tempfile()?;
    let begun = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone()?)
        .spawn()
        .with_context(|| format!("{command:?} could not be started"))?;
    let (ended, pid) = (Arc::new(AtomicBool::new(false)), child.id());
    let watching = Arc::clone(&ended);
    let watcher = std::thread::spawn(move || watch(pid, &watching));
    let used = child.wait4()?;
    let time = begun.elapsed();
    ended.store(true, Ordering::Relaxed);
    let memory = watcher.join().unwrap_or_default();
    ensure!(
        used.status.success(),
        "{command:?} ended with {}: {}",
        used.status,
        said(errors)
    );
    Ok(Cost {
        time,
        cpu: used.rusage.utime + used.rusage.stime,
        memory,
    })
}

/// The highest memory of a process until it has ended, in bytes. `ru_maxrss` would begin with what
/// this program had when it forked.
fn watch(pid: u32, ended: &AtomicBool) -> u64 {
    let mut highest = 0;
    while !ended.load(Ordering::Relaxed) {
        if let Ok((_, most)) = machine::memory_kib(pid) {
            highest = most << 10;
        }
        std::thread::sleep(LOOK);
    }
    highest
}

fn said(mut errors: std::fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    let _ = errors.rewind();
    let _ = errors.take(2000).read_to_string(&mut text);
    text
}
