//! Bytes that change on the way, and links that live shorter than the pull.
//!
//! LONGHAUL_ROT_MIB and LONGHAUL_LINK_SECONDS say how long the long runs are.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use longhaul_transfer::Verified;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

use crate::{
    MIB, number,
    support::{
        origin::{ETAG, Origin, Rules, content, manifest},
        pulls::{Links, Pull},
    },
};

const FLIPS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flipped_byte_is_found_and_its_block_alone_is_fetched_again() {
    let mib = number("LONGHAUL_ROT_MIB").unwrap_or(64);
    let bytes = content(usize::try_from(mib).expect("fits") * MIB, 60);
    let manifest = Arc::new(manifest(&bytes, MIB as u64));
    let mut random = SmallRng::seed_from_u64(number("LONGHAUL_SEED").unwrap_or(2026));
    // One connection reads all that is sent, so that each flip is met; four leave some unread.
    for connections in [1, 4] {
        let flips: BTreeSet<u64> = (0..FLIPS)
            .map(|_| random.random_range(0..bytes.len() as u64))
            .collect();
        let blocks: BTreeSet<u64> = flips.iter().map(|at| at / MIB as u64).collect();
        let rules = Rules {
            rot: flips.clone(),
            ..Rules::default()
        };
        let origin = Origin::start(bytes.clone(), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.connections = connections;
        pull.request.expected.manifest = Some(Arc::clone(&manifest));
        let finished = pull.run().await.expect("finishes");
        assert!(std::fs::read(&finished.path).expect("reads") == bytes);
        assert_eq!(finished.verified, Verified::Blocks);
        let refetched = finished.bytes_fetched - bytes.len() as u64;
        let damaged = u64::from(finished.blocks_refetched);
        eprintln!(
            "{connections} connections: {damaged} blocks of {} flips, {refetched} bytes again",
            flips.len()
        );
        assert!(refetched <= flips.len() as u64 * MIB as u64);
        assert!(damaged > 0);
        if connections == 1 {
            assert_eq!(damaged, blocks.len() as u64);
            assert_eq!(refetched, damaged * MIB as u64);
        }
    }
}

/// Each link lives for a hundredth of the pull or less, and each range is short, so that every
/// request may meet a link that has just run out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_live_shorter_than_the_pull_cost_no_byte() {
    let seconds = number("LONGHAUL_LINK_SECONDS").unwrap_or(6);
    let life = Duration::from_millis(if seconds > 60 { 5000 } else { 300 });
    // Two connections at 256 KiB a second.
    let size = usize::try_from(seconds).expect("fits") * MIB / 2;
    let bytes = content(size, 61);
    let rules = Rules {
        rate: Some(256 << 10),
        short_ranges: Some(100_000),
        token: Some(1),
        ..Rules::default()
    };
    let origin = Arc::new(Origin::start(bytes.clone(), rules).await);
    let links = Links::to(origin.url());
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(links.clone(), folder.path());
    pull.deadline = Duration::from_secs(60 + seconds * 3);
    pull.request.connections = 2;
    let (ageing, fresh) = (Arc::clone(&origin), links.clone());
    let ages = tokio::spawn(async move {
        loop {
            tokio::time::sleep(life).await;
            // The next link is the one that works now.
            let token = fresh.token.load(Ordering::SeqCst) + 1;
            ageing.rules().token = Some(token);
        }
    });
    let finished = pull.run().await;
    ages.abort();
    let finished = finished.expect("finishes");
    assert!(std::fs::read(&finished.path).expect("reads") == bytes);
    assert_eq!(finished.bytes_fetched, size as u64, "no byte came twice");
    let least = seconds * 1000 / u64::try_from(life.as_millis()).expect("fits") / 3;
    eprintln!("{} links over {seconds} s", finished.links_renewed);
    assert!(
        u64::from(finished.links_renewed) >= least,
        "{}",
        finished.links_renewed
    );
    let seen = origin.seen();
    assert!(!seen[0].headers.contains_key("if-match"));
    assert!(
        seen[1..]
            .iter()
            .all(|seen| seen.headers["if-match"] == ETAG)
    );
}
