//! A fake server, a folder of its own, and the binary.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::fake::{Fake, TOKEN};

const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) dir: TempDir,
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn events(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("nothing but JSON on stdout"))
            .collect()
    }

    pub(crate) fn of(&self, kind: &str) -> Vec<Value> {
        self.events()
            .into_iter()
            .filter(|event| event["event"] == kind)
            .collect()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self {
            fake: Fake::start().await,
            dir: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The binary with these arguments; `-o` is added for those that take it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        command
            .args(arguments)
            .env("LONGHAUL_SERVER", self.fake.url().as_str())
            .env("LONGHAUL_TOKEN", TOKEN)
            .env("LONGHAUL_STATE_DIR", self.state())
            .env_remove("RUST_LOG")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if matches!(arguments.first(), Some(&"get" | &"add")) {
            command.arg("-o").arg(self.folder());
        }
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments)).await
    }

    pub(crate) async fn finish(&self, mut command: Command) -> Ran {
        let output = tokio::time::timeout(DEADLINE, command.output())
            .await
            .expect("in time")
            .expect("it runs");
        ran(&output)
    }

    /// A run that is watched while it goes: its JSON lines.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(arguments).spawn().expect("it runs");
        let out = child.stdout.take().expect("piped");
        Running {
            child,
            lines: BufReader::new(out).lines(),
        }
    }

    /// The names in the download folder.
    pub(crate) fn files(&self) -> Vec<String> {
        names(&self.folder())
    }

    /// The slots of unfinished `get`s.
    pub(crate) fn slots(&self) -> usize {
        names(&self.state().join("get"))
            .iter()
            .filter(|name| *name != "lock")
            .count()
    }
}

fn names(dir: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Reads on until a line is as hoped.
    pub(crate) async fn until(&mut self, mut hoped: impl FnMut(&Value) -> bool) -> Value {
        let read = async {
            while let Some(line) = self.lines.next_line().await.expect("readable") {
                let event = serde_json::from_str(&line).expect("JSON");
                if hoped(&event) {
                    return event;
                }
            }
            panic!("it ended before that line");
        };
        tokio::time::timeout(DEADLINE, read).await.expect("in time")
    }

    /// Sends a signal to this very process.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .await
            .expect("kill runs");
        assert!(status.success());
    }

    /// Waits for the end.
    pub(crate) async fn end(self) -> Ran {
        let Self { child, mut lines } = self;
        let out = async {
            let mut out = String::new();
            while let Some(line) = lines.next_line().await.expect("readable") {
                out.push_str(&line);
                out.push('\n');
            }
            out
        };
        let (out, output) = tokio::time::timeout(DEADLINE, async {
            tokio::join!(out, child.wait_with_output())
        })
        .await
        .expect("in time");
        Ran {
            out,
            ..ran(&output.expect("it ended"))
        }
    }
}

/// Bytes that no test could make up by chance.
pub(crate) fn bytes(seed: u64, size: usize) -> Vec<u8> {
    let mut content = vec![0; size];
    StdRng::seed_from_u64(seed).fill(&mut content[..]);
    content
}

/// Waits until something outside the binary is so.
pub(crate) async fn eventually(what: &str, mut hoped: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !hoped() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
