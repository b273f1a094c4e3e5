//! A damaged folder opens, says what happened, and has everything.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use longhaul_durable::{Durable, Error, Options, Recovery, Scan, Table};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

const RECORDS: Table = Table("records");

fn options() -> Options {
    Options {
        open_timeout: Duration::from_secs(20),
        ..Options::default()
    }
}

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

async fn filled(folder: &Path, random: &mut StdRng) -> Content {
    let (durable, recovery) = Durable::open(folder, options()).await.expect("opens");
    assert!(recovery.is_none());
    let mut model = Content::new();
    for _ in 0..60 {
        let mut changes = Vec::new();
        for _ in 0..random.random_range(1..20) {
            let key = format!("key {}", random.random_range(0..400)).into_bytes();
            let mut value = vec![0; random.random_range(0..600)];
            random.fill_bytes(&mut value);
            let value = random.random_bool(0.8).then_some(value);
            match &value {
                Some(value) => model.insert(key.clone(), value.clone()),
                None => model.remove(&key),
            };
            changes.push((key, value));
        }
        durable
            .write(move |tx| {
                for (key, value) in changes {
                    match value {
                        Some(value) => tx.put(RECORDS, &key, value),
                        None => tx.delete(RECORDS, &key),
                    }
                }
            })
            .await
            .expect("writes");
    }
    durable.close().await.expect("closes");
    model
}

async fn content(durable: &Durable) -> Content {
    durable
        .read(|view| view.scan(RECORDS, &Scan::all()).expect("reads"))
        .await
        .expect("reads")
        .into_iter()
        .collect()
}

async fn opened(folder: &Path) -> (Content, Option<Recovery>) {
    let (durable, recovery) = Durable::open(folder, options()).await.expect("opens");
    let found = content(&durable).await;
    // It works afterwards, and opens without a word the next time.
    durable
        .write(|tx| tx.put(Table("after"), b"key", "value"))
        .await
        .expect("writes");
    durable.close().await.expect("closes");
    let (durable, again) = Durable::open(folder, options()).await.expect("opens again");
    assert!(again.is_none(), "{again:?}");
    assert_eq!(content(&durable).await, found);
    durable.close().await.expect("closes");
    (found, recovery)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    walk(folder, folder)
}

fn walk(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("reads") {
        let path = entry.expect("reads").path();
        if path.is_dir() {
            found.extend(walk(root, &path));
        } else {
            found.push(path.strip_prefix(root).expect("inside").to_path_buf());
        }
    }
    found.sort();
    found
}

fn copied(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().expect("a folder")).expect("makes");
        fs::copy(from.join(&file), target).expect("copies");
    }
}

fn damage(path: &Path, kind: &str, random: &mut StdRng) {
    let mut bytes = fs::read(path).expect("reads");
    let at = random.random_range(0..bytes.len().max(1)).min(bytes.len());
    let end = (at + random.random_range(1..4096)).min(bytes.len());
    match kind {
        "emptied" => bytes.clear(),
        "truncated" => bytes.truncate(at),
        "zeroed" => bytes[at..end].fill(0),
        "zeroed whole" => bytes.fill(0),
        "overwritten" => random.fill_bytes(&mut bytes[at..end]),
        _ => random.fill_bytes(&mut bytes),
    }
    fs::write(path, bytes).expect("writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_any_one_file_costs_nothing() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let source = tempfile::tempdir().expect("a folder");
    let model = filled(source.path(), &mut random).await;
    let mut recovered = 0;
    for file in files(source.path()) {
        if file == Path::new("lock") {
            continue;
        }
        for kind in [
            "emptied",
            "truncated",
            "zeroed",
            "zeroed whole",
            "overwritten",
            "noise",
        ] {
            for _ in 0..3 {
                let folder = tempfile::tempdir().expect("a folder");
                copied(source.path(), folder.path());
                damage(&folder.path().join(&file), kind, &mut random);
                let (found, recovery) = opened(folder.path()).await;
                assert_eq!(
                    found.len(),
                    model.len(),
                    "{} {kind}: {recovery:?}",
                    file.display()
                );
                assert_eq!(found, model, "{} {kind}: {recovery:?}", file.display());
                if let Some(recovery) = recovery {
                    recovered += 1;
                    assert!(recovery.complete, "{recovery:?}");
                    assert_eq!(recovery.restored, model.len() as u64);
                    let moved = recovery.moved_to.expect("moved aside");
                    assert!(moved.is_dir());
                    assert!(recovery.message.contains(&moved.display().to_string()));
                    assert!(
                        file.starts_with("sled"),
                        "only the database's own damage is told"
                    );
                }
            }
        }
    }
    eprintln!("{recovered} recoveries");
    assert!(
        recovered >= 6,
        "the database's own file was damaged often enough to be seen"
    );
}

/// A folder whose database is as it was before `late` commits, of which the journal tells; and what
/// should be in it. With `anew`, the journal was written anew since.
async fn behind(folder: &Path, late: u8, anew: bool) -> Content {
    let older = tempfile::tempdir().expect("a folder");
    filled(folder, &mut StdRng::seed_from_u64(7)).await;
    copied(&folder.join("sled"), older.path());
    let options = Options {
        compact_above: if anew { 1 } else { u64::MAX },
        ..options()
    };
    let (durable, _) = Durable::open(folder, options).await.expect("opens");
    let journal = folder.join("journal.jsonl");
    let first = |text: &[u8]| text.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec);
    let began = first(&fs::read(&journal).expect("reads"));
    let mut round = 0_u32;
    loop {
        for n in 0..late {
            let value = format!("news {round}");
            let put = move |tx: &mut longhaul_durable::Tx<'_>| tx.put(RECORDS, &[n], value);
            durable.write(put).await.expect("writes");
        }
        round += 1;
        if !anew || first(&fs::read(&journal).expect("reads")) != began {
            break;
        }
        assert!(round < 10_000, "the journal is written anew");
    }
    let model = content(&durable).await;
    durable.close().await.expect("closes");
    fs::remove_dir_all(folder.join("sled")).expect("removes");
    copied(older.path(), &folder.join("sled"));
    model
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_fell_behind_its_journal_catches_up_without_a_word() {
    for options in [options(), large()] {
        for late in [1, 50] {
            let folder = tempfile::tempdir().expect("a folder");
            let model = behind(folder.path(), late, false).await;
            let (durable, recovery) = Durable::open(folder.path(), options.clone())
                .await
                .expect("opens");
            assert!(recovery.is_none(), "{recovery:?}");
            assert_eq!(content(&durable).await, model);
            until("the proof", || durable.stats().proven).await;
            assert_eq!(durable.stats().reopened, 0);
            durable.close().await.expect("closes");
            let (found, recovery) = opened(folder.path()).await;
            assert!(recovery.is_none(), "{recovery:?}");
            assert_eq!(found, model);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_kill_left_half_laid_are_laid_whole() {
    for options in [options(), large()] {
        let folder = tempfile::tempdir().expect("a folder");
        let model = behind(folder.path(), 50, false).await;
        {
            let db = sled::open(folder.path().join("sled")).expect("opens");
            for n in 0..25_u8 {
                db.insert(RECORDS.key(&[n]), "news 0").expect("writes");
            }
            db.flush().expect("flushes");
        }
        let (durable, recovery) = Durable::open(folder.path(), options).await.expect("opens");
        assert!(recovery.is_none(), "{recovery:?}");
        until("the proof", || durable.stats().proven).await;
        assert_eq!(durable.stats().reopened, 0);
        assert_eq!(content(&durable).await, model);
        durable.close().await.expect("closes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_before_its_journal_is_made_from_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = behind(folder.path(), 20, true).await;
    let (found, recovery) = opened(folder.path()).await;
    assert_eq!(found, model);
    let recovery = recovery.expect("it is told");
    assert!(recovery.complete);
    assert!(
        recovery.message.contains("had lost"),
        "{}",
        recovery.message
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_leads_elsewhere_is_not_followed() {
    // Each line is whole; the database is not the one that they were written beside.
    let folder = tempfile::tempdir().expect("a folder");
    let model = behind(folder.path(), 5, false).await;
    {
        let db = sled::open(folder.path().join("sled")).expect("opens");
        db.insert(RECORDS.key(b"stray"), "new").expect("writes");
        db.flush().expect("flushes");
    }
    let (found, recovery) = opened(folder.path()).await;
    assert_eq!(found, model);
    assert!(recovery.expect("it is told").complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_being_written_costs_only_itself() {
    for options in [options(), large()] {
        for cut in [1, 2, 30] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut model = behind(folder.path(), 5, false).await;
            let journal = folder.path().join("journal.jsonl");
            let mut text = fs::read(&journal).expect("reads");
            text.truncate(text.len() - cut);
            // And room for more lines behind it.
            text.resize(text.len() + 100_000, 0);
            fs::write(&journal, text).expect("writes");
            model.remove(&vec![4]);
            let (durable, recovery) = Durable::open(folder.path(), options.clone())
                .await
                .expect("opens");
            assert!(recovery.is_none(), "{recovery:?}");
            assert_eq!(content(&durable).await, model);
            durable
                .write(|tx| tx.put(RECORDS, b"next", "line"))
                .await
                .expect("writes");
            model.insert(b"next".to_vec(), b"line".to_vec());
            durable.close().await.expect("closes");
            fs::remove_dir_all(folder.path().join("sled")).expect("removes");
            let (found, recovery) = opened(folder.path()).await;
            assert!(recovery.expect("it is told").complete);
            assert_eq!(found, model);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_opens_with_other_content_is_found_out() {
    for (key, value) in [
        ("key 0", None),
        ("key 0", Some("other")),
        ("stray", Some("new")),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (durable, _) = Durable::open(folder.path(), options())
            .await
            .expect("opens");
        for n in 0..10 {
            let change = move |tx: &mut longhaul_durable::Tx<'_>| {
                tx.put(RECORDS, format!("key {n}").as_bytes(), "value");
            };
            durable.write(change).await.expect("writes");
        }
        let model = content(&durable).await;
        durable.close().await.expect("closes");
        {
            let db = sled::open(folder.path().join("sled")).expect("opens");
            let key = RECORDS.key(key.as_bytes());
            match value {
                Some(value) => db.insert(key, value).expect("writes"),
                None => db.remove(key).expect("writes"),
            };
            db.flush().expect("flushes");
        }
        let (found, recovery) = opened(folder.path()).await;
        assert_eq!(found, model);
        let recovery = recovery.expect("it is told");
        assert!(recovery.complete);
        assert!(
            recovery.message.contains("not what was stored"),
            "{}",
            recovery.message
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn torn_and_changed_lines_cost_only_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let (durable, _) = Durable::open(folder.path(), options())
        .await
        .expect("opens");
    for n in 0..10_u8 {
        durable
            .write(move |tx| tx.put(RECORDS, &[n], [n; 3]))
            .await
            .expect("writes");
    }
    durable.close().await.expect("closes");
    fs::remove_dir_all(folder.path().join("sled")).expect("removes");
    let journal = folder.path().join("journal.jsonl");
    let text = fs::read_to_string(&journal).expect("reads");
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    let last = lines.len() - 1;
    let half = lines[last].len() / 2;
    lines[last].truncate(half);
    lines[last - 4] = lines[last - 4].replace("digest\":", "digest\":1");
    fs::write(&journal, lines.concat()).expect("writes");

    let (found, recovery) = opened(folder.path()).await;
    let recovery = recovery.expect("it is told");
    assert!(!recovery.complete);
    assert!(recovery.moved_to.is_none());
    // Two lines, and the gap that the one in the middle leaves.
    assert_eq!(recovery.damaged_lines, 3);
    let expected: Content = (0..10_u8)
        .filter(|n| ![5, 9].contains(n))
        .map(|n| (vec![n], vec![n; 3]))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_left_it_starts_empty_and_keeps_the_ruins() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = StdRng::seed_from_u64(11);
    filled(folder.path(), &mut random).await;
    let mut noise = vec![0; 4096];
    random.fill_bytes(&mut noise);
    fs::write(folder.path().join("journal.jsonl"), &noise).expect("writes");
    fs::write(folder.path().join("sled").join("db"), &noise).expect("writes");
    let (found, recovery) = opened(folder.path()).await;
    let recovery = recovery.expect("it is told");
    assert!(!recovery.complete);
    assert!(found.is_empty());
    assert!(
        files(folder.path())
            .iter()
            .any(|file| file.to_string_lossy().starts_with("journal.damaged-")),
        "the journal is kept to be looked at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_refused_by_name_and_let_in_after_a_close() {
    let folder = tempfile::tempdir().expect("a folder");
    let (durable, _) = Durable::open(folder.path(), options())
        .await
        .expect("opens");
    let refused = Durable::open(folder.path(), options())
        .await
        .expect_err("refused");
    assert!(matches!(&refused, Error::Locked { dir } if dir == folder.path()));
    assert!(
        refused
            .to_string()
            .contains(&folder.path().display().to_string())
    );
    let clone = durable.clone();
    durable.close().await.expect("closes");
    let late = clone.write(|tx| tx.put(RECORDS, b"a", "b")).await;
    assert!(matches!(late, Err(Error::Closed)), "{late:?}");
    let (durable, _) = Durable::open(folder.path(), options())
        .await
        .expect("opens");
    durable.close().await.expect("closes");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_whose_name_is_no_unicode_works() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().expect("a folder");
    let folder = root
        .path()
        .join(std::ffi::OsStr::from_bytes(b"\xff\xfe list"));
    let model = filled(&folder, &mut StdRng::seed_from_u64(3)).await;
    fs::write(folder.join("sled").join("db"), b"noise").expect("writes");
    let (found, recovery) = opened(&folder).await;
    assert_eq!(found, model);
    assert!(recovery.is_some());
}

/// Every database is a large one.
fn large() -> Options {
    Options {
        prove_first: 0,
        ..options()
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_database_is_served_at_once_and_proven_beside_its_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut model = filled(folder.path(), &mut StdRng::seed_from_u64(5)).await;
    let (durable, recovery) = Durable::open(folder.path(), large()).await.expect("opens");
    assert!(recovery.is_none());
    // Changed, made and removed while it is read.
    let keys: Vec<_> = model.keys().cloned().collect();
    for (n, key) in keys.into_iter().enumerate() {
        let value = (n % 3 > 0).then(|| vec![7; n % 50]);
        match &value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(&key),
        };
        let change = move |tx: &mut longhaul_durable::Tx<'_>| match value {
            Some(value) => tx.put(RECORDS, &key, value),
            None => tx.delete(RECORDS, &key),
        };
        durable.write(change).await.expect("writes");
    }
    until("the proof", || durable.stats().proven).await;
    assert_eq!(durable.stats().reopened, 0);
    assert_eq!(content(&durable).await, model);
    durable.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_any_one_file_of_a_large_database_is_made_good_at_work() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let source = tempfile::tempdir().expect("a folder");
    let model = filled(source.path(), &mut random).await;
    for file in files(source.path()) {
        if file == Path::new("lock") {
            continue;
        }
        for kind in ["truncated", "zeroed", "overwritten", "noise"] {
            let folder = tempfile::tempdir().expect("a folder");
            copied(source.path(), folder.path());
            damage(&folder.path().join(&file), kind, &mut random);
            let (durable, _) = Durable::open(folder.path(), large()).await.expect("opens");
            until("the proof", || durable.stats().proven).await;
            assert_eq!(content(&durable).await, model, "{} {kind}", file.display());
            let put = |tx: &mut longhaul_durable::Tx<'_>| tx.put(Table("after"), b"key", "value");
            durable.write(put).await.expect("writes");
            durable.close().await.expect("closes");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_database_with_other_content_keeps_what_is_written_meanwhile() {
    for value in [None, Some("other")] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut model = filled(folder.path(), &mut StdRng::seed_from_u64(9)).await;
        let spoilt = model.keys().next().cloned().expect("some");
        {
            let db = sled::open(folder.path().join("sled")).expect("opens");
            let key = RECORDS.key(&spoilt);
            match value {
                Some(value) => db.insert(key, value).expect("writes"),
                None => db.remove(key).expect("writes"),
            };
            db.flush().expect("flushes");
        }
        let (durable, recovery) = Durable::open(folder.path(), large()).await.expect("opens");
        assert!(recovery.is_none(), "it is not known yet");
        // Over the damage, and beside it.
        for (key, value) in [(spoilt, b"mended".to_vec()), (b"new".to_vec(), vec![1])] {
            model.insert(key.clone(), value.clone());
            let put = move |tx: &mut longhaul_durable::Tx<'_>| tx.put(RECORDS, &key, value);
            durable.write(put).await.expect("writes");
        }
        until("the new database", || durable.stats().reopened > 0).await;
        until("its proof", || durable.stats().proven).await;
        assert_eq!(content(&durable).await, model);
        let aside = fs::read_dir(folder.path()).expect("reads");
        let aside = aside.flatten().any(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with("sled.damaged-")
        });
        assert!(aside, "the ruins are kept");
        durable.close().await.expect("closes");
        let (found, recovery) = opened(folder.path()).await;
        assert!(recovery.is_none(), "{recovery:?}");
        assert_eq!(found, model);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_mapped_in_a_pause_and_nobody_notices() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut model = filled(folder.path(), &mut StdRng::seed_from_u64(17)).await;
    let options = Options {
        map_after: 100_000,
        ..options()
    };
    let (durable, _) = Durable::open(folder.path(), options).await.expect("opens");
    for round in 0..3_u64 {
        for n in 0..2_u8 {
            let key = format!("mapped {round} {n}").into_bytes();
            model.insert(key.clone(), vec![n; 60_000]);
            let put =
                move |tx: &mut longhaul_durable::Tx<'_>| tx.put(RECORDS, &key, vec![n; 60_000]);
            durable.write(put).await.expect("writes");
        }
        // Who reads meanwhile waits, and sees everything.
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while durable.stats().mapped == round {
            assert_eq!(content(&durable).await, model);
            assert!(
                std::time::Instant::now() < deadline,
                "the pages were not mapped"
            );
        }
    }
    assert_eq!(durable.stats().reopened, 0, "nothing was wrong with it");
    durable.close().await.expect("closes");
    let (found, recovery) = opened(folder.path()).await;
    assert!(recovery.is_none(), "{recovery:?}");
    assert_eq!(found, model);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pause_pages_are_mapped_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        map_after: 100_000,
        ..options()
    };
    let (durable, _) = Durable::open(folder.path(), options).await.expect("opens");
    let mut model = Content::new();
    for n in 0..20_u8 {
        model.insert(vec![n], vec![n; 50_000]);
        let put = move |tx: &mut longhaul_durable::Tx<'_>| tx.put(RECORDS, &[n], vec![n; 50_000]);
        durable.write(put).await.expect("writes");
    }
    assert!(durable.stats().mapped >= 2, "{:?}", durable.stats());
    assert_eq!(content(&durable).await, model);
    durable.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_found_damaged_at_work_is_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = filled(folder.path(), &mut StdRng::seed_from_u64(13)).await;
    let journal = folder.path().join("journal.jsonl");
    let mut damaged = fs::read(&journal).expect("reads");
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0);
    fs::write(&journal, &damaged).expect("writes");
    let (durable, _) = Durable::open(folder.path(), large()).await.expect("opens");
    until("the new journal", || {
        fs::read(&journal).expect("reads") != damaged
    })
    .await;
    durable.close().await.expect("closes");
    fs::remove_dir_all(folder.path().join("sled")).expect("removes");
    let (found, recovery) = opened(folder.path()).await;
    assert!(recovery.expect("it is told").complete);
    assert_eq!(found, model);
}
