//! The short way of small files, and how it gives way to the usual one.

use std::sync::Arc;

use longhaul_protocol::{Crc64Nvme, Sha256};
use longhaul_transfer::{Error, Phase, Verified};
use uuid::Uuid;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content, manifest, sha256},
        pulls::{Links, Pull, names},
    },
};

const SIZE: usize = 70_001;

#[tokio::test]
async fn a_small_file_is_one_request_and_is_proven_as_any_other() {
    let bytes = content(SIZE, 1);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    for block in [None, Some(4096), Some(MIB as u64)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.expected.sha256 = Some(sha256(&bytes));
        pull.request.expected.manifest = block.map(|block| Arc::new(manifest(&bytes, block)));
        let before = origin.seen().len();
        let finished = pull.run().await.expect("finishes");
        assert_eq!(origin.seen().len(), before + 1);
        assert_eq!(std::fs::read(&finished.path).expect("reads"), bytes);
        assert_eq!(names(folder.path()), ["thing.bin"]);
        assert_eq!(finished.crc64nvme, Crc64Nvme(crc_fast::crc64_nvme(&bytes)));
        let (verified, sha) = match block {
            Some(_) => (Verified::Blocks, None),
            None => (Verified::Digest, Some(sha256(&bytes))),
        };
        assert_eq!((finished.verified, finished.sha256), (verified, sha));
        assert_eq!(finished.bytes_fetched, SIZE as u64);
        let told = pull.progress.borrow().clone();
        assert_eq!((told.phase, told.done), (Phase::Finishing, SIZE as u64));
    }
}

/// The part file and the control record of the usual way would be seen by whoever watches the
/// folder: on the short way there is nothing until the file is whole.
#[tokio::test]
async fn nothing_is_in_the_folder_until_it_is_whole() {
    let rules = Rules {
        stall: Some((1000, 1)),
        ..Rules::default()
    };
    let origin = Origin::start(content(SIZE, 2), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    let path = folder.path().to_owned();
    let error = pull
        .run_until(|progress| {
            let waits = progress.phase == Phase::Pulling && progress.done == 0;
            assert!(!waits || names(&path).is_empty());
            waits || progress.done > 0
        })
        .await;
    assert!(matches!(error, Error::Stopped { kept: 0 }), "{error:?}");
    assert!(names(folder.path()).is_empty());
    let finished = pull.run().await.expect("finishes");
    assert_eq!(finished.size, SIZE as u64);
}

#[tokio::test]
async fn what_is_cut_or_damaged_comes_by_the_usual_way() {
    let bytes = content(SIZE, 3);
    let cut = Rules {
        cut: Some((40_000, 3)),
        ..Rules::default()
    };
    let corrupt = Rules {
        corrupt: Some((50_000, 2)),
        ..Rules::default()
    };
    for (rules, damaged) in [(cut, 0), (corrupt, 2)] {
        let origin = Origin::start(bytes.clone(), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.expected.manifest = Some(Arc::new(manifest(&bytes, MIB as u64)));
        let finished = pull.run().await.expect("finishes");
        assert_eq!(std::fs::read(&finished.path).expect("reads"), bytes);
        assert_eq!(finished.blocks_refetched, damaged);
        assert_eq!(names(folder.path()), ["thing.bin"]);
    }
}

#[tokio::test]
async fn a_small_file_of_another_digest_is_no_file() {
    let origin = Origin::start(content(SIZE, 4), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.request.expected.sha256 = Some(Sha256([7; 32]));
    let error = pull.run().await.expect_err("another file");
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn small_files_of_one_name_land_side_by_side() {
    let bytes = content(SIZE, 5);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let first = Pull::of(Links::to(origin.url()), folder.path());
    let pulls: Vec<_> = (0..20)
        .map(|_| {
            let mut request = first.request.clone();
            request.id = Uuid::new_v4();
            let progress = tokio::sync::watch::channel(Default::default()).0;
            let engine = first.engine.clone();
            async move { engine.pull(request, &progress, Default::default()).await }
        })
        .collect();
    for finished in futures::future::join_all(pulls).await {
        let path = finished.expect("finishes").path;
        assert_eq!(std::fs::read(path).expect("reads"), bytes);
    }
    assert_eq!(names(folder.path()).len(), 20);
}
