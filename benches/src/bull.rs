//! The peer: npm's BullMQ on a Redis of its own, alone and behind express.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context;
use serde::Deserialize;

use crate::program::{Program, output};

/// A Redis that keeps an append-only file.
#[derive(Debug)]
pub(crate) struct Redis {
    program: Program,
    port: u16,
}

impl Redis {
    /// Starts one; `appendfsync` is `always` or `everysec`.
    pub(crate) fn start(folder: &Path, appendfsync: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let program = Program::start(
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--appendonly", "yes", "--appendfsync", appendfsync])
                .args(["--save", "", "--maxmemory-policy", "noeviction", "--dir"])
                .arg(folder),
            &folder.join("redis.log"),
        )?;
        let redis = Self { program, port };
        for _ in 0..500 {
            if redis.ask(&["PING"]).is_ok_and(|said| said.contains("PONG")) {
                return Ok(redis);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        anyhow::bail!("Redis did not answer: see {}", folder.display())
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// CPU that it says it has used.
    fn cpu(&self) -> anyhow::Result<f64> {
        let info = self.ask(&["INFO", "cpu"])?;
        let field = |name: &str| -> anyhow::Result<f64> {
            let line = info.lines().find_map(|line| line.trim().strip_prefix(name));
            Ok(line.context("no such field")?.parse()?)
        };
        Ok(field("used_cpu_user:")? + field("used_cpu_sys:")?)
    }

    fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        output(
            Command::new("redis-cli")
                .args(["-p", &self.port.to_string()])
                .args(words),
        )
    }
}

/// What a run of adding showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Added {
    /// Jobs a second.
    pub(crate) rate: f64,
    /// Microseconds of node's CPU for each job.
    pub(crate) node: f64,
    /// The same of Redis.
    pub(crate) redis: f64,
}

/// What a program that adds jobs says in the end.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Said {
    pub(crate) count: f64,
    pub(crate) seconds: f64,
    pub(crate) cpu_micros: f64,
}

/// Adds jobs for a time, so many in flight.
pub(crate) fn add(redis: &Redis, in_flight: u32, seconds: u64) -> anyhow::Result<Added> {
    let before = redis.cpu()?;
    let said = output(
        node("add.js")
            .arg(redis.port.to_string())
            .args([in_flight.to_string(), seconds.to_string()]),
    )?;
    let used = redis.cpu()? - before;
    let said: Said = serde_json::from_str(&said)?;
    Ok(Added {
        rate: said.count / said.seconds,
        node: said.cpu_micros / said.count.max(1.0),
        redis: used * 1e6 / said.count.max(1.0),
    })
}

/// The job API in express, with so many jobs stored; its port.
pub(crate) fn api(
    redis: &Redis,
    jobs: u64,
    folder: &Path,
) -> anyhow::Result<(Program, u16, PathBuf)> {
    #[derive(Deserialize)]
    struct Said {
        listen: u16,
    }
    let ids = folder.join("bull-ids");
    let (program, line) = Program::that_says(
        node("api.js")
            .arg(redis.port.to_string())
            .arg(jobs.to_string())
            .arg(&ids)
            .env("NODE_ENV", "production"),
        &folder.join("node.log"),
    )?;
    let said: Said = serde_json::from_str(&line)?;
    Ok((program, said.listen, ids))
}

fn node(script: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bullmq");
    let mut command = Command::new("node");
    command.arg(folder.join(script));
    command
}
