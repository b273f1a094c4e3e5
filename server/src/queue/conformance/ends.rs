//! How attempts and jobs end: faults, cancels, retries, uploads left behind.

use std::time::Duration;

use longhaul_protocol::{FaultCode, JobStatus};

use super::build::*;
use crate::queue::{JobState, Orders, QueueError, job::later};

pub(crate) async fn a_retryable_fault_is_retried_after_a_backoff_while_attempts_are_left(
    s: &Subject,
) {
    let id = s.put(job(), at(0)).await;
    let mut now = at(0);
    for attempt in 1..=3_u32 {
        let claim = s.claim(now).await.expect("a job");
        assert_eq!((claim.key.job, claim.key.attempt), (id, attempt));
        let after = s
            .queue
            .fail(claim.key, fault(FaultCode::SourceFailed, true), false, now)
            .await
            .expect("fails");
        if attempt == 3 {
            assert_eq!(failed_with(&after), FaultCode::SourceFailed);
            break;
        }
        let JobState::Pending {
            not_before,
            last_fault,
        } = after.state
        else {
            panic!("not retried: {after:?}");
        };
        assert_eq!(last_fault.expect("told").code, FaultCode::SourceFailed);
        let most = limits().retry_base * 2_u32.pow(attempt - 1);
        assert!(not_before >= now && not_before <= later(now, most));
        if not_before > now {
            let early = not_before - Duration::from_micros(1);
            assert!(s.claim(early).await.is_none(), "it waits for its time");
        }
        now = not_before;
    }
    assert!(s.claim(at(100_000)).await.is_none());
}

pub(crate) async fn a_permanent_fault_ends_the_job(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    let after = s
        .queue
        .fail(claim, fault(FaultCode::SourceMissing, false), true, at(1))
        .await
        .expect("fails");
    assert_eq!(failed_with(&after), FaultCode::SourceMissing);
    assert!(s.claim(at(100_000)).await.is_none());
}

pub(crate) async fn a_pending_job_is_cancelled_at_once(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    let after = s.queue.cancel(&ada(), id, at(1)).await.expect("cancels");
    assert_eq!(failed_with(&after), FaultCode::Cancelled);
    assert!(s.claim(at(2)).await.is_none());
    let again = s.queue.cancel(&ada(), id, at(3)).await.expect("as it is");
    assert_eq!(again, after, "asked twice, it is as it was");
}

pub(crate) async fn a_claimed_job_is_cancelled_through_its_worker(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    let asked = s
        .queue
        .cancel(&ada(), claim.job, at(1))
        .await
        .expect("asks");
    assert_eq!(asked.status(), JobStatus::Processing);
    s.queue
        .cancel(&ada(), claim.job, at(1))
        .await
        .expect("asks twice");
    let orders = s
        .queue
        .heartbeat(claim, progress(1, 1), None, LEASE, at(2))
        .await;
    assert_eq!(orders.expect("held"), Orders::Cancel);
    let after = s
        .queue
        .fail(claim, fault(FaultCode::Cancelled, false), false, at(3))
        .await
        .expect("fails");
    assert_eq!(failed_with(&after), FaultCode::Cancelled);

    // A worker that dies, drains or fails instead brings it back no more.
    let silent = s.claimed(at(10)).await;
    s.queue
        .cancel(&ada(), silent.job, at(11))
        .await
        .expect("asks");
    s.sweep(at(50)).await;
    let drained = s.claimed(at(60)).await;
    s.queue
        .cancel(&ada(), drained.job, at(61))
        .await
        .expect("asks");
    s.queue.release(drained, at(62)).await.expect("releases");
    let failing = s.claimed(at(70)).await;
    s.queue
        .cancel(&ada(), failing.job, at(71))
        .await
        .expect("asks");
    s.queue
        .fail(failing, fault(FaultCode::StorageFailed, true), true, at(72))
        .await
        .expect("fails");
    for ended in [silent, drained, failing] {
        let job = s.read(ended.job).await.expect("there");
        assert_eq!(failed_with(&job), FaultCode::Cancelled);
    }
}

pub(crate) async fn an_ended_job_cannot_be_cancelled(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    s.queue
        .complete(claim, artifact(claim.job), at(1))
        .await
        .expect("completes");
    is_conflict(&s.queue.cancel(&ada(), claim.job, at(2)).await);
    let claim = s.claimed(at(3)).await;
    let gone = fault(FaultCode::SourceMissing, false);
    s.queue
        .fail(claim, gone, false, at(4))
        .await
        .expect("fails");
    is_conflict(&s.queue.cancel(&ada(), claim.job, at(5)).await);
    let unknown = s.queue.cancel(&ada(), job().id, at(5)).await;
    assert!(matches!(unknown, Err(QueueError::Unknown)));
}

pub(crate) async fn only_a_failed_job_can_be_run_again(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    is_conflict(&s.queue.retry(&ada(), id, at(0)).await);
    let claim = s.claim(at(1)).await.expect("a job").key;
    is_conflict(&s.queue.retry(&ada(), id, at(1)).await);
    let gone = fault(FaultCode::SourceMissing, false);
    s.queue
        .fail(claim, gone, false, at(2))
        .await
        .expect("fails");
    let again = s.queue.retry(&ada(), id, at(3)).await.expect("runs again");
    assert_eq!((again.status(), again.attempt), (JobStatus::Pending, 0));
    let claim = s.claim(at(4)).await.expect("a job");
    assert_eq!((claim.key.job, claim.key.attempt), (id, 1));
    assert_eq!(
        claim.job.attempt_ever(),
        2,
        "artifact keys never come twice"
    );
    s.queue
        .complete(claim.key, artifact(id), at(5))
        .await
        .expect("completes");
    is_conflict(&s.queue.retry(&ada(), id, at(6)).await);
}

pub(crate) async fn an_upload_is_handed_on_and_told_when_nobody_takes_it_up(s: &Subject) {
    let claim = s.claimed(at(0)).await;
    let beat = s
        .queue
        .heartbeat(claim, progress(1, 1), Some(upload("a")), LEASE, at(1));
    beat.await.expect("beats");
    let swept = s.sweep(at(60)).await;
    assert_eq!(swept.lost_leases, [claim.job]);
    assert!(
        swept.orphaned_uploads.is_empty(),
        "the next attempt may take it up"
    );
    let next = s.claim(at(400)).await.expect("retried");
    assert_eq!(next.job.upload, Some(upload("a")));
    s.beat(next.key, 2, at(401)).await;
    // It begins its own: the first is nobody's now.
    let beat = s
        .queue
        .heartbeat(next.key, progress(3, 1), Some(upload("b")), LEASE, at(402));
    beat.await.expect("beats");
    assert_eq!(s.sweep(at(403)).await.orphaned_uploads, [upload("a")]);
    let gone = fault(FaultCode::SourceMissing, false);
    let after = s
        .queue
        .fail(next.key, gone, true, at(404))
        .await
        .expect("fails");
    assert_eq!(after.upload, None);
    assert_eq!(s.sweep(at(405)).await.orphaned_uploads, [upload("b")]);
    assert!(
        s.sweep(at(406)).await.orphaned_uploads.is_empty(),
        "told once"
    );

    let done = s.claimed(at(500)).await;
    let beat = s
        .queue
        .heartbeat(done, progress(1, 1), Some(upload("c")), LEASE, at(501));
    beat.await.expect("beats");
    s.queue
        .complete(done, artifact(done.job), at(502))
        .await
        .expect("completes");
    assert!(
        s.sweep(at(503)).await.orphaned_uploads.is_empty(),
        "it became the artifact"
    );
}
