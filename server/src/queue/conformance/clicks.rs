//! Enqueueing: one click, one job.

use longhaul_protocol::JobStatus;

use super::build::*;
use crate::queue::{Enqueued, NewJob, Owner, QueueError};

const DAY: u64 = 24 * 3600;

pub(crate) async fn one_key_makes_one_job(s: &Subject) {
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let queue = s.queue.clone();
        clicks.spawn(async move {
            queue
                .enqueue(keyed(1, "body"), at(0))
                .await
                .expect("enqueues")
        });
    }
    let answers = clicks.join_all().await;
    let fresh = answers
        .iter()
        .filter(|a| matches!(a, Enqueued::Fresh(_)))
        .count();
    assert_eq!(fresh, 1);
    let ids: std::collections::BTreeSet<_> = answers
        .iter()
        .map(|answer| match answer {
            Enqueued::Fresh(job) | Enqueued::Same(job) => job.id,
        })
        .collect();
    assert_eq!(ids.len(), 1);
    let reused = s.queue.enqueue(keyed(1, "another body"), at(1)).await;
    assert!(matches!(reused, Err(QueueError::KeyReused)), "{reused:?}");
    // Another owner's key is another key.
    let other = NewJob {
        owner: Owner("bob".into()),
        ..keyed(1, "another body")
    };
    assert!(matches!(
        s.queue.enqueue(other, at(1)).await,
        Ok(Enqueued::Fresh(_))
    ));
    // The job as it is now, not as it was.
    let claim = s.claim(at(2)).await.expect("a job");
    s.queue
        .complete(claim.key, artifact(claim.key.job), at(3))
        .await
        .expect("completes");
    match s
        .queue
        .enqueue(keyed(1, "body"), at(DAY - 1))
        .await
        .expect("enqueues")
    {
        Enqueued::Same(job) => assert_eq!(job.status(), JobStatus::Completed),
        Enqueued::Fresh(_) => panic!("made twice"),
    }
}

pub(crate) async fn a_key_is_forgotten_after_a_day(s: &Subject) {
    let first = s.put(keyed(1, "body"), at(0)).await;
    let second = s.put(keyed(1, "another body"), at(DAY)).await;
    assert_ne!(first, second);
    // Sweeping the older use's age leaves the newer use in place.
    s.sweep(at(DAY + 1)).await;
    let reused = s.queue.enqueue(keyed(1, "body"), at(DAY + 2)).await;
    assert!(matches!(reused, Err(QueueError::KeyReused)), "{reused:?}");
    s.sweep(at(2 * DAY + 1)).await;
    s.put(keyed(1, "third body"), at(2 * DAY + 2)).await;
}

pub(crate) async fn a_full_queue_refuses_and_takes_again(s: &Subject) {
    for n in 0..500 {
        s.put(keyed(n, "body"), at(0)).await;
    }
    let refused = s.queue.enqueue(job(), at(0)).await;
    assert!(matches!(refused, Err(QueueError::Full)), "{refused:?}");
    let known = s.queue.enqueue(keyed(3, "body"), at(0)).await;
    assert!(
        matches!(known, Ok(Enqueued::Same(_))),
        "a known click is answered even so"
    );
    s.claim(at(1)).await.expect("a job");
    s.put(job(), at(1)).await;
}
