//! A program that a test starts, ended by its id with all that it has started in turn.

use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::wait::SOON;

/// A program with all that it starts in turn: a process group, ended as one.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        Self::that_reads(command, Stdio::null())
    }

    /// With something on its standard input.
    pub(crate) fn that_reads(command: &mut Command, input: Stdio) -> anyhow::Result<Self> {
        let child = command.process_group(0).stdin(input).spawn()?;
        Ok(Self { child })
    }

    /// With the first line of its standard output.
    pub(crate) async fn that_says(command: &mut Command) -> anyhow::Result<(Self, String)> {
        let mut program = Self::start(command.stdout(Stdio::piped()))?;
        let out = program.child.stdout.take().context("no output")?;
        let mut line = String::new();
        tokio::time::timeout(SOON, BufReader::new(out).read_line(&mut line)).await??;
        ensure!(!line.trim().is_empty(), "it said nothing");
        Ok((program, line.trim().to_owned()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The group's id is its first process's; that one has not been waited for, so the id is
        // still its own.
        if let Some(id) = self.child.id() {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{id}")])
                .status();
        }
    }
}
