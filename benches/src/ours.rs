//! Our own server under measure: the release build, as anybody would run it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context;
use serde::Deserialize;

use crate::program::{Program, output};

#[derive(Debug, Deserialize)]
struct Ready {
    listen: std::net::SocketAddr,
}

/// A server that serves.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) port: u16,
    /// From the start of the process to the line that says it serves.
    pub(crate) took: Duration,
}

/// Where the programs are: beside this one.
pub(crate) fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("no folder")?.join(name))
}

/// Starts a server on the data in `folder`, with a library of one file.
pub(crate) fn start(folder: &Path, more: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Server> {
    let library = folder.join("library");
    std::fs::create_dir_all(&library)?;
    let film = library.join("film.mkv");
    if std::fs::read_dir(&library)?.next().is_none() {
        std::fs::write(film, vec![7; 1 << 20])?;
    }
    let began = Instant::now();
    let (program, line) = Program::that_says(
        Command::new(binary("longhaul-server")?)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--print-ready",
                "--initiate-rate",
                "off",
            ])
            .arg("--data-dir")
            .arg(folder)
            .arg("--library")
            .arg(library)
            .args(more)
            .envs(env.iter().copied())
            // What a server in production logs.
            .env("RUST_LOG", "warn"),
        &folder.join("server.log"),
    )?;
    let took = began.elapsed();
    let ready: Ready = serde_json::from_str(&line)?;
    Ok(Server {
        program,
        port: ready.listen.port(),
        took,
    })
}

/// Starts a bare axum handler that answers a constant of so many bytes; its port.
pub(crate) fn bare(bytes: usize, log: &Path) -> anyhow::Result<(Program, u16)> {
    #[derive(Deserialize)]
    struct Said {
        listen: u16,
    }
    let mut command = Command::new(binary("bench-bare")?);
    let (program, line) = Program::that_says(command.arg(bytes.to_string()), log)?;
    let said: Said = serde_json::from_str(&line)?;
    Ok((program, said.listen))
}

/// A data folder whose queue holds so many jobs and is paused; of each ten, `waiting` wait. It is closed,
/// or left as by a kill -9.
pub(crate) fn fill(
    folder: &Path,
    jobs: u64,
    waiting: u64,
    closed: bool,
) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let ids = folder.join("ids");
    output(
        Command::new(binary("bench-fill")?)
            .arg(folder.join("queue"))
            .args([jobs.to_string(), waiting.to_string()])
            .arg(&ids)
            .args((!closed).then_some("killed")),
    )?;
    Ok(ids)
}

/// The one file of the library.
pub(crate) async fn file_id(port: u16) -> anyhow::Result<u64> {
    let url = format!("http://127.0.0.1:{port}/v1/files");
    let page: serde_json::Value = reqwest::get(url).await?.json().await?;
    page["files"][0]["fileId"].as_u64().context("no file")
}

/// Bytes of all files below a folder.
pub(crate) fn disk(folder: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() {
            disk(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(sum)
}
