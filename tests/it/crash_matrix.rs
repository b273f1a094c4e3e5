//! kill -9 at random moments, again and again: what was answered 202 completes once, with the right
//! bytes, and nothing else is left.
//!
//! LONGHAUL_KILLS says how often, LONGHAUL_SEED repeats a run's choices.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    time::{Duration, Instant, SystemTime},
};

use longhaul_protocol::{InitiateReply, JobId, JobStatus, JobsPage, JobsReply};
use longhaul_tests::{
    bucket::{Bucket, Elsewhere},
    content::{incompressible, sha256},
    server::{LOOK, Place, Server, fetch_sha256, files_below},
};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

const KILLS: u32 = 8;
/// Nothing and one byte; one PUT; the last size that is one PUT, and the first that is not; several parts.
const SIZES: [u64; 7] = [
    0,
    1,
    70_001,
    3 << 20,
    (8 << 20) - 1,
    8 << 20,
    (25 << 20) + 17,
];
/// New clicks wait while more jobs than this are unfinished.
const BACKLOG: usize = 24;
/// A moment that does not come is not waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// All that is left at the end is done within this.
const END: Duration = Duration::from_secs(180);
const OPTIONS: [&str; 4] = ["--abandon-after", "0s", "--workers", "3"];

/// When a server is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after its process began, whether it serves yet or not.
    Starting(Duration),
    /// With the n-th answer to a click.
    Answered(usize),
    /// When the store's data have grown by so many bytes.
    Stored(u64),
    /// When so many parts or objects more are in their final place.
    Placed(usize),
    /// When another job is seen completed.
    Completed,
    /// So long after the first answer.
    Later(Duration),
}

impl Moment {
    fn any(random: &mut SmallRng) -> Self {
        match random.random_range(0..10) {
            0 => Self::Starting(Duration::from_micros(random.random_range(0..400_000))),
            1 | 2 => Self::Answered(random.random_range(1..=6)),
            3 | 4 => Self::Stored(random.random_range(1..40 << 20)),
            5 | 6 => Self::Placed(random.random_range(1..12)),
            7 => Self::Completed,
            _ => Self::Later(Duration::from_micros(random.random_range(0..300_000))),
        }
    }
}

/// A click, and the job that it made once that was answered.
#[derive(Debug, Clone)]
struct Click {
    size: u64,
    job: Option<JobId>,
    completed: bool,
}

/// All that was ever clicked, by idempotency key.
type Clicks = BTreeMap<Uuid, Click>;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_completes_each_job_once_and_leaves_nothing_else() {
    let seed = number("LONGHAUL_SEED").unwrap_or_else(|| rand::rng().next_u64() >> 32);
    let kills = number("LONGHAUL_KILLS").map_or(KILLS, |kills| kills as u32);
    eprintln!("LONGHAUL_SEED={seed} LONGHAUL_KILLS={kills}");
    let mut random = SmallRng::seed_from_u64(seed);
    let place = Place::new();
    for size in SIZES {
        incompressible(&place.library().join(name(size)), size, size);
    }
    let begun = Instant::now();
    let mut clicks = Clicks::new();
    for round in 1..=kills {
        touch(&place);
        let moment = Moment::any(&mut random);
        if let Moment::Starting(after) = moment {
            let launch = place.launch(&OPTIONS);
            tokio::time::sleep(after).await;
            launch.kill();
        } else {
            live_and_die(&place, moment, &mut clicks, &mut random).await;
        }
        if round % 20 == 0 {
            let seconds = begun.elapsed().as_secs();
            eprintln!("{round} kills, {} clicks, {seconds} s", clicks.len());
        }
    }
    finish(&place, &mut clicks).await;
    let took = begun.elapsed().as_secs();
    eprintln!(
        "{kills} kills, {} jobs, each stored once, {took} s",
        clicks.len()
    );
}

/// Makes each file a changed one, with the same bytes: jobs of different lives share no artifact.
fn touch(place: &Place) {
    for size in SIZES {
        let file = File::options()
            .append(true)
            .open(place.library().join(name(size)));
        let file = file.expect("there");
        file.set_modified(SystemTime::now()).expect("touched");
    }
}

/// One life of a server: old clicks without an answer are sent again, new ones come, the moment comes.
async fn live_and_die(place: &Place, moment: Moment, clicks: &mut Clicks, random: &mut SmallRng) {
    let server = place.serve(&OPTIONS);
    observe(&server, clicks).await;
    let unfinished = clicks.values().filter(|click| !click.completed).count();
    let mut sent: Vec<(Uuid, u64)> = clicks
        .iter()
        .filter(|(_, click)| click.job.is_none())
        .map(|(key, click)| (*key, click.size))
        .collect();
    if unfinished < BACKLOG {
        for _ in 0..random.random_range(1..=6) {
            let key = uuid::Builder::from_random_bytes(random.random()).into_uuid();
            let size = *SIZES.choose(random).expect("some");
            sent.push((key, size));
        }
    }
    let ids = files(&server).await;
    let before = disk(place);
    let mut answers = JoinSet::new();
    for (key, size) in sent {
        clicks.entry(key).or_insert(Click {
            size,
            job: None,
            completed: false,
        });
        let request = server
            .http()
            .post(server.at("/v1/jobs/download"))
            .header("idempotency-key", key.to_string())
            .json(&json!({ "file_id": ids[&size] }));
        answers.spawn(async move {
            let reply = request.send().await.ok()?;
            assert_eq!(reply.status(), 202);
            // A reply that was cut off is no answer.
            let reply: InitiateReply = reply.json().await.ok()?;
            Some((key, reply.job_id))
        });
    }
    let enough = match moment {
        Moment::Answered(n) => n,
        _ => 1,
    };
    let mut heard = 0;
    while heard < enough
        && let Some(answer) = answers.join_next().await
    {
        heard += 1;
        note(clicks, answer.expect("joined"));
    }
    let deadline = Instant::now() + PATIENCE;
    match moment {
        Moment::Starting(_) | Moment::Answered(_) => {}
        Moment::Later(delay) => tokio::time::sleep(delay).await,
        Moment::Stored(bytes) => {
            while disk(place).bytes < before.bytes + bytes && Instant::now() < deadline {
                tokio::task::yield_now().await;
            }
        }
        Moment::Placed(records) => {
            while disk(place).records < before.records + records && Instant::now() < deadline {
                tokio::task::yield_now().await;
            }
        }
        Moment::Completed => {
            let done = |clicks: &Clicks| clicks.values().filter(|c| c.completed).count();
            let before = done(clicks);
            while done(clicks) == before && Instant::now() < deadline {
                observe(&server, clicks).await;
            }
        }
    }
    server.kill();
    while let Some(answer) = answers.join_next().await {
        note(clicks, answer.expect("joined"));
    }
}

/// Writes an answer down; the same click never makes two jobs.
fn note(clicks: &mut Clicks, answer: Option<(Uuid, JobId)>) {
    let Some((key, job)) = answer else { return };
    let click = clicks.get_mut(&key).expect("it was clicked");
    assert!(click.job.is_none_or(|known| known == job), "{key} made two");
    click.job = Some(job);
}

/// Asks for all jobs that are not known to have completed: none is missing, none has failed.
async fn observe(server: &Server, clicks: &mut Clicks) {
    let waiting: Vec<_> = clicks
        .values_mut()
        .filter(|click| !click.completed && click.job.is_some())
        .collect();
    for some in waiting.into_iter().collect::<Vec<_>>().chunks_mut(200) {
        let ids: Vec<_> = some.iter().filter_map(|c| c.job).collect();
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let mut url = server.at("/v1/jobs");
        url.query_pairs_mut().append_pair("ids", &ids.join(","));
        let reply = server.http().get(url).send().await.expect("an answer");
        let reply: JobsReply = reply.json().await.expect("jobs");
        assert!(reply.missing.is_empty(), "lost: {:?}", reply.missing);
        for (click, job) in some.iter_mut().zip(reply.jobs) {
            assert_eq!(Some(job.job_id), click.job);
            assert_ne!(job.status, JobStatus::Failed, "{:?}", job.error);
            click.completed = job.status == JobStatus::Completed;
        }
    }
}

/// Lets everything end, then holds what is there against what was clicked.
async fn finish(place: &Place, clicks: &mut Clicks) {
    let server = place.serve(&OPTIONS);
    let ids = files(&server).await;
    for (key, click) in clicks.iter_mut() {
        let reply = server
            .http()
            .post(server.at("/v1/jobs/download"))
            .header("idempotency-key", key.to_string())
            .json(&json!({ "file_id": ids[&click.size] }))
            .send()
            .await
            .expect("an answer");
        assert_eq!(reply.status(), 202);
        let reply: InitiateReply = reply.json().await.expect("a reply");
        assert!(
            click.job.is_none_or(|known| known == reply.job_id),
            "{key} made two jobs"
        );
        click.job = Some(reply.job_id);
    }
    let deadline = Instant::now() + END;
    while clicks.values().any(|click| !click.completed) {
        assert!(Instant::now() < deadline, "not all ended\n{}", server.log());
        observe(&server, clicks).await;
        tokio::time::sleep(LOOK).await;
    }
    let digests: BTreeMap<u64, String> = SIZES
        .iter()
        .map(|size| (*size, sha256(&place.library().join(name(*size)))))
        .collect();
    let mut keys = BTreeSet::new();
    for click in clicks.values() {
        let job = click.job.expect("answered");
        let job = server.job(&format!("/v1/jobs/{job}")).await;
        let result = job.result.expect("a result");
        assert_eq!(result.sha256.to_string(), digests[&click.size]);
        let fetched = fetch_sha256(result.download_url.expose()).await;
        assert_eq!(fetched, digests[&click.size], "what can be pulled");
        let path = result.download_url.expose().path();
        let key = path.find("artifacts/").map(|at| path[at..].to_owned());
        let key = key.expect("the bucket's key is in the URL");
        keys.insert(key.replace("/blob", "/manifest"));
        keys.insert(key);
    }
    let mut listed = jobs(&server).await;
    let mut clicked: Vec<_> = clicks.values().filter_map(|click| click.job).collect();
    listed.sort_unstable();
    clicked.sort_unstable();
    assert_eq!(listed, clicked, "accepted is what there is");
    assert_eq!(server.terminate(), Some(0));
    // A start's duties are done before it ends: what they leave is what stays.
    assert_eq!(place.serve(&OPTIONS).terminate(), Some(0));
    let bucket = Bucket::of(place).await;
    let uploads = bucket.uploads().await;
    assert!(uploads.is_empty(), "left in multipart: {uploads:?}");
    assert_eq!(bucket.objects().await, keys.into_iter().collect::<Vec<_>>());
    bucket.close().await;
}

/// All jobs that the server lists.
async fn jobs(server: &Server) -> Vec<JobId> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut url = server.at("/v1/jobs?limit=200");
        if let Some(cursor) = &cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let page = server.http().get(url).send().await.expect("an answer");
        let page: JobsPage = page.json().await.expect("a page");
        found.extend(page.jobs.iter().map(|job| job.job_id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

async fn files(server: &Server) -> BTreeMap<u64, u64> {
    let mut ids = BTreeMap::new();
    for size in SIZES {
        ids.insert(size, server.file_id(&name(size)).await);
    }
    ids
}

/// What is on the disk of the embedded store, or of the queue where the store is elsewhere.
struct Disk {
    bytes: u64,
    records: usize,
}

fn disk(place: &Place) -> Disk {
    let folder = if Elsewhere::named().is_some() {
        place.path("data/queue")
    } else {
        place.path("data/store")
    };
    let files = files_below(&folder, |_| true);
    Disk {
        bytes: files
            .iter()
            .map(|file| file.metadata().map_or(0, |metadata| metadata.len()))
            .sum(),
        records: files
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "json"))
            .count(),
    }
}

fn name(size: u64) -> String {
    format!("{size}.bin")
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}
