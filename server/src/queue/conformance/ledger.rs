//! The ledger: each job that was accepted is counted once, for ever; and the pause.

use futures::FutureExt;
use longhaul_protocol::FaultCode;

use super::build::*;
use crate::queue::Ledger;

const YEAR: u64 = 365 * 24 * 3600;

async fn told(s: &Subject, now: u64) -> Ledger {
    let ledger = s.queue.ledger(at(now)).await.expect("tells");
    assert_eq!(ledger.missing(), 0, "{ledger:?}");
    ledger
}

pub(crate) async fn the_ledger_tells_what_became_of_each_job_for_ever(s: &Subject) {
    assert_eq!(told(s, 0).await, Ledger::default());
    let done = s.claimed(at(0)).await;
    let done = (s.queue.complete(done, artifact(done.job), at(1)).await).map(|()| done.job);
    let done = done.expect("completes");
    let failed = s.claimed(at(1)).await;
    let why = fault(FaultCode::SourceMissing, false);
    let failed = s
        .queue
        .fail(failed, why, false, at(1))
        .await
        .expect("fails");
    let cancelled = s.put(job(), at(1)).await;
    s.queue
        .cancel(&ada(), cancelled, at(1))
        .await
        .expect("cancels");
    let busy = s.claimed(at(2)).await;
    let waiting = s.put(job(), at(3)).await;
    let all = Ledger {
        accepted: 5,
        completed: 1,
        failed: 1,
        cancelled: 1,
        pending: 1,
        processing: 1,
        workers: 1,
        oldest_waiting: Some(at(3)),
        ..Ledger::default()
    };
    assert_eq!(told(s, 3).await, all);

    // Run again, a job has not ended; ended again, it is counted once.
    s.queue
        .retry(&ada(), failed.id, at(4))
        .await
        .expect("again");
    assert_eq!((told(s, 4).await.failed, told(s, 4).await.pending), (0, 2));
    s.queue
        .cancel(&ada(), failed.id, at(5))
        .await
        .expect("cancels");
    assert_eq!(told(s, 5).await.cancelled, 2);

    // Given up, swept, and forgotten: still told by how each ended.
    s.queue.release(busy, at(5)).await.expect("gives back");
    let late = 3 * YEAR;
    let swept = s.sweep(at(late)).await;
    assert_eq!(swept.abandoned.len(), 2);
    assert_eq!(swept.expired.len(), 1);
    let ledger = told(s, late).await;
    assert_eq!((ledger.completed, ledger.cancelled), (1, 4));
    s.sweep(at(2 * late)).await;
    for gone in [done, failed.id, cancelled, busy.job, waiting] {
        assert!(s.read(gone).await.is_none());
    }
    let forgotten = Ledger {
        accepted: 5,
        completed: 1,
        cancelled: 4,
        ..Ledger::default()
    };
    assert_eq!(told(s, 2 * late).await, forgotten);
}

pub(crate) async fn the_oldest_wait_is_told_whatever_stands_first(s: &Subject) {
    let mut low = job();
    low.priority = 0;
    s.put(low, at(10)).await;
    let mut urgent = job();
    urgent.priority = 9;
    let urgent = s.put(urgent, at(20)).await;
    assert_eq!(told(s, 30).await.oldest_waiting, Some(at(10)));
    assert_eq!(s.claim(at(30)).await.expect("a job").key.job, urgent);
    assert_eq!(told(s, 30).await.oldest_waiting, Some(at(10)));
    let claim = s.claim(at(31)).await.expect("the other").key;
    assert_eq!(told(s, 31).await.oldest_waiting, None);
    // A retry waits for a worker from its time on, not before.
    let why = fault(FaultCode::SourceFailed, true);
    let after = s
        .queue
        .fail(claim, why, false, at(40))
        .await
        .expect("fails");
    let crate::queue::JobState::Pending { not_before, .. } = after.state else {
        panic!("not retried");
    };
    if not_before > at(40) {
        assert_eq!(told(s, 40).await.oldest_waiting, None);
    }
    assert_eq!(told(s, 60).await.oldest_waiting, Some(not_before));
}

pub(crate) async fn a_paused_queue_hands_out_nothing_and_then_goes_on(s: &Subject) {
    let running = s.claimed(at(0)).await;
    let waiting = s.put(job(), at(0)).await;
    s.queue.set_paused(true, at(1)).await.expect("pauses");
    assert!(told(s, 1).await.paused);
    assert!(s.claim(at(1)).await.is_none());
    let mut wait = Box::pin(s.queue.claimable());
    assert!((&mut wait).now_or_never().is_none(), "there is nothing");
    // What runs goes on, and what comes is taken.
    s.beat(running, 500, at(2)).await;
    s.put(job(), at(2)).await;
    s.queue
        .complete(running, artifact(running.job), at(2))
        .await
        .expect("completes");
    assert!(s.claim(at(3)).await.is_none());
    s.queue.set_paused(false, at(4)).await.expect("resumes");
    super::waking::soon("the work", wait).await;
    assert_eq!(s.claim(at(4)).await.expect("a job").key.job, waiting);
}
