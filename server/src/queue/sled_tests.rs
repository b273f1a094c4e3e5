//! The promises on a disk, and over kill -9.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use longhaul_protocol::{JobId, JobStatus};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::queue::{
    Enqueued, JobSource, NewJob, Owner, Queue,
    conformance::{Subject, conformance_tests, limits},
};

async fn subject(limits: Limits) -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    let (queue, recovery) = SledQueue::open(folder.path(), limits).await.expect("opens");
    assert!(recovery.is_none());
    Subject::over(Arc::new(queue), folder)
}

conformance_tests!(subject);

const FOLDER: &str = "LONGHAUL_QUEUE_TEST_FOLDER";

fn job(owner: &Owner) -> NewJob {
    NewJob {
        id: JobId::random(),
        owner: owner.clone(),
        source: JobSource::Url {
            url: "https://example.org/film.mkv".into(),
        },
        file_name: "film.mkv".into(),
        priority: 5,
        max_attempts: 3,
        idempotency: None,
    }
}

fn everything() -> Limits {
    Limits {
        max_pending: u64::MAX,
        ..limits()
    }
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "\n{line}");
    let _ = out.flush();
}

/// The process that is killed: clicks on one side, workers on the other, each answer told.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (queue, recovery) = SledQueue::open(&folder, everything()).await.expect("opens");
        assert!(recovery.is_none(), "{recovery:?}");
        let queue = Arc::new(queue);
        let now = jiff::Timestamp::now;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let queue = queue.clone();
            tasks.spawn(async move {
                loop {
                    let answer = queue.enqueue(job(&Owner("ada".into())), now()).await;
                    let Ok(Enqueued::Fresh(job)) = answer else {
                        panic!("{answer:?}");
                    };
                    tell(&format!("enqueued {}", job.id));
                }
            });
        }
        for worker in 0..5 {
            let queue = queue.clone();
            tasks.spawn(async move {
                let lease = std::time::Duration::from_secs(30);
                loop {
                    queue.claimable().await;
                    let name = format!("w{worker}");
                    let Some(claim) = queue.claim(&name, lease, now()).await.expect("claims")
                    else {
                        continue;
                    };
                    let job = claim.key.job;
                    let done = crate::queue::Artifact {
                        key: job.to_string(),
                        manifest_key: String::new(),
                        size: 1,
                        etag: String::new(),
                        sha256: longhaul_protocol::Sha256([0; 32]),
                        crc64nvme: longhaul_protocol::Crc64Nvme(0),
                        stored_at: None,
                    };
                    queue
                        .complete(claim.key, done, now())
                        .await
                        .expect("completes");
                    tell(&format!("completed {job}"));
                }
            });
        }
        tasks.join_all().await;
    });
}

fn run_and_kill(folder: &Path, answers: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this test's path"))
        .args([
            "--exact",
            "queue::sled::tests::child",
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
    while count < answers {
        let line = lines.next().expect("the child goes on").expect("reads");
        count += usize::from(line.starts_with("enqueued ") || line.starts_with("completed "));
        said.push(line);
    }
    child.kill().expect("kills");
    child.wait().expect("ends");
    said.extend(lines.map_while(Result::ok));
    said
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut told: BTreeMap<JobId, bool> = BTreeMap::new();
    for _ in 0..4 {
        for line in run_and_kill(folder.path(), random.random_range(50..1500)) {
            if let Some(id) = line.strip_prefix("enqueued ") {
                told.entry(id.parse().expect("an id")).or_insert(false);
            } else if let Some(id) = line.strip_prefix("completed ") {
                told.insert(id.parse().expect("an id"), true);
            }
        }
        runtime.block_on(async {
            let (queue, recovery) = SledQueue::open(folder.path(), everything())
                .await
                .expect("opens");
            assert!(recovery.is_none(), "{recovery:?}");
            let ids: Vec<_> = told.keys().copied().collect();
            let owner = Owner("ada".into());
            let now = jiff::Timestamp::now();
            let found = queue.get(&owner, &ids, false, now).await.expect("reads");
            for (job, (id, completed)) in found.into_iter().zip(&told) {
                let job = job.unwrap_or_else(|| panic!("{id} was answered, and is gone"));
                if *completed {
                    assert_eq!(job.status(), JobStatus::Completed);
                }
            }
            let queue = Arc::new(queue);
            Subject::over(queue.clone(), ()).audit().await;
            queue.close().await.expect("closes");
        });
    }
    assert!(told.values().any(|completed| *completed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_queue_opens_with_all_its_jobs_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let owner = Owner("ada".into());
    let now = jiff::Timestamp::now();
    let mut ids = Vec::new();
    {
        let (queue, _) = SledQueue::open(folder.path(), limits())
            .await
            .expect("opens");
        for _ in 0..50 {
            let new = job(&owner);
            ids.push(new.id);
            queue.enqueue(new, now).await.expect("enqueues");
        }
        queue.close().await.expect("closes");
        let late = queue.enqueue(job(&owner), now).await;
        assert!(matches!(late, Err(QueueError::Store(_))), "{late:?}");
    }
    std::fs::write(folder.path().join("sled").join("db"), vec![7; 10_000]).expect("writes");
    let (queue, recovery) = SledQueue::open(folder.path(), limits())
        .await
        .expect("opens");
    assert!(recovery.expect("it is told").complete);
    let found = queue.get(&owner, &ids, false, now).await.expect("reads");
    assert!(found.iter().all(Option::is_some));
    let lease = std::time::Duration::from_secs(30);
    let first = queue
        .claim("w", lease, now)
        .await
        .expect("claims")
        .expect("a job");
    assert_eq!(first.key.job, ids[0]);
    let queue = Arc::new(queue);
    Subject::over(queue.clone(), ()).audit().await;
    queue.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_abandons_nothing_that_nobody_could_ask_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let owner = Owner("ada".into());
    let start = jiff::Timestamp::now();
    let new = job(&owner);
    let id = new.id;
    let (queue, _) = SledQueue::open(folder.path(), limits())
        .await
        .expect("opens");
    queue.enqueue(new, start).await.expect("enqueues");
    queue.close().await.expect("closes");
    drop(queue);
    let (queue, _) = SledQueue::open(folder.path(), limits())
        .await
        .expect("opens");
    let after = start + std::time::Duration::from_secs(3600);
    let swept = queue.sweep(&limits(), 10, after).await.expect("sweeps");
    assert!(swept.abandoned.is_empty());
    let later = after + limits().abandon;
    let swept = queue.sweep(&limits(), 10, later).await.expect("sweeps");
    assert_eq!(swept.abandoned, [id]);
    queue.close().await.expect("closes");
}

/// What happens to a queue between two restarts.
#[derive(Debug, Clone, Copy)]
enum Step {
    Enqueue,
    Claim,
    End(u8),
    Cancel,
    Retry,
    Pause(bool),
    Sweep(u64),
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::*;
    let step = prop_oneof![
        6 => Just(Step::Enqueue),
        4 => Just(Step::Claim),
        4 => (0..4_u8).prop_map(Step::End),
        2 => Just(Step::Cancel),
        2 => Just(Step::Retry),
        1 => any::<bool>().prop_map(Step::Pause),
        2 => prop_oneof![Just(1), Just(60), Just(700), Just(90_000), Just(700_000)].prop_map(Step::Sweep),
    ];
    prop::collection::vec(step, 1..60)
}

/// Plays steps, with the time and the ids that earlier ones left; asks the ledger after each.
async fn play(
    queue: &SledQueue,
    steps: &[Step],
    accepted: &mut Vec<JobId>,
    now: &mut jiff::Timestamp,
) {
    let owner = Owner("ada".into());
    let lease = std::time::Duration::from_secs(30);
    let mut claims = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        *now += std::time::Duration::from_secs(1);
        let picked = accepted.get(n * 7 % accepted.len().max(1)).copied();
        // Each may be refused: what counts is that nothing is lost by it.
        match (step, picked) {
            (Step::Enqueue, _) => {
                let new = job(&owner);
                accepted.push(new.id);
                queue.enqueue(new, *now).await.expect("enqueues");
            }
            (Step::Claim, _) => {
                claims.extend(queue.claim("w", lease, *now).await.expect("claims"));
            }
            (Step::End(how), _) => {
                let Some(claim) = claims.pop() else { continue };
                let done = crate::queue::conformance::artifact(claim.key.job);
                let code = longhaul_protocol::FaultCode::SourceFailed;
                let fault = crate::queue::conformance::fault(code, *how == 1);
                let _ = match how {
                    0 => queue.complete(claim.key, done, *now).await,
                    1 | 2 => queue.fail(claim.key, fault, false, *now).await.map(drop),
                    _ => queue.release(claim.key, *now).await,
                };
            }
            (Step::Cancel, Some(job)) => drop(queue.cancel(&owner, job, *now).await),
            (Step::Retry, Some(job)) => drop(queue.retry(&owner, job, *now).await),
            (Step::Pause(paused), _) => {
                queue.set_paused(*paused, *now).await.expect("is told");
            }
            (Step::Sweep(after), _) => {
                *now += std::time::Duration::from_secs(*after);
                queue.sweep(&limits(), 7, *now).await.expect("sweeps");
            }
            (_, None) => {}
        }
        let ledger = queue.ledger(*now).await.expect("tells");
        assert_eq!(ledger.missing(), 0, "{step:?}: {ledger:?}");
        assert_eq!(ledger.accepted, accepted.len() as u64);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn the_ledger_balances_over_any_operations_sweeps_and_restarts(
        lives in proptest::collection::vec(steps(), 1..4),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        runtime.block_on(async {
            let mut accepted = Vec::new();
            let mut now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
            for life in lives {
                let (queue, recovery) = SledQueue::open(folder.path(), limits()).await.expect("opens");
                assert!(recovery.is_none(), "{recovery:?}");
                let before = queue.ledger(now).await.expect("tells");
                assert_eq!((before.missing(), before.accepted), (0, accepted.len() as u64));
                queue.reclaim(now).await.expect("takes back");
                play(&queue, &life, &mut accepted, &mut now).await;
                let told = queue.ledger(now).await.expect("tells");
                let queue = Arc::new(queue);
                Subject::over(queue.clone(), ()).audit().await;
                queue.close().await.expect("closes");
                drop(queue);
                let (again, _) = SledQueue::open(folder.path(), limits()).await.expect("opens");
                let reread = again.ledger(now).await.expect("tells");
                assert_eq!((reread.completed, reread.failed, reread.cancelled, reread.paused),
                    (told.completed, told.failed, told.cancelled, told.paused));
                again.close().await.expect("closes");
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_the_first_layout_is_made_anew_and_begins_the_ledger_with_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let now = jiff::Timestamp::now();
    let (queue, _) = SledQueue::open(folder.path(), limits())
        .await
        .expect("opens");
    queue
        .enqueue(job(&Owner("ada".into())), now)
        .await
        .expect("enqueues");
    // The row as the first version wrote it, after 41 jobs that were forgotten.
    let old =
        br#"{"pending":1,"processing":0,"completed":0,"failed":0,"quarantined":0,"accepted":42}"#;
    let change = move |tables: &mut dyn Tables| {
        tables.put(crate::queue::tables::TALLY, b"", old.to_vec());
        // And rows of tables that are no more.
        for table in crate::queue::tables::FORMER {
            tables.put(table, b"a row", Vec::new());
        }
        Ok(())
    };
    queue
        .store
        .change(Worth::Durable, change, |()| ())
        .await
        .expect("writes");
    queue.close().await.expect("closes");
    drop(queue);
    let (queue, _) = SledQueue::open(folder.path(), limits())
        .await
        .expect("opens");
    let ledger = queue.ledger(now).await.expect("tells");
    assert_eq!(
        (ledger.accepted, ledger.pending, ledger.missing()),
        (1, 1, 0)
    );
    queue
        .enqueue(job(&Owner("ada".into())), now)
        .await
        .expect("enqueues");
    let ledger = queue.ledger(now).await.expect("tells");
    assert_eq!(
        (ledger.accepted, ledger.pending, ledger.missing()),
        (2, 2, 0)
    );
    let queue = Arc::new(queue);
    Subject::over(queue.clone(), ()).audit().await;
    queue.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_line_is_known_after_a_start_and_claimed_from_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let (owner, now) = (Owner("ada".into()), jiff::Timestamp::now());
    let (queue, _) = SledQueue::open(folder.path(), everything())
        .await
        .expect("opens");
    let queue = Arc::new(queue);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (queue, owner) = (queue.clone(), owner.clone());
        clients.spawn(async move {
            for _ in 0..50 {
                queue.enqueue(job(&owner), now).await.expect("enqueues");
            }
        });
    }
    clients.join_all().await;
    queue.close().await.expect("closes");
    drop(queue);

    let (queue, _) = SledQueue::open(folder.path(), everything())
        .await
        .expect("opens");
    let ledger = queue.ledger(now).await.expect("tells");
    assert_eq!(
        (ledger.pending, ledger.missing()),
        (10_000, 0),
        "counted at once"
    );
    let lease = std::time::Duration::from_secs(30);
    for _ in 0..20 {
        queue.claimable().await;
        let claim = queue
            .claim("w", lease, now)
            .await
            .expect("claims")
            .expect("a job");
        queue
            .cancel(&owner, claim.key.job, now)
            .await
            .expect("is told");
    }
    let last = queue.enqueue(job(&owner), now).await.expect("enqueues");
    let (Enqueued::Fresh(last) | Enqueued::Same(last)) = last;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while queue.position(last.id).await.expect("tells").is_none() {
        assert!(
            std::time::Instant::now() < deadline,
            "the line was not read"
        );
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(queue.position(last.id).await.expect("tells"), Some(9_980));
    let ledger = queue.ledger(now).await.expect("tells");
    assert_eq!((ledger.workers, ledger.processing), (1, 20));
    // Nobody asks for them any more, from the start on: all are given up, so many at once.
    let late = now + limits().abandon;
    for _ in 0..7 {
        let swept = queue.sweep(&limits(), 2_000, late).await.expect("sweeps");
        assert!(swept.abandoned.len() <= 2_000);
    }
    let ledger = queue.ledger(late).await.expect("tells");
    assert_eq!(
        (ledger.live(), ledger.cancelled, ledger.missing()),
        (0, 10_001, 0)
    );
    let queue = Arc::new(queue);
    Subject::over(queue.clone(), ()).audit().await;
    queue.close().await.expect("closes");
}
