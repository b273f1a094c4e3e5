//! Links that run out, and fresh ones.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content},
        pulls::{Links, Pull, names, observe},
    },
};

#[tokio::test]
async fn a_link_that_runs_out_midway_is_renewed_and_nothing_is_fetched_twice() {
    let bytes = content(8 * MIB, 40);
    let rules = Rules {
        token: Some(1),
        expire_after: Some(2 << 20),
        cut: Some((700_000, 6)),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let links = Links::to(origin.url());
    let folder = tempfile::tempdir().expect("a folder");
    let finished = Pull::of(links.clone(), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(finished.links_renewed, 1);
    assert_eq!(links.renewed.load(Ordering::SeqCst), 1);
    assert!(finished.bytes_fetched < bytes.len() as u64 * 11 / 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_share_one_renewal_and_leave_a_refused_link_alone() {
    let bytes = content(32 * MIB, 41);
    let rules = Rules {
        token: Some(1),
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let links = Arc::new(Links {
        gate: Some(Semaphore::new(0)),
        ..Arc::into_inner(Links::to(origin.url())).expect("just made")
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(links.clone(), folder.path());
    // More than the fresh links that may be refused in a row: they must count as one.
    pull.request.connections = 6;
    let mut watcher = pull.progress.subscribe();
    let expire = async {
        watcher
            .wait_for(|progress| progress.connections == 6)
            .await
            .expect("grows");
        {
            let mut rules = origin.rules();
            rules.token = Some(2);
            // All six lose their connection now, and meet the end of the link together.
            rules.cut = Some((0, 6));
        }
        // The fresh link is slow to come: until it does, the old one is of no use to anyone.
        watcher
            .wait_for(|progress| progress.connections == 0)
            .await
            .expect("all are refused");
        observe(|| (origin.refused() > 0 && origin.open() == 0).then_some(()));
        links.gate.as_ref().expect("a gate").add_permits(100);
    };
    let (finished, ()) = tokio::join!(pull.run(), expire);
    let path = finished.expect("finishes").path;
    assert_eq!(std::fs::read(path).expect("reads"), bytes);
    assert_eq!(links.renewed.load(Ordering::SeqCst), 1);
    assert!(origin.refused() <= 6, "{} times refused", origin.refused());
}

#[tokio::test]
async fn fresh_links_that_are_refused_at_once_end_the_pull() {
    let origin = Origin::start(
        content(MIB, 42),
        Rules {
            token: Some(1000),
            ..Rules::default()
        },
    )
    .await;
    let links = Links::to(origin.url());
    let folder = tempfile::tempdir().expect("a folder");
    let error = Pull::of(links.clone(), folder.path())
        .run()
        .await
        .expect_err("refused");
    assert_eq!(error.code(), "link_refused");
    assert!(error.to_string().contains("403"), "{error}");
    assert!(links.renewed.load(Ordering::SeqCst) <= 5);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_link_is_renewed_before_it_runs_out() {
    let bytes = content(4 * MIB, 43);
    let rules = Rules {
        rate: Some(1 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let links = Arc::new(Links {
        life: Some(Duration::from_millis(1000)),
        ..Arc::into_inner(Links::to(origin.url())).expect("just made")
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(links.clone(), folder.path());
    pull.request.connections = 1;
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert!(finished.links_renewed >= 1);
    assert!(
        finished.links_renewed <= 4,
        "a life of a second, four seconds: {}",
        finished.links_renewed
    );
}

#[tokio::test]
async fn no_link_is_ever_written_down() {
    let rules = Rules {
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(content(6 * MIB, 44), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    // One connection, so that the record has a whole block to claim.
    pull.request.connections = 1;
    let error = pull
        .run_until(|progress| progress.done > 3 * MIB as u64)
        .await;
    let record =
        std::fs::read_to_string(crate::support::pulls::record(folder.path())).expect("reads");
    assert!(record.contains("\"done\":[{"), "{record}");
    for text in [
        record,
        error.to_string(),
        format!("{error:?} {:?}", pull.progress.borrow()),
    ] {
        assert!(
            !text.contains("token=") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
}
