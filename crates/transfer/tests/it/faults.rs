//! What a pull does when the source or the network fails.

use std::time::{Duration, Instant};

use longhaul_transfer::Error;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content, manifest},
        pulls::{Links, Pull, names},
    },
};

async fn survives(bytes: &[u8], rules: Rules) -> longhaul_transfer::Finished {
    let shown = format!("{rules:?}");
    let origin = Origin::start(bytes.to_vec(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert_eq!(
        std::fs::read(&finished.path).expect("reads"),
        bytes,
        "{shown}"
    );
    assert_eq!(names(folder.path()), ["thing.bin"], "{shown}");
    finished
}

async fn ends_in(bytes: Vec<u8>, rules: Rules) -> (Error, Vec<String>, usize) {
    let origin = Origin::start(bytes, rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let error = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect_err("it cannot succeed");
    (error, names(folder.path()), origin.seen().len())
}

#[tokio::test]
async fn a_cut_connection_costs_only_what_it_had_not_sent() {
    let bytes = content(8 * MIB, 20);
    let finished = survives(
        &bytes,
        Rules {
            cut: Some((900_000, 5)),
            ..Rules::default()
        },
    )
    .await;
    assert!(
        finished.bytes_fetched < bytes.len() as u64 * 11 / 10,
        "{}",
        finished.bytes_fetched
    );
}

#[tokio::test]
async fn a_cut_stream_without_ranges_begins_again() {
    for chunked in [false, true] {
        let bytes = content(2 * MIB, 21);
        survives(
            &bytes,
            Rules {
                ignore_ranges: true,
                chunked,
                cut: Some((MIB as u64, 2)),
                ..Rules::default()
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_stream_that_never_gets_further_is_given_up() {
    let rules = Rules {
        ignore_ranges: true,
        cut: Some((500_000, u32::MAX)),
        ..Rules::default()
    };
    let (error, _, asked) = ends_in(content(2 * MIB, 22), rules).await;
    assert_eq!(
        (error.code(), error.retryable(), error.kept()),
        ("network", true, 0)
    );
    assert!(asked < 25, "{asked} tries");
}

#[tokio::test]
async fn a_stalled_connection_is_dropped_and_its_rest_asked_for_anew() {
    let bytes = content(4 * MIB, 23);
    let begun = Instant::now();
    let finished = survives(
        &bytes,
        Rules {
            stall: Some((600_000, 2)),
            ..Rules::default()
        },
    )
    .await;
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert!(finished.bytes_fetched < bytes.len() as u64 * 11 / 10);
}

#[tokio::test]
async fn an_overloaded_source_is_waited_for_as_it_asked() {
    let bytes = content(MIB, 24);
    let begun = Instant::now();
    survives(
        &bytes,
        Rules {
            busy: Some((503, Some("1"), 1)),
            ..Rules::default()
        },
    )
    .await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    survives(
        &bytes,
        Rules {
            busy: Some((429, None, 4)),
            ..Rules::default()
        },
    )
    .await;
}

#[tokio::test]
async fn a_source_that_is_always_overloaded_is_given_up() {
    let rules = Rules {
        busy: Some((500, None, u32::MAX)),
        ..Rules::default()
    };
    let (error, left, asked) = ends_in(content(MIB, 25), rules).await;
    assert_eq!((error.code(), error.retryable()), ("overloaded", true));
    assert_eq!(asked, 10);
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_then_given_up() {
    let origin = Origin::start(Vec::new(), Rules::default()).await;
    let links = Links::to(origin.url());
    drop(origin);
    let folder = tempfile::tempdir().expect("a folder");
    let error = Pull::of(links, folder.path())
        .run()
        .await
        .expect_err("nobody is there");
    assert_eq!((error.code(), error.retryable()), ("network", true));
    assert!(!error.to_string().contains("token"), "{error}");
}

#[tokio::test]
async fn a_damaged_block_alone_is_fetched_again() {
    let bytes = content(8 * MIB, 26);
    let rules = Rules {
        corrupt: Some((5_000_000, 1)),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    // What a second connection leaves unread of a reply may be what was damaged in it.
    pull.request.connections = 1;
    pull.request.expected.manifest = Some(manifest(&bytes, MIB as u64).into());
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(finished.blocks_refetched, 1);
    assert_eq!(finished.bytes_fetched, 9 * MIB as u64);
}

#[tokio::test]
async fn a_block_that_is_always_damaged_is_never_a_file() {
    let bytes = content(4 * MIB, 27);
    let rules = Rules {
        corrupt: Some((1_500_000, u32::MAX)),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.manifest = Some(manifest(&bytes, MIB as u64).into());
    let error = pull.run().await.expect_err("never fits");
    assert_eq!(error.code(), "digest_mismatch");
    assert!(!names(folder.path()).contains(&"thing.bin".to_owned()));
    // The good blocks are kept, and once the source is well again they are all that is needed.
    assert_eq!(error.kept(), 3 * MIB as u64);
    origin.rules().corrupt = None;
    let before = origin.sent();
    pull.run().await.expect("finishes");
    assert_eq!(origin.sent() - before, MIB as u64);
}

#[tokio::test]
async fn a_wrong_content_range_is_not_written() {
    let bytes = content(4 * MIB, 28);
    let rules = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.run_until(|progress| progress.done > MIB as u64).await;
    origin.rules().wrong_range = 3;
    let finished = pull.run().await.expect("finishes");
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert_eq!(origin.rules().wrong_range, 0);
}

#[tokio::test]
async fn ranges_that_are_always_wrong_end_the_pull() {
    let bytes = content(4 * MIB, 29);
    let rules = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes, rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.run_until(|progress| progress.done > MIB as u64).await;
    origin.rules().wrong_range = u32::MAX;
    let error = pull.run().await.expect_err("never fits");
    assert_eq!(error.code(), "bad_reply");
    assert!(error.kept() >= MIB as u64);
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    let rules = Rules {
        headers: vec![("Content-Encoding", "gzip".into())],
        ..Rules::default()
    };
    let (error, left, asked) = ends_in(content(MIB, 30), rules).await;
    assert_eq!(
        (error.code(), error.retryable(), asked),
        ("not_a_file", false, 1)
    );
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_web_page_in_place_of_a_file_is_refused() {
    let rules = Rules {
        headers: vec![("Content-Type", "text/html; charset=utf-8".into())],
        ..Rules::default()
    };
    let (error, left, _) = ends_in(
        b"<html>Your link has expired</html>".to_vec(),
        rules.clone(),
    )
    .await;
    assert_eq!(error.code(), "not_a_file");
    assert_eq!(left, [""; 0]);
    let origin = Origin::start(b"<html>".to_vec(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.size = Some(4 << 20);
    assert_eq!(pull.run().await.expect_err("a page").code(), "not_a_file");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn endless_redirects_end() {
    let rules = Rules {
        redirect: Some("/files/again".into()),
        ..Rules::default()
    };
    let (error, _, asked) = ends_in(content(MIB, 31), rules).await;
    assert_eq!((error.code(), error.retryable()), ("redirect", false));
    assert!(asked <= 12, "{asked}");
}

#[tokio::test]
async fn a_redirect_away_from_http_is_not_followed() {
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/x"] {
        let rules = Rules {
            redirect: Some(to.into()),
            ..Rules::default()
        };
        let (error, ..) = ends_in(content(MIB, 32), rules).await;
        assert_eq!(error.code(), "redirect", "{to}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_asked_for_again() {
    for (status, code) in [(404, "not_found"), (410, "not_found"), (405, "refused")] {
        let rules = Rules {
            status: Some(status),
            ..Rules::default()
        };
        let (error, left, asked) = ends_in(content(MIB, 33), rules).await;
        assert_eq!((error.code(), error.retryable(), asked), (code, false, 1));
        assert_eq!(left, [""; 0]);
    }
}

#[tokio::test]
async fn a_disk_without_room_is_known_at_once() {
    let rules = Rules {
        ignore_ranges: true,
        ..Rules::default()
    };
    let origin = Origin::start(content(MIB, 34), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    origin.rules().status = None;
    // A chunked body does not contradict a size that no disk has.
    origin.rules().chunked = true;
    pull.request.expected.size = Some(1 << 60);
    let error = pull.run().await.expect_err("no disk is that large");
    assert_eq!((error.code(), error.retryable()), ("disk_full", false));
    assert_eq!(names(folder.path()), [""; 0]);
}
