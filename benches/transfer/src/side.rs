//! The sides of a comparison: each program with the options that suit it best for a case.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use longhaul_bench_kit::program::output;

type Call = Box<dyn Fn(&Path) -> anyhow::Result<Command>>;

/// A program and how it is called; the folder for its copies comes last.
pub(crate) struct Side {
    pub(crate) name: String,
    command: Call,
}

impl Side {
    pub(crate) fn new(
        name: impl Into<String>,
        command: impl Fn(&Path) -> anyhow::Result<Command> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            command: Box::new(command),
        }
    }

    pub(crate) fn command(&self, folder: &Path) -> anyhow::Result<Command> {
        (self.command)(folder)
    }
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    ours: PathBuf,
    versions: Vec<String>,
}

impl Peers {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let ours = own.parent().context("no folder")?.join("longhaul");
        anyhow::ensure!(ours.exists(), "build longhaul first: {}", ours.display());
        let mut versions = Vec::new();
        for name in ["aria2c", "curl", "wget", "axel"] {
            let said = output(Command::new(name).arg("--version"))
                .with_context(|| format!("{name} is missing: scripts/setup bench installs it"))?;
            let first = said.lines().next().unwrap_or(name);
            let words: Vec<_> = first.split_whitespace().take(3).collect();
            versions.push(words.join(" "));
        }
        let said = output(Command::new("s5cmd").arg("version"))?;
        let version = said.split('-').next().unwrap_or_default().trim();
        versions.push(format!("s5cmd {version}"));
        Ok(Self { ours, versions })
    }

    pub(crate) fn versions(&self) -> String {
        self.versions.join(", ")
    }

    /// `longhaul pull`, with what a case adds.
    pub(crate) fn ours(&self, name: &str, args: &[&str]) -> Side {
        let (ours, args) = (self.ours.clone(), owned(args));
        Side::new(name, move |folder| {
            let mut command = Command::new(&ours);
            command.arg("pull").args(&args).arg("-o").arg(folder);
            Ok(command)
        })
    }

    pub(crate) fn aria2c(&self, name: &str, args: &[&str]) -> Side {
        let args = owned(args);
        Side::new(name, move |folder| {
            let mut command = Command::new("aria2c");
            command
                .args(["--no-conf", "-q", "--file-allocation=falloc", "-d"])
                .arg(folder)
                .args(&args);
            Ok(command)
        })
    }

    /// A program that is told the path of its one copy.
    pub(crate) fn other(&self, program: &'static str, before: &[&str], url: &str) -> Side {
        let (before, url) = (owned(before), url.to_owned());
        Side::new(program, move |folder| {
            let mut command = Command::new(program);
            command
                .args(&before)
                .arg(folder.join(name_of(&url)))
                .arg(&url);
            Ok(command)
        })
    }

    /// What no program that reads and writes can go below.
    pub(crate) fn bare(&self, name: &str, url: &str) -> anyhow::Result<Side> {
        let program = std::env::current_exe()?.with_file_name("bench-floor");
        let url = url.to_owned();
        Ok(Side::new(name, move |folder| {
            let mut command = Command::new(&program);
            command.arg(folder.join(name_of(&url))).arg(&url);
            Ok(command)
        }))
    }

    pub(crate) fn curl(&self, url: &str, more: &[&str]) -> Side {
        let args = [&["-sS", "--fail"], more, &["-o"]].concat();
        self.other("curl", &args, url)
    }

    pub(crate) fn wget(&self, url: &str) -> Side {
        self.other("wget", &["-q", "-O"], url)
    }

    pub(crate) fn axel(&self, url: &str) -> Side {
        self.other("axel", &["-q", "-n", "16", "-o"], url)
    }

    /// curl with many URLs, from a file that says where each copy goes.
    pub(crate) fn curl_many(&self, urls: Vec<String>, at_once: usize) -> Side {
        Side::new(format!("curl -Z --parallel-max {at_once}"), move |folder| {
            let list = folder.with_extension("curl");
            let text: Vec<_> = urls
                .iter()
                .map(|url| {
                    format!(
                        "url = \"{url}\"\noutput = \"{}\"",
                        folder.join(name_of(url)).display()
                    )
                })
                .collect();
            fs::write(&list, text.join("\n"))?;
            let mut command = Command::new("curl");
            command
                .args([
                    "-sS",
                    "--fail",
                    "-Z",
                    "--parallel-max",
                    &at_once.to_string(),
                    "-K",
                ])
                .arg(list);
            Ok(command)
        })
    }
}

fn owned(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

/// The last part of a URL's path.
pub(crate) fn name_of(url: &str) -> &OsStr {
    OsStr::new(url.rsplit('/').next().unwrap_or(url))
}
