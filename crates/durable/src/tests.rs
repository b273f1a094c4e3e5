//! What shows only from inside: how writes are grouped, and what a failed sync leaves.

use std::sync::atomic::Ordering;

use crate::{Durable, Error, Options, Scan, Table};

const RECORDS: Table = Table("records");

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_share_one_sync() {
    let folder = tempfile::tempdir().expect("a folder");
    let (durable, _) = Durable::open(folder.path(), Options::default())
        .await
        .expect("opens");
    let (block, blocked) = std::sync::mpsc::channel::<()>();
    let held = durable.clone();
    // The first transaction holds the writer until all others wait.
    let (start, started) = tokio::sync::oneshot::channel();
    let first = tokio::spawn(async move {
        held.write(move |_| {
            let _ = start.send(());
            blocked.recv()
        })
        .await
    });
    started.await.expect("the writer is held");
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..200_u32 {
        let durable = durable.clone();
        writers.spawn(async move {
            durable
                .write(move |tx| tx.put(RECORDS, &n.to_be_bytes(), "value"))
                .await
        });
    }
    while durable.requests.capacity() > 1024 - 200 {
        tokio::task::yield_now().await;
    }
    drop(block);
    let _ = first.await.expect("ends").expect("writes");
    while let Some(written) = writers.join_next().await {
        written.expect("ends").expect("writes");
    }
    let stats = durable.stats();
    assert_eq!(stats.writes, 201);
    assert_eq!(stats.syncs, 1, "{stats:?}");
    durable.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_change_runs_in_the_order_of_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (durable, _) = Durable::open(folder.path(), Options::default())
        .await
        .expect("opens");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..100_u64 {
        let (durable, seen) = (durable.clone(), seen.clone());
        writers.spawn(async move {
            let change = |tx: &mut crate::Tx<'_>| {
                let last = tx.get(RECORDS, b"count").expect("reads");
                let next = last.map_or(0, |last| last.len()) + 1;
                tx.put(RECORDS, b"count", vec![0; next]);
                next
            };
            let then = move |next| seen.lock().expect("no panic").push(next);
            if n % 3 == 0 {
                durable.write_relaxed_then(change, then).await
            } else {
                durable.write_then(change, then).await
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.expect("ends").expect("writes");
    }
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen, (1..=100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_confirms_nothing_and_the_next_write_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let (durable, _) = Durable::open(folder.path(), Options::default())
        .await
        .expect("opens");
    durable
        .write(|tx| tx.put(RECORDS, b"before", "1"))
        .await
        .expect("writes");
    durable.shared.failing_syncs.store(1, Ordering::SeqCst);
    let followed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = followed.clone();
    let failed = durable
        .write_then(
            |tx| tx.put(RECORDS, b"during", "2"),
            move |()| flag.store(true, Ordering::SeqCst),
        )
        .await;
    assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    assert!(!followed.load(Ordering::SeqCst));
    durable
        .write(|tx| tx.put(RECORDS, b"after", "3"))
        .await
        .expect("writes again");
    assert_eq!(durable.stats().reopened, 1);
    let found = durable
        .read(|view| view.scan(RECORDS, &Scan::all()))
        .await
        .expect("reads")
        .expect("reads");
    assert!(found.iter().any(|(key, _)| key == b"before"));
    assert!(found.iter().any(|(key, _)| key == b"after"));
    durable.close().await.expect("closes");
    let (durable, recovery) = Durable::open(folder.path(), Options::default())
        .await
        .expect("opens");
    assert!(recovery.is_none(), "{recovery:?}");
    durable.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_panics_is_dropped_and_stops_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (durable, _) = Durable::open(folder.path(), Options::default())
        .await
        .expect("opens");
    let failed = durable
        .write(|tx| {
            tx.put(RECORDS, b"half", "done");
            assert!(
                tx.get(RECORDS, b"half").expect("reads").is_none(),
                "made to panic"
            );
        })
        .await;
    assert!(matches!(failed, Err(Error::Panicked)));
    let half = durable
        .write(|tx| tx.get(RECORDS, b"half"))
        .await
        .expect("goes on")
        .expect("reads");
    assert_eq!(half, None);
    durable.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_is_written_anew_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        compact_above: 1,
        ..Options::default()
    };
    let (durable, _) = Durable::open(folder.path(), options).await.expect("opens");
    // A folder where the new journal should be: writing it anew fails, appending works.
    let obstacle = folder.path().join("journal.jsonl.new");
    std::fs::create_dir(&obstacle).expect("makes");
    for n in 0..50_u8 {
        durable
            .write(move |tx| tx.put(RECORDS, &[n], "value"))
            .await
            .expect("writes");
    }
    std::fs::remove_dir(&obstacle).expect("removes");
    durable.close().await.expect("closes");
    std::fs::remove_dir_all(folder.path().join("sled")).expect("removes");
    let (durable, recovery) = Durable::open(folder.path(), Options::default())
        .await
        .expect("opens");
    let recovery = recovery.expect("it is told");
    assert!(recovery.complete, "{recovery:?}");
    assert_eq!(recovery.restored, 50);
    durable.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_written_anew_for_what_was_overwritten_and_not_for_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        compact_above: 1,
        ..Options::default()
    };
    let (durable, _) = Durable::open(folder.path(), options).await.expect("opens");
    let journal = folder.path().join("journal.jsonl");
    let first = || {
        let text = std::fs::read(&journal).expect("reads");
        text.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec)
    };
    // Beyond the few lines of an empty one, to which a first row is a large growth.
    for n in 0..200_u32 {
        let put = move |tx: &mut crate::Tx<'_>| tx.put(RECORDS, &n.to_be_bytes(), vec![0; 300]);
        durable.write(put).await.expect("writes");
    }
    let before = first();
    for n in 200..2_000_u32 {
        let put = move |tx: &mut crate::Tx<'_>| tx.put(RECORDS, &n.to_be_bytes(), vec![0; 300]);
        durable.write(put).await.expect("writes");
    }
    assert_eq!(first(), before, "all of it is there");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while first() == before {
        assert!(
            std::time::Instant::now() < deadline,
            "it was not written anew"
        );
        let put = |tx: &mut crate::Tx<'_>| tx.put(RECORDS, b"same", vec![1; 3_000]);
        durable.write(put).await.expect("writes");
    }
    durable.close().await.expect("closes");
}
