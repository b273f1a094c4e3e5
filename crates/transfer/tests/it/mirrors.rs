//! Several sources of one file, and the slow end of a pull.

use std::sync::Arc;

use longhaul_transfer::{Error, Finished, LinkSource};

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content, manifest, sha256},
        pulls::{Links, Pull, names},
    },
};

fn at(rate: usize) -> Rules {
    Rules {
        rate: Some(rate as u64),
        ..Rules::default()
    }
}

fn pull_of(folder: &tempfile::TempDir, first: &Origin, mirrors: &[&Origin]) -> Pull {
    let mut pull = Pull::of(Links::to(first.url()), folder.path());
    pull.request.mirrors = mirrors
        .iter()
        .map(|mirror| Links::to(mirror.url()) as Arc<dyn LinkSource>)
        .collect();
    pull
}

fn is_whole(finished: &Finished, folder: &tempfile::TempDir, bytes: &[u8]) {
    assert!(std::fs::read(&finished.path).expect("reads") == bytes);
    assert_eq!(names(folder.path()), ["thing.bin"]);
}

fn dropped(finished: &Finished, source: usize) -> &str {
    finished.sources[source]
        .dropped
        .as_deref()
        .unwrap_or("not dropped")
}

#[tokio::test]
async fn the_faster_source_does_more_and_each_is_asked_by_its_own_etag() {
    let bytes = content(12 * MIB, 1);
    let first = Origin::start(bytes.clone(), at(MIB)).await;
    let mirror = Origin::start(bytes.clone(), at(4 * MIB)).await;
    mirror.replace(bytes.clone(), "\"the mirror's\"");
    let folder = tempfile::tempdir().expect("a folder");
    let finished = pull_of(&folder, &first, &[&mirror])
        .run()
        .await
        .expect("finishes");
    is_whole(&finished, &folder, &bytes);
    let [slow, fast] = &finished.sources[..] else {
        panic!("{:?}", finished.sources);
    };
    assert!(
        slow.fetched > 0 && fast.fetched > slow.fetched,
        "{:?}",
        finished.sources
    );
    assert_eq!((&slow.dropped, &fast.dropped), (&None, &None));
    let etags: Vec<_> = mirror
        .seen()
        .iter()
        .map(|seen| seen.headers.get("if-match").cloned())
        .collect();
    // The first question asks whose it is.
    assert_eq!(etags[0], None);
    assert!(
        etags[1..]
            .iter()
            .all(|etag| etag.as_deref() == Some("\"the mirror's\""))
    );
}

#[tokio::test]
async fn headers_are_not_shown_to_mirrors() {
    let bytes = content(6 * MIB, 2);
    let first = Origin::start(bytes.clone(), at(MIB)).await;
    let mirror = Origin::start(bytes.clone(), at(MIB)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = pull_of(&folder, &first, &[&mirror]);
    pull.request
        .headers
        .insert("authorization", "Bearer secret".parse().expect("a value"));
    let finished = pull.run().await.expect("finishes");
    is_whole(&finished, &folder, &bytes);
    assert!(finished.sources[1].fetched > 0);
    assert!(
        first
            .seen()
            .iter()
            .all(|seen| seen.headers.contains_key("authorization"))
    );
    assert!(
        mirror
            .seen()
            .iter()
            .all(|seen| !seen.headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn a_mirror_of_something_else_is_dropped_before_it_writes_a_byte() {
    let bytes = content(8 * MIB, 3);
    let mut other = bytes.clone();
    other.reverse();
    let longer = content(8 * MIB + 1, 3);
    let no_ranges = Rules {
        ignore_ranges: true,
        ..at(MIB)
    };
    for (content, rules, why) in [
        (other, at(4 * MIB), "its bytes are others"),
        (longer, at(4 * MIB), "8388609 bytes"),
        (bytes.clone(), no_ranges, "the whole came for a range"),
    ] {
        let first = Origin::start(bytes.clone(), at(2 * MIB)).await;
        let mirror = Origin::start(content, rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let finished = pull_of(&folder, &first, &[&mirror])
            .run()
            .await
            .expect("finishes");
        is_whole(&finished, &folder, &bytes);
        assert!(
            dropped(&finished, 1).contains(why),
            "{}",
            dropped(&finished, 1)
        );
        assert_eq!(finished.sources[1].fetched, 0);
    }
}

#[tokio::test]
async fn a_mirror_that_damages_blocks_is_dropped_and_its_blocks_are_mended() {
    let bytes = content(16 * MIB, 4);
    let mut bad = bytes.clone();
    for block in bad.chunks_mut(MIB) {
        block[MIB / 2] ^= 1;
    }
    let first = Origin::start(bytes.clone(), at(MIB)).await;
    let mirror = Origin::start(bad, at(8 * MIB)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = pull_of(&folder, &first, &[&mirror]);
    pull.request.expected.manifest = Some(Arc::new(manifest(&bytes, MIB as u64)));
    let finished = pull.run().await.expect("finishes");
    is_whole(&finished, &folder, &bytes);
    assert_eq!(dropped(&finished, 1), "its blocks came damaged");
    assert!(finished.blocks_refetched >= 2);
}

/// Without a manifest nobody knows which bytes are wrong: all are fetched again from one source.
#[tokio::test]
async fn a_mirror_that_differs_where_it_was_not_sampled_costs_a_second_pull_and_no_wrong_file() {
    let bytes = content(8 * MIB, 5);
    let mut bad = bytes.clone();
    for block in bad.chunks_mut(MIB) {
        block[MIB / 2] ^= 1;
    }
    let first = Origin::start(bytes.clone(), at(2 * MIB)).await;
    let mirror = Origin::start(bad, at(4 * MIB)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = pull_of(&folder, &first, &[&mirror]);
    pull.request.expected.sha256 = Some(sha256(&bytes));
    let finished = pull.run().await.expect("finishes");
    is_whole(&finished, &folder, &bytes);
    assert!(finished.sources[1].fetched > 0);
    assert!(dropped(&finished, 1).contains("not those promised"));
    assert_eq!(pull.progress.borrow().started_over, 1);
}

#[tokio::test]
async fn a_mirror_stands_in_for_a_source_that_is_gone_from_the_start() {
    let bytes = content(3 * MIB, 6);
    for status in [404, 403, 503] {
        let gone = Rules {
            status: Some(status),
            ..Rules::default()
        };
        let first = Origin::start(bytes.clone(), gone).await;
        let mirror = Origin::start(bytes.clone(), Rules::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let finished = pull_of(&folder, &first, &[&mirror])
            .run()
            .await
            .expect("finishes");
        is_whole(&finished, &folder, &bytes);
        assert_ne!(dropped(&finished, 0), "not dropped");
        assert_eq!(finished.sources[1].fetched, bytes.len() as u64);
    }
}

#[tokio::test]
async fn a_mirror_goes_on_where_the_source_dies_midway() {
    let bytes = content(8 * MIB, 7);
    let first = Origin::start(bytes.clone(), at(2 * MIB)).await;
    let mirror = Origin::start(bytes.clone(), at(2 * MIB)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = pull_of(&folder, &first, &[&mirror]);
    let mut watcher = pull.progress.subscribe();
    let die = async {
        watcher
            .wait_for(|progress| progress.done > 2 * MIB as u64)
            .await
            .expect("begins");
        let mut rules = first.rules();
        rules.status = Some(404);
        rules.cut = Some((0, u32::MAX));
    };
    let (finished, ()) = tokio::join!(pull.run(), die);
    let finished = finished.expect("finishes");
    is_whole(&finished, &folder, &bytes);
    assert!(finished.sources[1].fetched > 3 * MIB as u64);
    assert!(finished.bytes_fetched < 9 * MIB as u64);
}

/// Too little is there to know the mirror by: it is asked for everything.
#[tokio::test]
async fn a_source_that_dies_at_once_leaves_all_to_its_mirror() {
    let bytes = content(6 * MIB, 12);
    let rules = Rules {
        stall: Some((16 << 10, 1)),
        ..Rules::default()
    };
    let first = Origin::start(bytes.clone(), rules).await;
    let mirror = Origin::start(bytes.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = pull_of(&folder, &first, &[&mirror]);
    pull.request.connections = 1;
    let mut watcher = pull.progress.subscribe();
    let die = async {
        let begins = |progress: &longhaul_transfer::Progress| progress.fetched > 0;
        watcher.wait_for(begins).await.expect("begins");
        first.rules().status = Some(404);
    };
    let (finished, ()) = tokio::join!(pull.run(), die);
    let finished = finished.expect("finishes");
    is_whole(&finished, &folder, &bytes);
    assert!(
        dropped(&finished, 0).contains("404"),
        "{}",
        dropped(&finished, 0)
    );
    assert_eq!(finished.sources[1].fetched, bytes.len() as u64);
}

#[tokio::test]
async fn when_no_mirror_is_any_good_the_pull_ends() {
    let bytes = content(6 * MIB, 13);
    let gone = Rules {
        status: Some(404),
        ..Rules::default()
    };
    let first = Origin::start(bytes.clone(), at(2 * MIB)).await;
    let mirror = Origin::start(bytes.clone(), gone).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = pull_of(&folder, &first, &[&mirror]);
    let mut watcher = pull.progress.subscribe();
    let die = async {
        let on = |progress: &longhaul_transfer::Progress| progress.done > MIB as u64;
        watcher.wait_for(on).await.expect("begins");
        let mut rules = first.rules();
        rules.status = Some(410);
        rules.cut = Some((0, u32::MAX));
    };
    let (finished, ()) = tokio::join!(pull.run(), die);
    let error = finished.expect_err("nobody has it");
    assert!(
        matches!(error, Error::NotFound { status: 410, .. }),
        "{error:?}"
    );
    assert!(error.kept() > 0);
}

#[tokio::test]
async fn when_all_sources_fail_the_last_ones_reason_is_given() {
    let gone = |status| Rules {
        status: Some(status),
        ..Rules::default()
    };
    let first = Origin::start(content(MIB, 8), gone(500)).await;
    let mirror = Origin::start(content(MIB, 8), gone(404)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let error = pull_of(&folder, &first, &[&mirror])
        .run()
        .await
        .expect_err("fails");
    assert!(
        matches!(error, Error::NotFound { status: 404, .. }),
        "{error:?}"
    );
    assert!(names(folder.path()).is_empty());
}

/// At 1 KiB a second the rest would take longer than any test waits.
#[tokio::test]
async fn a_connection_that_crawls_at_the_end_is_replaced_and_then_hedged() {
    let bytes = content(3 * MIB, 9);
    for times in [1, 2] {
        let rules = Rules {
            crawl: Some((MIB as u64 / 8, times)),
            ..Rules::default()
        };
        let origin = Origin::start(bytes.clone(), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.connections = 2;
        pull.request.expected.manifest = Some(Arc::new(manifest(&bytes, MIB as u64)));
        let finished = pull.run().await.expect("finishes");
        is_whole(&finished, &folder, &bytes);
        assert!(
            finished.bytes_fetched < 5 * MIB as u64,
            "{}",
            finished.bytes_fetched
        );
    }
}

#[tokio::test]
async fn mirrors_resume_what_the_source_began() {
    let bytes = content(8 * MIB, 10);
    let first = Origin::start(bytes.clone(), at(2 * MIB)).await;
    let mirror = Origin::start(bytes.clone(), at(4 * MIB)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = pull_of(&folder, &first, &[&mirror]);
    let stopped = pull
        .run_until(|progress| progress.done > 3 * MIB as u64)
        .await;
    let kept = stopped.kept();
    assert!(kept > 2 * MIB as u64);
    first.rules().status = Some(404);
    let before = mirror.sent();
    let finished = pull.run().await.expect("finishes");
    is_whole(&finished, &folder, &bytes);
    let again = mirror.sent() - before;
    assert!(
        again <= bytes.len() as u64 - kept + MIB as u64,
        "{again} after {kept}"
    );
}

#[tokio::test]
async fn mirrors_that_the_server_names_are_used_where_it_gives_a_digest() {
    let bytes = content(12 * MIB, 11);
    let digest =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sha256(&bytes).0);
    for digest in [Some(digest), None] {
        let first = Origin::start(bytes.clone(), at(MIB)).await;
        let mirror = Origin::start(bytes.clone(), at(4 * MIB)).await;
        let mut headers = vec![("Link", format!("<{}>; rel=duplicate; pri=1", mirror.url()))];
        headers.extend(
            digest
                .iter()
                .map(|digest| ("Digest", format!("SHA-256={digest}"))),
        );
        first.rules().headers = headers;
        if digest.is_none() {
            first.rules().rate = None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let finished = pull_of(&folder, &first, &[]).run().await.expect("finishes");
        is_whole(&finished, &folder, &bytes);
        assert_eq!(finished.sha256.is_some(), digest.is_some());
        assert_eq!(mirror.sent() > 0, digest.is_some());
    }
}
