//! Going on: after a stop, after a kill, and with what damage left.

use std::{path::Path, process::Command};

use longhaul_transfer::Progress;
use url::Url;
use uuid::Uuid;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content, manifest, sha256},
        pulls::{Links, Pull, names, observe, record},
    },
};

fn past(bytes: usize) -> impl Fn(&Progress) -> bool {
    move |progress| progress.done > bytes as u64
}

/// An origin of 8 MiB, and a pull of it that was stopped after more than 3.
async fn stopped(folder: &Path, seed: u64) -> (Vec<u8>, Origin, Pull) {
    let bytes = content(8 * MIB, seed);
    let rules = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let mut pull = Pull::of(Links::to(origin.url()), folder);
    let error = pull.run_until(past(3 * MIB)).await;
    assert_eq!((error.code(), error.retryable()), ("stopped", true));
    assert!(error.kept() > 3 * MIB as u64, "{}", error.kept());
    assert_eq!(names(folder), ["thing.bin.part", "thing.bin.part.json"]);
    origin.rules().rate = None;
    (bytes, origin, pull)
}

#[tokio::test]
async fn a_stopped_pull_goes_on_from_its_last_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bytes, _origin, mut pull) = stopped(folder.path(), 80).await;
    pull.request.expected.sha256 = Some(sha256(&bytes));
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(&finished.path).expect("reads"), bytes);
    assert_eq!(pull.progress.borrow().started_over, 0);
    // Everything that was written was kept, to the byte; only what a stop caught on its way is lost.
    let size = bytes.len() as u64;
    assert!(
        finished.bytes_fetched >= size && finished.bytes_fetched < size + size / 10,
        "{}",
        finished.bytes_fetched
    );
    assert_eq!(names(folder.path()), ["thing.bin"]);
}

/// Whoever reads the file for its digest may be in the middle of a piece when the pull is stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_pull_has_let_go_of_its_file_when_it_says_so() {
    let bytes = content(8 * MIB, 86);
    let rules = Rules {
        rate: Some(8 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    for round in 0..8 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.expected.sha256 = Some(sha256(&bytes));
        pull.request.connections = 2;
        let stopped = pull.run_until(past(MIB + round * 50_000)).await;
        assert_eq!(stopped.code(), "stopped");
        let finished = pull.run().await.expect("nobody else is in its way");
        assert_eq!(finished.size, bytes.len() as u64);
    }
}

#[tokio::test]
async fn bytes_that_changed_on_the_disk_are_fetched_again() {
    for with_manifest in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let (bytes, origin, mut pull) = stopped(folder.path(), 81).await;
        if with_manifest {
            pull.request.expected.manifest = Some(manifest(&bytes, 2 * MIB as u64).into());
        }
        let part = folder.path().join("thing.bin.part");
        let mut there = std::fs::read(&part).expect("reads");
        there[100] ^= 1;
        std::fs::write(&part, there).expect("writes");
        let before = origin.sent();
        let finished = pull.run().await.expect("finishes");
        assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
        assert!(
            origin.sent() - before < bytes.len() as u64,
            "the rest was not fetched again"
        );
    }
}

#[tokio::test]
async fn a_damaged_record_is_not_trusted_and_the_pull_starts_over() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Damage); 4] = [
        ("a claim", |bytes| {
            String::from_utf8(bytes)
                .expect("text")
                .replace("\"start\":0", "\"start\":1")
                .into_bytes()
        }),
        ("cut short", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("another version", |bytes| {
            String::from_utf8(bytes)
                .expect("text")
                .replace("\"version\":1", "\"version\":9")
                .into_bytes()
        }),
        ("zeroes", |bytes| vec![0; bytes.len()]),
    ];
    for (what, damage) in damages {
        let folder = tempfile::tempdir().expect("a folder");
        let (bytes, _origin, pull) = stopped(folder.path(), 82).await;
        let path = record(folder.path());
        let whole = std::fs::read(&path).expect("reads");
        let damaged = damage(whole.clone());
        assert_ne!(damaged, whole, "{what}");
        std::fs::write(&path, damaged).expect("writes");
        let before = pull.progress.borrow().fetched;
        let finished = pull.run().await.expect("finishes");
        assert_eq!(
            std::fs::read(&finished.path).expect("reads"),
            bytes,
            "{what}"
        );
        assert_eq!(names(folder.path()), ["thing.bin"], "{what}");
        assert!(
            finished.bytes_fetched >= bytes.len() as u64,
            "{what}: {before}"
        );
    }
}

#[tokio::test]
async fn a_part_file_of_another_length_is_not_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bytes, _origin, pull) = stopped(folder.path(), 83).await;
    std::fs::write(folder.path().join("thing.bin.part"), b"short").expect("writes");
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(pull.progress.borrow().started_over, 1);
}

#[tokio::test]
async fn another_downloads_part_file_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bytes, origin, pull) = stopped(folder.path(), 84).await;
    let other = Pull::of(Links::to(origin.url()), folder.path());
    let finished = other.run().await.expect("finishes");
    assert_eq!(finished.path, folder.path().join("thing (1).bin"));
    let finished = pull.run().await.expect("finishes");
    assert_eq!(finished.path, folder.path().join("thing.bin"));
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
}

#[tokio::test]
async fn a_discarded_pull_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, _origin, pull) = stopped(folder.path(), 85).await;
    pull.engine
        .discard(folder.path(), Uuid::new_v4())
        .await
        .expect("another's is left");
    assert_eq!(names(folder.path()).len(), 2);
    pull.engine
        .discard(folder.path(), pull.request.id)
        .await
        .expect("is removed");
    assert_eq!(names(folder.path()), [""; 0]);
    pull.engine
        .discard(folder.path(), pull.request.id)
        .await
        .expect("is gone already");
    pull.engine
        .discard(&folder.path().join("nowhere"), pull.request.id)
        .await
        .expect("nothing there");
}

#[tokio::test]
async fn without_validators_nothing_is_taken_up() {
    let bytes = content(6 * MIB, 86);
    let rules = Rules {
        rate: Some(4 << 20),
        no_etag: true,
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.run_until(past(2 * MIB)).await;
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(pull.progress.borrow().started_over, 1);
}

pub(crate) const CHILD: &str = "LONGHAUL_TEST_CHILD";

/// The process that is killed: pulls what the environment names until its end comes.
#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
async fn child() {
    let order = std::env::var(CHILD).expect("an order");
    let (url, rest) = order.split_once(' ').expect("a URL");
    let (id, folder) = rest.split_once(' ').expect("an id");
    let mut pull = Pull::of(
        Links::to(Url::parse(url).expect("a URL")),
        Path::new(folder),
    );
    pull.request.id = id.parse().expect("an id");
    let _ = pull.run().await;
}

/// The bytes that the record in `folder` claims, in granules; none while there is no whole record.
fn claimed(folder: &Path) -> Option<u64> {
    let record = std::fs::read(folder.join("thing.bin.part.json")).ok()?;
    let record: serde_json::Value = serde_json::from_slice(&record).ok()?;
    record["done"]
        .as_array()?
        .iter()
        .map(|range| Some(range["end"].as_u64()? - range["start"].as_u64()?))
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_costs_little_of_what_it_had_fetched() {
    let bytes = content(48 * MIB, 87);
    let rules = Rules {
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    for round in 1..=2u64 {
        let order = format!(
            "{} {} {}",
            origin.url(),
            pull.request.id,
            folder.path().display()
        );
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "resume::child", "--ignored"])
            .env(CHILD, order)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("a process");
        let path = folder.path().to_owned();
        let there = tokio::task::spawn_blocking(move || {
            observe(|| claimed(&path).filter(|there| *there >= 10 * round))
        })
        .await
        .expect("a record that claims enough");
        assert!(there < 48, "it was done before it could be killed");
        // SIGKILL: no destructor, no last record.
        child.kill().expect("is there");
        child.wait().expect("is gone");
    }
    origin.rules().rate = None;
    pull.request.expected.sha256 = Some(sha256(&bytes));
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(&finished.path).expect("reads"), bytes);
    assert_eq!(names(folder.path()), ["thing.bin"]);
    let (sent, size) = (origin.sent(), bytes.len() as u64);
    // By the origin's own count. Each kill may cost what came since the last record (one every
    // 2 s) and the granules that four connections were in.
    let most = size * 12 / 10;
    assert!(sent < most, "{sent} sent for {size}");
    assert!(
        finished.bytes_fetched < most,
        "{} fetched for {size}",
        finished.bytes_fetched
    );
    assert!(finished.path.ends_with("thing.bin"));
}
