//! What a pull does when all goes well, in all the ways in which servers serve.

use std::time::{Duration, Instant};

use longhaul_protocol::{Crc64Nvme, Sha256};
use longhaul_transfer::{Limit, Verified};

use crate::{
    MIB,
    support::{
        origin::{ETAG, Origin, Rules, content, manifest, sha256},
        pulls::{Links, Pull, names},
    },
};

#[tokio::test]
async fn a_file_arrives_with_its_bytes_and_leaves_nothing_else() {
    let bytes = content(9 * MIB + 17, 1);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(std::fs::read(&finished.path).expect("reads"), bytes);
    assert_eq!(names(folder.path()), ["thing.bin"]);
    assert_eq!(finished.size, bytes.len() as u64);
    assert_eq!(finished.crc64nvme, Crc64Nvme(crc_fast::crc64_nvme(&bytes)));
    assert_eq!(finished.verified, Verified::Length);
}

#[tokio::test]
async fn the_first_question_is_a_ranged_get_and_later_ones_name_the_etag() {
    let rules = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(content(8 * MIB, 2), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    let seen = origin.seen();
    assert!(seen.iter().all(|request| request.method == "GET"));
    assert!(
        seen.iter()
            .all(|request| request.headers["accept-encoding"] == "identity")
    );
    assert_eq!(seen[0].headers["range"], "bytes=0-");
    assert!(!seen[0].headers.contains_key("if-match"));
    assert!(
        seen.len() > 1,
        "one connection at 4 MiB/s is too slow for 8 MiB"
    );
    assert!(
        seen[1..]
            .iter()
            .all(|request| request.headers["if-match"] == ETAG)
    );
}

#[tokio::test]
async fn slow_connections_are_joined_by_others_up_to_the_cap() {
    let bytes = content(16 * MIB, 3);
    let rules = Rules {
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    let took = begun.elapsed();
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(origin.most_open(), 4);
    assert!(
        took < Duration::from_secs(6),
        "one connection takes 8 s; this took {took:?}"
    );
    assert!(
        finished.bytes_fetched < bytes.len() as u64 * 11 / 10,
        "{}",
        finished.bytes_fetched
    );
}

/// On one thread the connections of a pull begin in their order; on several they race.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_race_from_the_start_mix_nothing_up() {
    let bytes = content(20 * MIB, 15);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let pull = Pull::of(Links::to(origin.url()), folder.path());
        // As a task of its own, as the app has it: what a task spawns last, runs first.
        let finished = tokio::spawn(async move { pull.run().await });
        let finished = finished.await.expect("no panic").expect("finishes");
        assert!(std::fs::read(finished.path).expect("reads") == bytes);
    }
}

#[tokio::test]
async fn an_empty_object_becomes_an_empty_file() {
    for rules in [
        Rules::default(),
        Rules {
            bare_416: true,
            ..Rules::default()
        },
        Rules {
            ignore_ranges: true,
            ..Rules::default()
        },
        Rules {
            ignore_ranges: true,
            chunked: true,
            ..Rules::default()
        },
    ] {
        let shown = format!("{rules:?}");
        let origin = Origin::start(Vec::new(), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.expected.sha256 = Some(sha256(b""));
        let finished = pull.run().await.expect(&shown);
        assert_eq!(finished.size, 0, "{shown}");
        assert_eq!(std::fs::read(&finished.path).expect("reads"), b"");
        assert_eq!(names(folder.path()), ["thing.bin"], "{shown}");
        assert_eq!(finished.verified, Verified::Digest);
    }
}

#[tokio::test]
async fn a_server_without_ranges_gets_one_stream() {
    for chunked in [false, true] {
        let bytes = content(5 * MIB + 3, 4);
        let rules = Rules {
            ignore_ranges: true,
            chunked,
            rate: Some(16 << 20),
            ..Rules::default()
        };
        let origin = Origin::start(bytes.clone(), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.expected.crc64nvme = Some(Crc64Nvme(crc_fast::crc64_nvme(&bytes)));
        let finished = pull.run().await.expect("finishes");
        assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
        assert_eq!(origin.seen().len(), 1);
        assert_eq!(finished.verified, Verified::Digest);
    }
}

#[tokio::test]
async fn a_server_that_ignores_only_later_ranges_is_asked_for_everything() {
    let bytes = content(6 * MIB, 5);
    let rules = Rules {
        ignore_later_ranges: true,
        cut: Some((MIB as u64, 1)),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
}

#[tokio::test]
async fn a_server_that_sends_less_than_was_asked_for_is_asked_again() {
    let bytes = content(3 * MIB + 5, 6);
    let rules = Rules {
        short_ranges: Some(700_001),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(finished.bytes_fetched, bytes.len() as u64);
}

#[tokio::test]
async fn a_sha256_is_computed_only_where_it_is_asked_for() {
    let bytes = content(4 * MIB, 7);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.sha256 = Some(sha256(&bytes));
    let finished = pull.run().await.expect("finishes");
    assert_eq!(finished.sha256, Some(sha256(&bytes)));
    assert_eq!(finished.verified, Verified::Digest);
    let plain = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(plain.sha256, None);
}

#[tokio::test]
async fn a_file_of_another_digest_is_no_file() {
    let bytes = content(2 * MIB, 8);
    let origin = Origin::start(bytes, Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.sha256 = Some(Sha256([7; 32]));
    let error = pull.run().await.expect_err("differs");
    assert_eq!((error.code(), error.kept()), ("digest_mismatch", 0));
    assert_eq!(names(folder.path()), [""; 0]);
    pull.request.expected.sha256 = None;
    pull.request.expected.crc64nvme = Some(Crc64Nvme(1));
    assert_eq!(
        pull.run().await.expect_err("differs").code(),
        "digest_mismatch"
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_manifest_proves_each_block() {
    for block in [MIB as u64, 2 * MIB as u64, 300_000] {
        let bytes = content(5 * MIB + 1, 9);
        let origin = Origin::start(bytes.clone(), Rules::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.expected.manifest = Some(manifest(&bytes, block).into());
        let finished = pull.run().await.expect("finishes");
        assert_eq!(finished.verified, Verified::Blocks);
        assert_eq!(pull.progress.borrow().verified, bytes.len() as u64);
    }
}

#[tokio::test]
async fn a_limit_holds_and_can_be_lifted() {
    let bytes = content(2 * MIB, 10);
    let origin = Origin::start(bytes, Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.limit = Limit::new(Some(2 << 20));
    let begun = Instant::now();
    pull.run().await.expect("finishes");
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(850) && took < Duration::from_secs(3),
        "{took:?}"
    );

    let pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.engine.set_limit(Some(1000));
    let mut watcher = pull.progress.subscribe();
    let lift = async {
        watcher
            .wait_for(|progress| progress.done > 0)
            .await
            .expect("begins");
        pull.engine.set_limit(None);
    };
    let (finished, ()) = tokio::join!(pull.run(), lift);
    finished.expect("finishes long before the half hour that the limit would take");
}

#[tokio::test]
async fn many_small_files_share_a_limit() {
    let origin = Origin::start(content(50_000, 12), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let engine = crate::support::pulls::engine();
    engine.set_limit(Some(500_000));
    let begun = Instant::now();
    for _ in 0..10 {
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.engine = engine.clone();
        pull.run().await.expect("finishes");
    }
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(850),
        "500 KB at 500 KB/s took {took:?}"
    );
    assert_eq!(names(folder.path()).len(), 10);
}

#[tokio::test]
async fn progress_has_a_map_without_gap_and_comes_at_most_ten_times_a_second() {
    let bytes = content(6 * MIB, 11);
    let rules = Rules {
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = Pull::of(Links::to(origin.url()), folder.path());
    let mut watcher = pull.progress.subscribe();
    let begun = Instant::now();
    let mut seen = 0u32;
    let watch = async {
        while watcher.changed().await.is_ok() {
            seen += 1;
            let progress = watcher.borrow_and_update().clone();
            let mut from = 0;
            for segment in &progress.segments {
                assert_eq!(segment.start, from);
                assert!(segment.done <= segment.end - segment.start);
                from = segment.end;
            }
            if !progress.segments.is_empty() {
                assert_eq!(from, bytes.len() as u64);
            }
            if progress.done == bytes.len() as u64 && progress.connections == 0 {
                break;
            }
        }
    };
    let (finished, ()) = tokio::join!(pull.run(), watch);
    finished.expect("finishes");
    let most = begun.elapsed().as_millis() / 100 + 4;
    assert!(u128::from(seen) <= most, "{seen} reports, {most} at most");
    assert!(seen > 3);
}
