//! Claims: who gets which job, and what a claim may do.

use std::collections::BTreeSet;

use longhaul_protocol::{FaultCode, JobStatus};
use uuid::Uuid;

use super::build::*;
use crate::queue::{AGEING, ClaimKey, JobState, NewJob, Orders, QueueError, job::later};

pub(crate) async fn a_job_is_claimed_completed_and_read(s: &Subject) {
    assert!(s.claim(at(0)).await.is_none());
    let id = s.put(job(), at(0)).await;
    let waiting = s.read(id).await.expect("there");
    assert_eq!((waiting.status(), waiting.attempt), (JobStatus::Pending, 0));
    let claim = s.claim(at(1)).await.expect("a job");
    assert_eq!((claim.key.job, claim.key.attempt), (id, 1));
    assert!(s.claim(at(1)).await.is_none());
    s.beat(claim.key, 500, at(2)).await;
    s.queue
        .complete(claim.key, artifact(id), at(3))
        .await
        .expect("completes");
    let done = s.read(id).await.expect("there");
    assert!(done.revision > waiting.revision);
    assert_eq!(done.updated_at, at(3));
    assert_eq!(
        done.state,
        JobState::Completed {
            artifact: artifact(id),
            at: at(3)
        }
    );
}

pub(crate) async fn a_new_start_takes_every_lease_back_and_counts_no_attempt(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    let dead = s.claim(at(1)).await.expect("a job");
    let reclaimed = s.queue.reclaim(at(2)).await.expect("reclaims");
    assert_eq!(reclaimed, [id]);
    assert!(s.queue.reclaim(at(2)).await.expect("reclaims").is_empty());
    let waiting = s.queue.peek(id).await.expect("reads").expect("there");
    assert_eq!((waiting.status(), waiting.attempt), (JobStatus::Pending, 0));
    let alive = s.claim(at(2)).await.expect("the same job at once");
    assert_eq!((alive.key.job, alive.key.attempt), (id, 1));
    let late = s.queue.complete(dead.key, artifact(id), at(3)).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
}

pub(crate) async fn two_workers_never_hold_one_job(s: &Subject) {
    for _ in 0..100 {
        s.put(job(), at(0)).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let queue = s.queue.clone();
        workers.spawn(async move {
            let mut mine = Vec::new();
            while let Some(claim) = queue
                .claim(&format!("w{n}"), LEASE, at(1))
                .await
                .expect("claims")
            {
                mine.push(claim.key.job);
                if mine.len() % 3 == 0 {
                    queue
                        .complete(claim.key, artifact(claim.key.job), at(1))
                        .await
                        .expect("completes");
                }
            }
            mine
        });
    }
    let all: Vec<_> = workers.join_all().await.concat();
    assert_eq!(all.len(), 100);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 100);
}

pub(crate) async fn priority_comes_first_then_age(s: &Subject) {
    let mut expected = Vec::new();
    for priority in [3, 9, 5] {
        for _ in 0..3 {
            let id = s.put(NewJob { priority, ..job() }, at(0)).await;
            expected.push((9 - priority, expected.len(), id));
        }
    }
    expected.sort();
    for (_, _, id) in expected {
        assert_eq!(s.claim(at(1)).await.expect("a job").key.job, id);
    }
}

pub(crate) async fn a_waiting_job_gains_a_level_a_minute(s: &Subject) {
    let old = s
        .put(
            NewJob {
                priority: 2,
                ..job()
            },
            at(0),
        )
        .await;
    let levels = 3 * AGEING.as_secs();
    let younger = s
        .put(
            NewJob {
                priority: 5,
                ..job()
            },
            at(levels + 1),
        )
        .await;
    let urgent = s
        .put(
            NewJob {
                priority: 9,
                ..job()
            },
            at(levels + 2),
        )
        .await;
    let mut order = Vec::new();
    while let Some(claim) = s.claim(at(levels + 3)).await {
        order.push(claim.key.job);
    }
    assert_eq!(order, [urgent, old, younger]);
}

pub(crate) async fn only_the_present_claim_may_write(s: &Subject) {
    let first = s.claimed(at(0)).await;
    s.sweep(at(31)).await;
    let second = s.claim(at(400)).await.expect("retried").key;
    assert_eq!((second.job, second.attempt), (first.job, 2));
    let strangers = [
        first,
        ClaimKey {
            attempt: 2,
            ..first
        },
        ClaimKey {
            attempt: 1,
            ..second
        },
        ClaimKey {
            token: Uuid::from_u128(1),
            ..second
        },
    ];
    let before = s.read(first.job).await;
    for stale in strangers {
        is_lost(
            &s.queue
                .heartbeat(stale, progress(900, 90), Some(upload("u")), LEASE, at(401))
                .await,
        );
        is_lost(&s.queue.complete(stale, artifact(stale.job), at(401)).await);
        is_lost(
            &s.queue
                .fail(stale, fault(FaultCode::Internal, true), false, at(401))
                .await,
        );
        is_lost(&s.queue.release(stale, at(401)).await);
    }
    let unknown = ClaimKey {
        job: job().id,
        ..second
    };
    is_lost(
        &s.queue
            .complete(unknown, artifact(unknown.job), at(401))
            .await,
    );
    assert_eq!(s.read(first.job).await, before);
    s.queue
        .complete(second, artifact(second.job), at(402))
        .await
        .expect("completes");
    is_lost(
        &s.queue
            .complete(second, artifact(second.job), at(403))
            .await,
    );
}

pub(crate) async fn progress_never_falls(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    s.beat(claim, 500, at(1)).await;
    s.beat(claim, 100, at(2)).await;
    let job = s.read(claim.job).await.expect("there");
    let JobState::Processing {
        progress: shown,
        progressed_at,
        ..
    } = job.state
    else {
        panic!("not processing");
    };
    assert_eq!(shown, progress(500, 50));
    assert_eq!(progressed_at, at(1));
}

pub(crate) async fn a_lease_is_prolonged_by_heartbeats(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    for n in 1..10 {
        let orders = s
            .queue
            .heartbeat(claim, progress(n, 0), None, LEASE, at(n * 20))
            .await;
        assert_eq!(orders.expect("held"), Orders::Continue);
        assert!(s.sweep(at(n * 20 + 10)).await.lost_leases.is_empty());
    }
    assert_eq!(s.sweep(at(9 * 20 + 30)).await.lost_leases, [claim.job]);
}

pub(crate) async fn a_drained_job_is_claimed_first_and_not_counted(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    s.queue
        .heartbeat(claim, progress(500, 50), Some(upload("u")), LEASE, at(1))
        .await
        .expect("beats");
    s.put(job(), at(2)).await;
    s.queue.release(claim, at(3)).await.expect("releases");
    let again = s.claim(at(3)).await.expect("a job");
    assert_eq!((again.key.job, again.key.attempt), (claim.job, 1));
    assert_eq!(
        again.job.upload,
        Some(upload("u")),
        "what it left is handed on"
    );
    assert_ne!(again.key.token, claim.token);
    assert_eq!(s.queue.counts().await.expect("counts").processing, 1);
    assert!(later(at(0), AGEING) > at(3));
}
