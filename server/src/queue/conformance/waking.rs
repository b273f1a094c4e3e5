//! Waiting: for a job to change, for work to come.

use std::time::Duration;

use futures::FutureExt;
use longhaul_protocol::FaultCode;

use super::build::*;
use crate::queue::JobState;

/// Long enough for any machine; a test that needs it has failed.
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}

pub(crate) async fn a_waiter_wakes_when_its_job_changes(s: &Subject) {
    let id = s.put(job(), at(0)).await;
    let seen = s.read(id).await.expect("there").revision;
    let mut wait = Box::pin(s.queue.changed(id, seen));
    assert!((&mut wait).now_or_never().is_none(), "nothing has changed");
    s.put(job(), at(0)).await;
    assert!(
        (&mut wait).now_or_never().is_none(),
        "another job is no news"
    );
    let claim = s.claim(at(1)).await.expect("a job").key;
    soon("the claim", wait).await;
    let seen = s.read(id).await.expect("there").revision;
    let mut wait = Box::pin(s.queue.changed(id, seen));
    assert!((&mut wait).now_or_never().is_none());
    s.beat(claim, 0, at(2)).await;
    s.beat(claim, 500, at(2)).await;
    soon("the progress", wait).await;
    soon("an old revision", s.queue.changed(id, seen)).await;
    soon("an unknown job", s.queue.changed(job().id, 1)).await;
    // Many at once, all of them.
    let seen = s.read(id).await.expect("there").revision;
    let mut waiters = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let queue = s.queue.clone();
        waiters.spawn(async move { queue.changed(id, seen).await });
    }
    tokio::task::yield_now().await;
    s.queue
        .complete(claim, artifact(id), at(3))
        .await
        .expect("completes");
    soon("the completion", waiters.join_all()).await;
}

pub(crate) async fn a_worker_wakes_for_a_new_job_and_for_a_due_retry(s: &Subject) {
    let mut wait = Box::pin(s.queue.claimable());
    assert!((&mut wait).now_or_never().is_none(), "there is nothing");
    s.put(job(), at(0)).await;
    soon("the job", wait).await;
    soon("a job that came before the wait", s.queue.claimable()).await;
    let claim = s.claim(at(0)).await.expect("a job").key;
    let why = fault(FaultCode::SourceFailed, true);
    let after = s.queue.fail(claim, why, false, at(0)).await.expect("fails");
    let JobState::Pending { not_before, .. } = after.state else {
        panic!("not retried");
    };
    // At most two seconds from the clock's present, which goes on from the last call.
    soon("the retry", s.queue.claimable()).await;
    let again = s.claim(not_before).await.expect("due");
    assert_eq!(again.key.job, claim.job);
    assert!(s.queue.claimable().now_or_never().is_none());
    s.queue
        .release(again.key, not_before)
        .await
        .expect("releases");
    soon("the released job", s.queue.claimable()).await;
}
