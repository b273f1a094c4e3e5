//! Reading: owners, listings, positions, counts.

use longhaul_protocol::{FaultCode, JobStatus};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::build::*;
use crate::queue::{ClaimKey, Counts, NewJob, Owner, QueueError};

pub(crate) async fn another_owners_jobs_do_not_exist(s: &Subject) {
    let mine = s.put(job(), at(0)).await;
    let bob = Owner("bob".into());
    let ids = [mine, job().id, mine];
    let found = s.queue.get(&ada(), &ids, true, at(1)).await.expect("reads");
    let found: Vec<_> = found
        .iter()
        .map(|job| job.as_ref().map(|job| job.id))
        .collect();
    assert_eq!(found, [Some(mine), None, Some(mine)]);
    let hidden = s.queue.get(&bob, &ids, true, at(1)).await.expect("reads");
    assert!(hidden.iter().all(Option::is_none));
    for outcome in [
        s.queue.cancel(&bob, mine, at(1)).await,
        s.queue.retry(&bob, mine, at(1)).await,
    ] {
        assert!(matches!(outcome, Err(QueueError::Unknown)), "{outcome:?}");
    }
    // A name that begins another's name.
    let ad = s
        .queue
        .list(&Owner("ad".into()), None, None, 10)
        .await
        .expect("lists");
    assert!(ad.jobs.is_empty());
}

pub(crate) async fn a_listing_is_paged_newest_first(s: &Subject) {
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.push(s.put(job(), at(n / 5)).await);
        let other = NewJob {
            owner: Owner("bob".into()),
            ..job()
        };
        s.put(other, at(n / 5)).await;
    }
    ids.reverse();
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = s
            .queue
            .list(&ada(), None, cursor.as_deref(), 10)
            .await
            .expect("lists");
        assert!(page.jobs.len() <= 10);
        found.extend(page.jobs.iter().map(|job| job.id));
        // What comes meanwhile moves nothing.
        s.put(job(), at(50)).await;
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(found, ids);
    is_conflict(&s.queue.list(&ada(), None, Some("no cursor"), 10).await);
}

pub(crate) async fn a_listing_of_one_status_holds_only_that(s: &Subject) {
    let done = s.claimed(at(0)).await;
    s.queue
        .complete(done, artifact(done.job), at(1))
        .await
        .expect("completes");
    let busy = s.claimed(at(2)).await;
    let waiting = s.put(job(), at(3)).await;
    for (status, expected) in [
        (JobStatus::Completed, vec![done.job]),
        (JobStatus::Processing, vec![busy.job]),
        (JobStatus::Pending, vec![waiting]),
        (JobStatus::Failed, vec![]),
    ] {
        let page = s
            .queue
            .list(&ada(), Some(status), None, 10)
            .await
            .expect("lists");
        let found: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
        assert_eq!(found, expected, "{status:?}");
        assert!(page.next.is_none());
    }
}

pub(crate) async fn positions_are_the_order_of_claims(s: &Subject) {
    let mut ids = Vec::new();
    for n in 0..60_u64 {
        let priority = u8::try_from(n * 7 % 10).expect("small");
        ids.push(s.put(NewJob { priority, ..job() }, at(n * 11)).await);
    }
    let mut positions = Vec::new();
    for id in ids {
        let position = s.queue.position(id).await.expect("counts").expect("waits");
        positions.push((position, id));
    }
    positions.sort();
    for (place, (position, id)) in positions.into_iter().enumerate() {
        assert_eq!(position, place as u64);
        assert_eq!(s.queue.position(id).await.expect("counts"), Some(0));
        assert_eq!(s.claim(at(1000)).await.expect("a job").key.job, id);
        assert_eq!(s.queue.position(id).await.expect("counts"), None);
    }
    assert_eq!(s.queue.position(job().id).await.expect("counts"), None);
}

pub(crate) async fn counts_agree_with_the_jobs_whatever_happens(s: &Subject) {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut jobs = Vec::new();
    let mut claims: Vec<ClaimKey> = Vec::new();
    let mut now = 0;
    for _ in 0..400 {
        now += random.random_range(0..40);
        let pick = random.random_range(0..10_000_usize);
        let claim = claims.get(pick % claims.len().max(1)).copied();
        let known = jobs.get(pick % jobs.len().max(1)).copied();
        match (random.random_range(0..12), claim, known) {
            (0..=3, ..) => {
                let priority = random.random_range(0..10);
                jobs.push(s.put(NewJob { priority, ..job() }, at(now)).await);
            }
            (4..=5, ..) => claims.extend(s.claim(at(now)).await.map(|claim| claim.key)),
            // Each may be refused, for the claim may be stale: what counts is what is left.
            (6, Some(claim), _) => {
                let up = random.random_bool(0.5).then(|| upload(&pick.to_string()));
                let told = progress(random.random_range(0..1000), 1);
                let _ = s.queue.heartbeat(claim, told, up, LEASE, at(now)).await;
            }
            (7, Some(claim), _) => {
                let _ = s.queue.complete(claim, artifact(claim.job), at(now)).await;
            }
            (8, Some(claim), _) => {
                let retryable = random.random_bool(0.7);
                let why = fault(FaultCode::SourceFailed, retryable);
                let _ = s
                    .queue
                    .fail(claim, why, random.random_bool(0.5), at(now))
                    .await;
            }
            (9, _, Some(job)) => {
                let _ = s.queue.cancel(&ada(), job, at(now)).await;
            }
            (10, _, Some(job)) => {
                let _ = s.queue.retry(&ada(), job, at(now)).await;
            }
            _ => {
                s.sweep(at(now)).await;
            }
        }
    }
    let mut counted = Counts::default();
    for job in s
        .queue
        .get(&ada(), &jobs, false, at(now))
        .await
        .expect("reads")
    {
        match job.expect("none is lost within a week").status() {
            JobStatus::Pending => counted.pending += 1,
            JobStatus::Processing => counted.processing += 1,
            JobStatus::Completed => counted.completed += 1,
            JobStatus::Failed => counted.failed += 1,
        }
    }
    assert_eq!(s.queue.counts().await.expect("counts"), counted);
    s.audit().await;
}
