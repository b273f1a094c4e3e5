//! Whatever happens to a job, in whatever order, it stays possible.

use longhaul_protocol::{Crc64Nvme, FileId, JobId, JobStatus, Sha256};
use proptest::prelude::*;

use super::*;
use crate::queue::{JobSource, NewJob, Owner};

/// An event by what it needs from outside; claims are named by how long ago they were made.
#[derive(Debug, Clone)]
enum Play {
    Claim,
    Heartbeat(usize, u64, u8, Option<u8>),
    Complete(usize),
    Fail(usize, bool, bool),
    Release(usize),
    Cancel,
    Retry,
    LeaseExpired,
    Hung,
    Abandoned,
    ArtifactExpired,
    Due,
    Wait(u64),
}

fn play() -> impl Strategy<Value = Play> {
    // Mostly the present claim, often a stale one.
    let claim = || prop_oneof![3 => Just(0_usize), 1 => 1..4_usize];
    prop_oneof![
        6 => Just(Play::Claim),
        6 => (claim(), 0..100_u64, 0..=120_u8, prop::option::of(0..3_u8))
            .prop_map(|(c, bytes, percent, upload)| Play::Heartbeat(c, bytes, percent, upload)),
        1 => claim().prop_map(Play::Complete),
        4 => (claim(), prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(c, retryable, keep)| Play::Fail(c, retryable, keep)),
        2 => claim().prop_map(Play::Release),
        1 => Just(Play::Cancel),
        2 => Just(Play::Retry),
        2 => Just(Play::LeaseExpired),
        2 => Just(Play::Hung),
        1 => Just(Play::Abandoned),
        1 => Just(Play::ArtifactExpired),
        3 => Just(Play::Due),
        4 => (0..400_u64).prop_map(Play::Wait),
    ]
}

fn job(max_attempts: u32) -> JobRecord {
    let job = NewJob {
        id: JobId(Uuid::from_u128(1)),
        owner: Owner("ada".into()),
        source: JobSource::File {
            file_id: FileId::new(1).expect("small"),
        },
        file_name: "a".into(),
        priority: 5,
        max_attempts,
        idempotency: None,
    };
    JobRecord::new(job, 1, Timestamp::UNIX_EPOCH)
}

fn upload(n: u8) -> UploadState {
    UploadState {
        key: "key".into(),
        print: None,
        upload_id: n.to_string(),
    }
}

fn progress(bytes_done: u64, percent: u8) -> Progress {
    Progress {
        stage: Stage::Uploading,
        bytes_done,
        bytes_total: None,
        percent,
        work: 0,
    }
}

fn artifact() -> Artifact {
    Artifact {
        key: "key".into(),
        manifest_key: "manifest".into(),
        size: 1,
        etag: "\"e\"".into(),
        sha256: Sha256([0; 32]),
        crc64nvme: Crc64Nvme(0),
        stored_at: None,
    }
}

const LEASE: Duration = Duration::from_secs(30);

/// Claims by age, the newest first; one that never was where there is none.
fn claim_of(claims: &[ClaimKey], age: usize) -> ClaimKey {
    claims.iter().rev().nth(age).copied().unwrap_or(ClaimKey {
        job: JobId(Uuid::from_u128(1)),
        attempt: 1,
        token: Uuid::from_u128(999_999),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_order_of_events_breaks_a_job(
        plays in prop::collection::vec(play(), 1..80),
        max_attempts in 1..4_u32,
        jitter in 0.0..1.0_f64,
    ) {
        let limits = Limits::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut job = job(max_attempts);
        let mut claims: Vec<ClaimKey> = Vec::new();
        let mut completions = 0;
        let mut begun = std::collections::BTreeSet::new();
        let mut told_orphans = Vec::new();
        for (n, play) in plays.into_iter().enumerate() {
            let token = Uuid::from_u128(1000 + n as u128);
            let mut named = None;
            let mut by = |age| {
                let claim = claim_of(&claims, age);
                named = Some(claim);
                claim
            };
            let event = match play.clone() {
                Play::Wait(seconds) => {
                    now = later(now, Duration::from_secs(seconds));
                    continue;
                }
                Play::Claim => Event::Claim { worker: "w".into(), token, lease: LEASE },
                Play::Heartbeat(age, bytes, percent, up) => Event::Heartbeat {
                    claim: by(age),
                    progress: progress(bytes, percent),
                    upload: up.map(upload),
                    lease: LEASE,
                },
                Play::Complete(age) => Event::Complete { claim: by(age), artifact: artifact() },
                Play::Fail(age, retryable, keep_upload) => Event::Fail {
                    claim: by(age),
                    fault: JobFault { code: FaultCode::SourceFailed, message: String::new(), retryable },
                    keep_upload,
                },
                Play::Release(age) => Event::Release { claim: by(age) },
                Play::Cancel => Event::Cancel,
                Play::Retry => Event::Retry,
                Play::LeaseExpired => Event::LeaseExpired,
                Play::Hung => Event::Hung,
                Play::Abandoned => Event::Abandoned,
                Play::ArtifactExpired => Event::ArtifactExpired,
                Play::Due => Event::Due,
            };
            let present = match &job.state {
                JobState::Processing { lease, .. } => Some(lease.token),
                _ => None,
            };
            let outcome = apply(&job, event, &limits, jitter, now);
            // Fencing: what names a claim does something exactly where the claim is the present one.
            if let Some(claim) = named {
                prop_assert_eq!(outcome.is_ok(), present == Some(claim.token), "{:?} on {:?}", play, job);
                if outcome.is_err() {
                    prop_assert!(matches!(outcome, Err(QueueError::LeaseLost)));
                }
            }
            let Ok(change) = outcome else { continue };
            let new = change.record;
            prop_assert_eq!(new.id, job.id);
            prop_assert_eq!(new.created_at, job.created_at);
            prop_assert!(new.revision >= job.revision);
            prop_assert!(new.attempt <= new.max_attempts, "attempts are bounded");
            prop_assert!(new.attempt_ever() >= job.attempt_ever() || matches!(play, Play::Release(_)));
            if new.state != job.state && !matches!(play, Play::Heartbeat(..)) {
                prop_assert!(new.revision > job.revision, "a change that shows is counted");
            }
            if matches!(play, Play::Claim) {
                prop_assert_eq!(job.status(), JobStatus::Pending);
                claims.push(ClaimKey { job: job.id, attempt: new.attempt, token });
            }
            if let (
                JobState::Processing { progress: before, lease: old, .. },
                JobState::Processing { progress: after, lease: new, .. },
            ) = (&job.state, &new.state) {
                prop_assert_eq!(old.token, new.token);
                prop_assert!(after.percent >= before.percent && after.percent <= 100);
                prop_assert!(after.bytes_done >= before.bytes_done);
                prop_assert!(new.until >= old.until);
            }
            completions += u32::from(new.status() == JobStatus::Completed && job.status() != JobStatus::Completed);
            // An upload is in the record, completed, or told as an orphan: never forgotten.
            if let Play::Heartbeat(_, _, _, Some(up)) = play {
                begun.insert(upload(up).upload_id);
            }
            if let Some(orphan) = change.orphan {
                prop_assert!(Some(&orphan) != new.upload.as_ref());
                told_orphans.push(orphan.upload_id);
            }
            if job.upload.is_some() && new.upload != job.upload && new.status() != JobStatus::Completed {
                let lost = job.upload.as_ref().map(|u| u.upload_id.clone());
                prop_assert_eq!(told_orphans.last().cloned(), lost);
            }
            if new.status().is_final() {
                prop_assert_eq!(&new.upload, &None);
            }
            job = new;
        }
        prop_assert!(completions <= 1 + job.earlier_attempts);
        prop_assert!(told_orphans.iter().all(|orphan| begun.contains(orphan)));
    }

    #[test]
    fn a_backoff_doubles_within_its_bounds(attempt in 1..100_u32, jitter in 0.0..=1.0_f64) {
        let base = Duration::from_secs(2);
        let wait = backoff(base, attempt, jitter);
        let most = backoff(base, attempt, 1.0);
        prop_assert!(wait <= most && most <= LONGEST_BACKOFF);
        prop_assert!(most >= base);
        if attempt < 8 {
            prop_assert_eq!(most, base * 2_u32.pow(attempt - 1));
        }
        prop_assert_eq!(backoff(base, attempt, 0.0), Duration::ZERO);
    }
}
