//! What was answered is there after kill -9, however many wrote at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use longhaul_durable::{Durable, Options, Scan, Table};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const RECORDS: Table = Table("records");
const INDEX: Table = Table("index");
const FOLDER: &str = "LONGHAUL_TEST_FOLDER";
const WRITERS: u32 = 200;

fn options() -> Options {
    Options {
        // Small, so that the journal is written anew many times while it is killed.
        compact_above: 64 << 10,
        ..Options::default()
    }
}

/// The process that is killed: 200 writers, each acknowledged record told on stdout.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        // As a large one is opened: used at once, proven meanwhile.
        let options = Options {
            prove_first: 0,
            ..options()
        };
        let (durable, recovery) = Durable::open(&folder, options).await.expect("opens");
        tell(&format!("opened {}", recovery.is_some()));
        let start = durable
            .read(|view| view.scan(RECORDS, &Scan::all()).expect("reads").len())
            .await
            .expect("reads");
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let durable = durable.clone();
            writers.spawn(async move {
                for round in 0_u32.. {
                    let name = format!("{start}-{writer}-{round}");
                    let key = name.clone();
                    durable
                        .write(move |tx| {
                            tx.put(RECORDS, key.as_bytes(), format!("value of {key}"));
                            tx.put(INDEX, key.as_bytes(), "");
                        })
                        .await
                        .expect("writes");
                    tell(&format!("ack {name}"));
                    durable
                        .write_relaxed(move |tx| {
                            tx.put(Table("progress"), &writer.to_be_bytes(), "x");
                        })
                        .await
                        .expect("writes");
                }
            });
        }
        while writers.join_next().await.is_some() {}
    });
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "\n{line}");
    let _ = out.flush();
}

/// Runs the child until it has acknowledged `acks` records, kills it, and gives all it said.
fn run_and_kill(folder: &Path, acks: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this test's path"))
        .args([
            "--exact",
            "child",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut said = Vec::new();
    let mut count = 0;
    while count < acks {
        let line = lines.next().expect("the child goes on").expect("reads");
        count += usize::from(line.starts_with("ack "));
        said.push(line);
    }
    child.kill().expect("kills");
    child.wait().expect("ends");
    said.extend(lines.map_while(Result::ok));
    said
}

#[test]
fn two_hundred_writers_lose_nothing_acknowledged_when_the_process_is_killed() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = BTreeSet::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for round in 0..5 {
        for line in run_and_kill(folder.path(), random.random_range(1..3000)) {
            if let Some(name) = line.strip_prefix("ack ") {
                acknowledged.insert(name.to_owned());
            }
            assert_ne!(line, "opened true", "round {round} needed no recovery");
        }
        runtime.block_on(async {
            let (durable, recovery) = Durable::open(folder.path(), options())
                .await
                .expect("opens");
            assert!(recovery.is_none(), "{recovery:?}");
            let (records, index) = durable
                .read(|view| {
                    let records = view.scan(RECORDS, &Scan::all()).expect("reads");
                    let index = view.scan(INDEX, &Scan::all()).expect("reads");
                    (records, index)
                })
                .await
                .expect("reads");
            let records: BTreeMap<_, _> = records
                .into_iter()
                .map(|(key, value)| (String::from_utf8(key).expect("text"), value))
                .collect();
            for name in &acknowledged {
                let value = records
                    .get(name)
                    .unwrap_or_else(|| panic!("{name} is missing"));
                assert_eq!(value, format!("value of {name}").as_bytes());
            }
            assert_eq!(
                records.len(),
                index.len(),
                "a transaction is whole or not at all"
            );
            durable.close().await.expect("closes");
        });
    }
    assert!(!acknowledged.is_empty());
}
