//! A program that the bench starts, and ends by its own id.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, ensure};

/// A program that runs until it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Kept, so that a later word of it does not fail.
    _said: Option<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it; its errors go to `log`.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let errors = std::fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("{command:?} could not be started"))?;
        Ok(Self { child, _said: None })
    }

    /// Starts it and waits for the first line that it says.
    pub fn that_says(command: &mut Command, log: &Path) -> anyhow::Result<(Self, String)> {
        let errors = std::fs::File::create(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("{command:?} could not be started"))?;
        let mut said = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let program = Self {
            child,
            _said: Some(said),
        };
        ensure!(
            !line.is_empty(),
            "{command:?} said nothing: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
        Ok((program, line.trim().to_owned()))
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Ended already where it was stopped: an error says so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end and gives what it said.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?} could not be started"))?;
    ensure!(
        out.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(String::from_utf8(out.stdout)?)
}
