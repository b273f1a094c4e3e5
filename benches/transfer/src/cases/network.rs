//! The cases with a network in between: far away, and narrow.

use std::process::Command;

use anyhow::Context as _;
use longhaul_bench_kit::{
    program::{Program, output},
    report::Page,
};

use super::{
    Bench,
    table::{Against, Case, Figure},
};
use crate::{origin::answers, side::Side};

/// Each way.
const DELAY_MS: u64 = 50;
/// Bytes of one connection on their way, as a TCP window has them.
const WINDOW_MIB: u64 = 4;

const NAMESPACE: &str = "longhaul-bench";
const OUTSIDE: &str = "10.231.77.1";
const INSIDE: &str = "10.231.77.2";
const RATE: &str = "800mbit";

impl Bench<'_> {
    pub(super) fn far(&self, page: &mut Page) -> anyhow::Result<()> {
        let file = self.origin.file("far.bin", self.options.mib(1024))?;
        let own = std::env::current_exe()?;
        let (proxy, port) = Program::that_says(
            Command::new(own.with_file_name("bench-delay")).args([
                self.origin.port.to_string(),
                DELAY_MS.to_string(),
                WINDOW_MIB.to_string(),
            ]),
            &self.folder.join("delay.log"),
        )?;
        let url = format!("http://127.0.0.1:{port}/{}", file.name);
        Case {
            title: "(d) Far away",
            note: format!(
                "{} MiB through a proxy that adds {DELAY_MS} ms each way and has at most {WINDOW_MIB} MiB of each connection \
                 on their way, as a TCP window would have it.",
                file.size >> 20
            ),
            sides: self.all(&url),
            files: vec![file.clone()],
            bars: vec![Against::best(Figure::Time, 1.0)],
        }
        .run(self, page)?;
        proxy.stop()?;
        self.origin.remove(&file)
    }

    pub(super) fn narrow(&self, page: &mut Page) -> anyhow::Result<()> {
        let namespace = match Namespace::make() {
            Ok(namespace) => namespace,
            Err(error) => {
                page.line("");
                page.line("## (d) A narrow line");
                page.line("");
                page.line(&format!(
                    "Not measured: a network namespace could not be made here ({error:#})."
                ));
                return Ok(());
            }
        };
        let file = self.origin.file("narrow.bin", self.options.mib(512))?;
        let nginx = self.origin.within(NAMESPACE, INSIDE)?;
        answers(INSIDE, 8080, self.folder)?;
        let url = format!("http://{INSIDE}:8080/{}", file.name);
        let case = Case {
            title: "(d) A narrow line",
            note: format!(
                "{} MiB from a network namespace behind `tc tbf rate {RATE}`.",
                file.size >> 20
            ),
            sides: self.all(&url),
            files: vec![file.clone()],
            bars: vec![Against::best(Figure::Time, 1.0)],
        };
        case.run(self, page)?;
        nginx.stop()?;
        drop(namespace);
        self.origin.remove(&file)
    }

    fn all(&self, url: &str) -> Vec<Side> {
        vec![
            self.peers.ours("longhaul", &[url]),
            self.peers
                .aria2c("aria2c -x16 -s16", &["-x16", "-s16", url]),
            self.peers.curl(url, &[]),
            self.peers.wget(url),
            self.peers.axel(url),
        ]
    }
}

/// A network namespace with one shaped line to it; taken down when dropped.
struct Namespace;

impl Namespace {
    fn make() -> anyhow::Result<Self> {
        ip(&["netns", "add", NAMESPACE])?;
        let made = Self;
        let inside = ["netns", "exec", NAMESPACE, "ip"];
        ip(&[
            "link", "add", "lhbench0", "type", "veth", "peer", "name", "lhbench1",
        ])?;
        ip(&["link", "set", "lhbench1", "netns", NAMESPACE])?;
        ip(&["addr", "add", &format!("{OUTSIDE}/30"), "dev", "lhbench0"])?;
        ip(&["link", "set", "lhbench0", "up"])?;
        ip(&[
            &inside[..],
            &["addr", "add", &format!("{INSIDE}/30"), "dev", "lhbench1"],
        ]
        .concat())?;
        ip(&[&inside[..], &["link", "set", "lhbench1", "up"]].concat())?;
        let shape = [
            "netns", "exec", NAMESPACE, "tc", "qdisc", "add", "dev", "lhbench1", "root", "tbf",
            "rate", RATE, "burst", "256kb", "latency", "50ms",
        ];
        ip(&shape)?;
        Ok(made)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The line goes with its namespace.
        let _ = ip(&["netns", "del", NAMESPACE]);
    }
}

fn ip(args: &[&str]) -> anyhow::Result<String> {
    output(Command::new("ip").args(args)).context("ip")
}
