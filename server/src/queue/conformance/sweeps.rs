//! Sweeps: what outlived its time.

use longhaul_protocol::{FaultCode, JobStatus};

use super::build::*;
use crate::queue::{Artifact, JobState, Limits, Progress};

const YEAR: u64 = 365 * 24 * 3600;

pub(crate) async fn a_lost_lease_is_retried_then_ends_the_job(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    for attempt in 1..=3 {
        let start = u64::from(attempt) * 100;
        let claim = s.claim(at(start)).await.expect("a job");
        assert_eq!((claim.key.job, claim.key.attempt), (id, attempt));
        assert!(s.sweep(at(start + 29)).await.lost_leases.is_empty());
        assert_eq!(s.sweep(at(start + 30)).await.lost_leases, [id]);
        let after = s.read(id).await.expect("there");
        if attempt < 3 {
            let JobState::Pending { last_fault, .. } = after.state else {
                panic!("not retried: {after:?}");
            };
            assert_eq!(last_fault.expect("told").code, FaultCode::WorkerLost);
        } else {
            assert_eq!(failed_with(&after), FaultCode::WorkerLost);
        }
    }
}

pub(crate) async fn a_hang_is_no_progress_not_no_heartbeat(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    let slow = s.claim(at(0)).await.expect("a job").key;
    let hang = limits().hang.as_secs();
    // Long, but moving.
    for beat in 1..=40 {
        s.beat(slow, beat, at(beat * 25)).await;
        s.queue
            .get(&ada(), &[id], true, at(beat * 25))
            .await
            .expect("reads");
        assert!(s.sweep(at(beat * 25)).await.hung.is_empty());
    }
    let last = 40 * 25;
    for seconds in (25..hang).step_by(25) {
        s.beat(slow, 40, at(last + seconds)).await;
        assert!(s.sweep(at(last + seconds)).await.hung.is_empty());
    }
    s.beat(slow, 40, at(last + hang - 1)).await;
    let swept = s.sweep(at(last + hang)).await;
    assert_eq!((swept.hung, swept.lost_leases), (vec![id], vec![]));
    is_lost(
        &s.queue
            .heartbeat(slow, progress(50, 5), None, LEASE, at(last + hang))
            .await,
    );
    let after = s.read(id).await.expect("there");
    let JobState::Pending { last_fault, .. } = after.state else {
        panic!("not retried: {after:?}");
    };
    assert_eq!(last_fault.expect("told").code, FaultCode::TimedOut);
}

pub(crate) async fn a_job_nobody_asks_for_is_abandoned(s: &Subject) {
    let abandon = limits().abandon.as_secs();
    let asked = s.put(job(), at(0)).await;
    let waiting = s.put(job(), at(0)).await;
    let busy = {
        let claim = s.claim(at(0)).await.expect("a job").key;
        assert_eq!(claim.job, asked);
        claim
    };
    for beat in 1..=abandon / 20 {
        s.beat(busy, beat, at(beat * 20)).await;
    }
    let polled = s
        .queue
        .get(&ada(), &[asked], true, at(abandon - 10))
        .await
        .expect("reads");
    assert_eq!(
        polled[0].as_ref().expect("there").polled_at,
        at(abandon - 10)
    );
    assert!(s.sweep(at(abandon - 1)).await.abandoned.is_empty());
    assert_eq!(s.sweep(at(abandon)).await.abandoned, [waiting]);
    let gone = s.read(waiting).await.expect("there");
    assert_eq!(failed_with(&gone), FaultCode::Abandoned);
    // The poll counts from its own time, and a look that is none prolongs nothing.
    for beat in 1..=abandon / 20 {
        s.beat(busy, beat + abandon, at(abandon + beat * 20 - 20))
            .await;
    }
    s.read(asked).await.expect("there");
    assert!(s.sweep(at(2 * abandon - 11)).await.abandoned.is_empty());
    assert_eq!(s.sweep(at(2 * abandon - 10)).await.abandoned, [asked]);
    is_lost(
        &s.queue
            .heartbeat(busy, progress(1000, 100), None, LEASE, at(2 * abandon))
            .await,
    );

    let never = Limits {
        abandon: std::time::Duration::ZERO,
        ..limits()
    };
    s.put(job(), at(2 * abandon)).await;
    let swept = s.queue.sweep(&never, 100, at(YEAR)).await.expect("sweeps");
    assert!(swept.abandoned.is_empty(), "zero is never");
}

pub(crate) async fn artifacts_expire_and_jobs_are_forgotten_years_ahead(s: &Subject) {
    let done = s.claimed(at(0)).await;
    s.queue
        .complete(done, artifact(done.job), at(10))
        .await
        .expect("completes");
    let failed = s.claimed(at(0)).await;
    let gone = fault(FaultCode::SourceMissing, false);
    s.queue
        .fail(failed, gone, false, at(10))
        .await
        .expect("fails");
    let ttl = limits().artifact_ttl.as_secs();
    assert!(s.sweep(at(10 + ttl - 1)).await.expired.is_empty());
    let swept = s.sweep(at(3 * YEAR)).await;
    assert_eq!(swept.expired, [(done.job, artifact(done.job))]);
    assert_eq!(swept.forgotten, [failed.job]);
    let after = s.read(done.job).await.expect("there");
    assert_eq!(failed_with(&after), FaultCode::ArtifactExpired);
    let JobState::Failed { fault, .. } = &after.state else {
        panic!("not failed");
    };
    assert!(fault.retryable);
    assert!(s.read(failed.job).await.is_none());
    let swept = s.sweep(at(6 * YEAR)).await;
    assert!(swept.expired.is_empty(), "told once");
    assert_eq!(swept.forgotten, [done.job]);
    assert!(s.read(done.job).await.is_none());
    let list = s.queue.list(&ada(), None, None, 10).await.expect("lists");
    assert!(list.jobs.is_empty());
    assert_eq!(
        s.queue.counts().await.expect("counts"),
        crate::queue::Counts::default()
    );

    // Records kept shorter than artifacts: the artifact is told all the same.
    let short = Limits {
        job_ttl: std::time::Duration::from_secs(5),
        ..limits()
    };
    let done = s.claimed(at(6 * YEAR)).await;
    s.queue
        .complete(done, artifact(done.job), at(6 * YEAR))
        .await
        .expect("completes");
    let swept = s
        .queue
        .sweep(&short, 100, at(6 * YEAR + 5))
        .await
        .expect("sweeps");
    assert_eq!(swept.expired, [(done.job, artifact(done.job))]);
    assert_eq!(swept.forgotten, [done.job]);
}

pub(crate) async fn the_seeds_limits_hold_to_the_second(s: &Subject) {
    const DAY: u64 = 24 * 3600;
    let seed = Limits::default();
    let seconds = [seed.hang, seed.abandon, seed.artifact_ttl, seed.job_ttl].map(|d| d.as_secs());
    assert_eq!(seconds, [5 * 60, 10 * 60, DAY, 7 * DAY]);

    let done = s.claimed(at(0)).await;
    s.queue
        .complete(done, artifact(done.job), at(0))
        .await
        .expect("completes");
    let failed = s.claimed(at(0)).await;
    let gone = fault(FaultCode::SourceMissing, false);
    s.queue
        .fail(failed, gone, false, at(0))
        .await
        .expect("fails");
    assert!(s.sweep(at(DAY - 1)).await.expired.is_empty());
    assert_eq!(s.sweep(at(DAY)).await.expired.len(), 1);
    assert!(s.sweep(at(7 * DAY - 1)).await.forgotten.is_empty());
    assert_eq!(s.sweep(at(7 * DAY)).await.forgotten, [failed.job]);
    // The other one ended when its artifact did.
    assert!(s.sweep(at(8 * DAY - 1)).await.forgotten.is_empty());
    assert_eq!(s.sweep(at(8 * DAY)).await.forgotten, [done.job]);
}

pub(crate) async fn a_sweep_is_bounded(s: &Subject) {
    for _ in 0..10 {
        s.claimed(at(0)).await;
        s.put(job(), at(0)).await;
        let id = s.claim(at(0)).await.expect("a job").key;
        s.queue
            .complete(id, artifact(id.job), at(0))
            .await
            .expect("completes");
    }
    let (mut lost, mut expired) = (0, 0);
    for _ in 0..10 {
        let swept = s.queue.sweep(&limits(), 3, at(YEAR)).await.expect("sweeps");
        assert!(swept.lost_leases.len() <= 3 && swept.expired.len() <= 3);
        assert!(swept.abandoned.len() <= 3 && swept.forgotten.len() <= 3);
        lost += swept.lost_leases.len() + swept.abandoned.len();
        expired += swept.expired.len();
    }
    assert_eq!(expired, 10);
    assert!(lost >= 10);
    let counts = s.queue.counts().await.expect("counts");
    assert_eq!((counts.processing, counts.completed), (0, 0));
}

pub(crate) async fn a_record_that_cannot_be_read_stops_no_other(s: &Subject) {
    let spoilt = s.put(job(), at(0)).await;
    let good = s.put(job(), at(1)).await;
    s.spoil(spoilt).await;
    assert_eq!(s.claim(at(2)).await.expect("the other").key.job, good);
    let counts = s.queue.counts().await.expect("counts");
    assert_eq!(
        (counts.pending, counts.processing, counts.quarantined),
        (0, 1, 1)
    );
    assert!(s.read(spoilt).await.is_none());
    s.audit().await;
    // One that is being worked at.
    s.spoil(good).await;
    let next = s.claimed(at(10)).await;
    assert_eq!(s.sweep(at(60)).await.lost_leases, [next.job]);
    let counts = s.queue.counts().await.expect("counts");
    assert_eq!((counts.pending, counts.quarantined), (1, 2));
    let list = s
        .queue
        .list(&ada(), Some(JobStatus::Pending), None, 10)
        .await
        .expect("lists");
    assert_eq!(list.jobs.len(), 1);
}

pub(crate) async fn a_refused_change_leaves_nothing(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    s.spoil_in_vain(id).await;
    s.audit().await;
    assert_eq!(s.claim(at(1)).await.expect("a job").key.job, id);
}

pub(crate) async fn a_shared_artifact_goes_with_the_last_job_that_offers_it(s: &Subject) {
    let maker = s.claimed(at(0)).await;
    s.queue
        .complete(maker, artifact(maker.job), at(10))
        .await
        .expect("completes");
    let shared = Artifact {
        stored_at: Some(at(10)),
        ..artifact(maker.job)
    };
    for second in [20, 30] {
        let sharer = s.claimed(at(second)).await;
        s.queue
            .complete(sharer, shared.clone(), at(second))
            .await
            .expect("completes");
    }
    let is_shared = || s.queue.is_shared(&shared.key);
    assert!(is_shared().await.expect("reads"));
    let ttl = limits().artifact_ttl.as_secs();
    assert!(s.sweep(at(10 + ttl - 1)).await.expired.is_empty());
    // One artifact, one end: the later jobs promised no more than what is left of its time.
    let swept = s.sweep(at(10 + ttl)).await;
    let told: Vec<_> = swept
        .expired
        .iter()
        .map(|(_, artifact)| &artifact.key)
        .collect();
    assert_eq!(told, [&shared.key], "told once, by the last");
    assert!(!is_shared().await.expect("reads"));
    assert_eq!(s.queue.counts().await.expect("counts").completed, 0);
}

pub(crate) async fn work_that_nobody_sees_is_no_hang(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    let hang = limits().hang.as_secs();
    let seen = s.read(claim.job).await.expect("there").revision;
    let mut told = Progress {
        stage: longhaul_protocol::Stage::Producing,
        ..progress(0, 0)
    };
    let mut now = 0;
    for work in 1..=3 {
        now = work * (hang - 1);
        told.work = work;
        let lease = std::time::Duration::from_secs(2 * hang);
        let beat = s.queue.heartbeat(claim, told, None, lease, at(now));
        beat.await.expect("beats");
        // Somebody still asks for it: given up is another thing than hung.
        let asked = s.queue.get(&ada(), &[claim.job], true, at(now)).await;
        asked.expect("reads");
        assert!(s.sweep(at(now)).await.hung.is_empty());
    }
    let unseen = s.read(claim.job).await.expect("there").revision;
    // The total became known, which a client does see, and nothing else did.
    assert!(unseen <= seen + 1);
    assert_eq!(s.sweep(at(now + hang)).await.hung, [claim.job]);
    let job = s.read(claim.job).await.expect("there");
    let [failure] = &job.failures[..] else {
        panic!("one failure is noted: {job:?}");
    };
    assert_eq!(
        (failure.attempt, failure.fault.code),
        (1, FaultCode::TimedOut)
    );
    assert_eq!((failure.since, failure.until), (at(0), at(now + hang)));
}
