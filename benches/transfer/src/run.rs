//! One command under measure: its time, its CPU and its memory.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use wait4::Wait4 as _;

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
    let used = child.wait4()?;
    let time = begun.elapsed();
    ensure!(
        used.status.success(),
        "{command:?} ended with {}: {}",
        used.status,
        said(errors)
    );
    Ok(Cost {
        time,
        cpu: used.rusage.utime + used.rusage.stime,
        memory: used.rusage.maxrss,
    })
}

fn said(mut errors: std::fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    let _ = errors.rewind();
    let _ = errors.take(2000).read_to_string(&mut text);
    text
}
