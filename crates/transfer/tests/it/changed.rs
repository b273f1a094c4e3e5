//! An object that becomes another one while it is pulled, or between two runs.

use crate::{
    MIB,
    support::{
        origin::{ETAG, Origin, Rules, content},
        pulls::{Links, Pull, names},
    },
};

#[tokio::test]
async fn an_object_that_changes_midway_starts_over_and_says_so() {
    let later = content(3 * MIB + 9, 51);
    let rules = Rules {
        change_after: Some((2 << 20, later.clone(), "\"second\"")),
        cut: Some((2 << 20, 1)),
        ..Rules::default()
    };
    let origin = Origin::start(content(8 * MIB, 50), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = Pull::of(Links::to(origin.url()), folder.path());
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(&finished.path).expect("reads"), later);
    assert_eq!(pull.progress.borrow().started_over, 1);
    assert_eq!(names(folder.path()), ["thing.bin"]);
}

#[tokio::test]
async fn an_object_that_was_named_by_its_etag_must_not_change() {
    let rules = Rules {
        change_after: Some((2 << 20, content(8 * MIB, 53), "\"second\"")),
        cut: Some((2 << 20, 1)),
        ..Rules::default()
    };
    let origin = Origin::start(content(8 * MIB, 52), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.etag = Some(ETAG.to_owned());
    let error = pull.run().await.expect_err("changed");
    assert_eq!((error.code(), error.retryable()), ("changed", false));
    assert!(error.kept() > 0);
    assert!(!names(folder.path()).contains(&"thing.bin".to_owned()));
}

#[tokio::test]
async fn an_object_that_keeps_changing_is_given_up() {
    let origin = Origin::start(content(4 * MIB, 54), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = Pull::of(Links::to(origin.url()), folder.path());
    let mut watcher = pull.progress.subscribe();
    origin.rules().cut = Some((1 << 20, u32::MAX));
    origin.rules().change_after = Some((1 << 20, content(4 * MIB, 55), "\"e0\""));
    let change = async {
        for (round, etag) in ["\"e1\"", "\"e2\"", "\"e3\"", "\"e4\"", "\"e5\""]
            .into_iter()
            .enumerate()
        {
            let wanted = u32::try_from(round).expect("few") + 1;
            if watcher
                .wait_for(|progress| {
                    progress.started_over >= wanted
                        || progress.trouble.is_some()
                            && progress.connections == 0
                            && progress.started_over >= 3
                })
                .await
                .is_err()
            {
                return;
            }
            let after = origin.sent() + (1 << 20);
            origin.rules().change_after = Some((after, content(4 * MIB, 60 + round as u64), etag));
            if wanted >= 3 {
                return;
            }
        }
    };
    let (result, ()) = tokio::join!(pull.run(), change);
    assert_eq!(result.expect_err("never the same").code(), "changed");
}

#[tokio::test]
async fn what_is_kept_of_another_version_is_not_used() {
    let later = content(6 * MIB, 57);
    let rules = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(content(6 * MIB, 56), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.run_until(|progress| progress.done > 2 * MIB as u64)
        .await;
    origin.replace(later.clone(), "\"second\"");
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), later);
    assert_eq!(pull.progress.borrow().started_over, 1);
}

#[tokio::test]
async fn a_size_that_was_not_expected_is_an_error() {
    let origin = Origin::start(content(MIB, 58), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.size = Some(MIB as u64 + 1);
    assert_eq!(
        pull.run().await.expect_err("another size").code(),
        "changed"
    );
    assert_eq!(names(folder.path()), [""; 0]);
}
