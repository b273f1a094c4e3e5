//! kill -9 at random moments, the last step included: what was recorded is not fetched again, and
//! there is one file in the end, with the right bytes.
//!
//! LONGHAUL_KILLS says how often, LONGHAUL_SEED repeats a run's choices.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};
use uuid::Uuid;

use crate::{
    MIB, number,
    resume::CHILD,
    support::{
        origin::{Origin, Rules, content, sha256},
        pulls::{Links, Pull, names, observe},
    },
};

const KILLS: u64 = 12;
/// By the short way, by one connection, by several.
const SIZES: [usize; 5] = [70_001, MIB, MIB + 1, 8 * MIB, 24 * MIB + 17];
/// Kills of one download before it is let through.
const MOST_OF_ONE: u32 = 6;
/// What may be fetched again of what was recorded: nothing but what was under way twice.
const SLACK: u64 = 16 << 20;

/// What the record in `folder` claims, in bytes; nothing without a whole record.
fn claimed(folder: &Path) -> u64 {
    let read = || {
        let record = std::fs::read(folder.join("thing.bin.part.json")).ok()?;
        let record: serde_json::Value = serde_json::from_slice(&record).ok()?;
        let (size, granule) = (
            record["object"]["size"].as_u64()?,
            record["object"]["granule"].as_u64()?,
        );
        let done: Option<u64> = record["done"]
            .as_array()?
            .iter()
            .map(|range| {
                let end = (range["end"].as_u64()? * granule).min(size);
                Some(end - range["start"].as_u64()? * granule)
            })
            .sum();
        let heads: Option<u64> = record["heads"]
            .as_array()?
            .iter()
            .map(|head| head["length"].as_u64())
            .sum();
        Some(done? + heads?)
    };
    read().unwrap_or_default()
}

fn start(origin: &Origin, id: Uuid, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "resume::child", "--ignored"])
        .env(CHILD, format!("{} {id} {}", origin.url(), folder.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_it_goes_on_from_what_it_had_recorded() {
    let (kills, seed) = (
        number("LONGHAUL_KILLS").unwrap_or(KILLS),
        number("LONGHAUL_SEED").unwrap_or(2026),
    );
    eprintln!("{kills} kills, LONGHAUL_SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut killed, mut finished_first, mut files) = (0, 0, 0_u64);
    while killed < kills {
        files += 1;
        let bytes = content(*SIZES.choose(&mut random).expect("some"), seed + files);
        let size = bytes.len() as u64;
        // As fast as it goes, or so that records are written on the way.
        let rate = [None, Some(2 << 20), Some(12 << 20)]
            .choose(&mut random)
            .copied();
        let rules = Rules {
            rate: rate.expect("some"),
            ..Rules::default()
        };
        let origin = Origin::start(bytes.clone(), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        for _ in 0..random.random_range(1..=MOST_OF_ONE) {
            let before = origin.sent();
            let left = size - claimed(folder.path());
            let mut child = start(&origin, pull.request.id, folder.path());
            // Once so many bytes have come, often at the very end; and a little later.
            let share = [0.0, 0.3, 0.7, 0.95, 1.0]
                .choose(&mut random)
                .expect("some");
            let enough = before + (left as f64 * share) as u64;
            let later = Duration::from_micros(random.random_range(0..30_000));
            let (sent, seen) = (origin.sender(), origin.begun());
            let ended = tokio::task::spawn_blocking(move || {
                let ended = observe(|| {
                    let ended = child.try_wait().expect("is there").is_some();
                    (ended || (sent.sent() >= enough && sent.begun() > seen)).then_some(ended)
                });
                std::thread::sleep(later);
                // SIGKILL: no destructor, no last record.
                let _ = child.kill();
                child.wait().expect("is gone");
                ended
            })
            .await
            .expect("watched");
            killed += 1;
            let there = names(folder.path());
            if there == ["thing.bin"] {
                finished_first += u32::from(!ended);
                break;
            }
        }
        if names(folder.path()) != ["thing.bin"] {
            let (claimed, before) = (claimed(folder.path()), origin.sent());
            origin.rules().rate = None;
            pull.request.expected.sha256 = Some(sha256(&bytes));
            pull.run().await.expect("finishes");
            let again = origin.sent() - before;
            let most = size - claimed + SLACK.max(size / 50);
            assert!(
                again <= most,
                "{again} sent again, {claimed} of {size} were recorded"
            );
        }
        assert!(std::fs::read(folder.path().join("thing.bin")).expect("reads") == bytes);
        assert_eq!(names(folder.path()), ["thing.bin"], "file {files}");
    }
    eprintln!("{killed} kills of {files} files, {finished_first} right after the last step");
}
