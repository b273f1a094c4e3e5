//! Names: never over another file, never two downloads in one, never out of the folder.

use longhaul_transfer::{Sort, WhenTaken};
use tokio_util::sync::CancellationToken;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content},
        pulls::{Links, Pull, engine, names},
    },
};

#[tokio::test]
async fn a_name_that_is_taken_gets_a_number() {
    let bytes = content(MIB, 70);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("thing.bin"), b"mine").expect("writes");
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(finished.path, folder.path().join("thing (1).bin"));
    assert_eq!(
        std::fs::read(folder.path().join("thing.bin")).expect("reads"),
        b"mine"
    );
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
}

#[tokio::test]
async fn who_wants_no_other_name_is_told_before_a_byte_is_fetched() {
    for (size, taken) in [
        (MIB / 16, "thing.bin"),
        (3 * MIB, "thing.bin"),
        (3 * MIB, "thing.bin.part.json"),
    ] {
        let bytes = content(size, 74);
        let origin = Origin::start(bytes.clone(), Rules::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(taken), b"mine").expect("writes");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.when_taken = WhenTaken::Refuse;
        let error = pull.run().await.expect_err("refused");
        assert_eq!((error.code(), error.retryable()), ("name_taken", false));
        assert_eq!(names(folder.path()), [taken]);
        std::fs::remove_file(folder.path().join(taken)).expect("removes");
        let finished = pull.run().await.expect("finishes");
        assert_eq!(finished.path, folder.path().join("thing.bin"));
        assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    }
}

#[tokio::test]
async fn what_is_finished_and_not_settled_is_found_again_and_not_pulled_again() {
    for size in [MIB / 16, 0, 3 * MIB] {
        let bytes = content(size, 76);
        let origin = Origin::start(bytes.clone(), Rules::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("thing.bin"), b"mine").expect("writes");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        pull.request.settles = true;
        let first = pull.run().await.expect("finishes");
        assert_eq!(first.path, folder.path().join("thing (1).bin"));
        assert_eq!(names(folder.path()).len(), 3, "its record stays");
        // As after a crash: an engine that knows nothing of it.
        pull.engine = engine();
        let again = pull.run().await.expect("finishes");
        assert_eq!(again.path, first.path);
        assert_eq!(std::fs::read(&again.path).expect("reads"), bytes);
        assert_eq!(again.bytes_fetched, first.bytes_fetched);
        let record = again.record().expect("a record");
        let settled = pull.engine.settle(record, pull.request.id);
        settled.await.expect("settles");
        assert_eq!(names(folder.path()).len(), 2);
    }
}

#[tokio::test]
async fn a_name_takes_its_file_to_another_folder_and_a_later_run_finds_it_there() {
    let rules = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let bytes = content(3 * MIB, 75);
    let origin = Origin::start(bytes.clone(), rules).await;
    let dir = tempfile::tempdir().expect("a folder");
    let (asked, sorted) = (dir.path().join("asked"), dir.path().join("sorted"));
    let mut pull = Pull::of(Links::to(origin.url()), &asked);
    let to = sorted.clone();
    pull.request.sort = Some(Sort::new(move |name| {
        assert_eq!(name, "thing.bin");
        to.clone()
    }));
    let mut watcher = pull.progress.subscribe();
    let stop = async {
        let seen = watcher
            .wait_for(|progress| progress.done >= MIB as u64)
            .await;
        assert_eq!(seen.expect("begins").folder.as_ref(), Some(&sorted));
        pull.stop.cancel();
    };
    let (stopped, ()) = tokio::join!(pull.run(), stop);
    assert_eq!(stopped.expect_err("stopped").code(), "stopped");
    assert!(names(&sorted).contains(&"thing.bin.part".to_owned()));

    // By whoever has not noted where it went.
    pull.stop = CancellationToken::new();
    let finished = pull.run().await.expect("finishes");
    assert_eq!(finished.path, sorted.join("thing.bin"));
    assert_eq!(std::fs::read(finished.path).expect("reads"), bytes);
    assert!(
        finished.bytes_fetched < 4 * MIB as u64,
        "{}",
        finished.bytes_fetched
    );
    assert_eq!((names(&sorted).len(), names(&asked).len()), (1, 0));
}

#[tokio::test]
async fn a_name_that_is_taken_while_the_pull_runs_gets_a_number() {
    let rules = Rules {
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(content(3 * MIB, 71), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = Pull::of(Links::to(origin.url()), folder.path());
    let mut watcher = pull.progress.subscribe();
    let take = async {
        watcher
            .wait_for(|progress| progress.done > 0)
            .await
            .expect("begins");
        std::fs::write(folder.path().join("thing.bin"), b"mine").expect("writes");
    };
    let (finished, ()) = tokio::join!(pull.run(), take);
    assert_eq!(
        finished.expect("finishes").path,
        folder.path().join("thing (1).bin")
    );
    assert_eq!(
        std::fs::read(folder.path().join("thing.bin")).expect("reads"),
        b"mine"
    );
    assert_eq!(names(folder.path()).len(), 2);
}

#[tokio::test]
async fn two_downloads_of_one_name_do_not_meet() {
    let (one, two) = (content(3 * MIB, 72), content(3 * MIB, 73));
    let first = Origin::start(
        one.clone(),
        Rules {
            rate: Some(4 << 20),
            ..Rules::default()
        },
    )
    .await;
    let second = Origin::start(
        two.clone(),
        Rules {
            rate: Some(4 << 20),
            ..Rules::default()
        },
    )
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (
        Pull::of(Links::to(first.url()), folder.path()),
        Pull::of(Links::to(second.url()), folder.path()),
    );
    let (first, second) = tokio::join!(first.run(), second.run());
    assert_eq!(
        std::fs::read(first.expect("finishes").path).expect("reads"),
        one
    );
    assert_eq!(
        std::fs::read(second.expect("finishes").path).expect("reads"),
        two
    );
    assert_eq!(names(folder.path()), ["thing (1).bin", "thing.bin"]);
}

#[tokio::test]
async fn one_download_is_not_pulled_twice_at_once() {
    let origin = Origin::start(
        content(4 * MIB, 74),
        Rules {
            rate: Some(2 << 20),
            ..Rules::default()
        },
    )
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let pull = Pull::of(Links::to(origin.url()), folder.path());
    let mut again = Pull::of(Links::to(origin.url()), folder.path());
    again.request.id = pull.request.id;
    let mut watcher = pull.progress.subscribe();
    let other = async {
        watcher
            .wait_for(|progress| progress.done > 0)
            .await
            .expect("begins");
        let pulled = again.run().await.expect_err("the part file is held");
        let discarded = again.engine.discard(folder.path(), again.request.id).await;
        (pulled.code(), discarded.expect_err("held").code())
    };
    let (finished, codes) = tokio::join!(pull.run(), other);
    finished.expect("finishes");
    assert_eq!(codes, ("in_use", "in_use"));
    assert_eq!(names(folder.path()), ["thing.bin"]);
}

#[tokio::test]
async fn a_hostile_name_stays_in_the_folder() {
    for (disposition, name) in [
        ("attachment; filename=\"../../escape.bin\"", "escape.bin"),
        (
            "attachment; filename*=UTF-8''%2e%2e%2fescape.bin",
            "escape.bin",
        ),
        ("attachment; filename=\"con.bin\"", "_con.bin"),
        ("attachment; filename=\"x.part.json\"", "x.part.json_"),
    ] {
        let rules = Rules {
            headers: vec![("Content-Disposition", disposition.into())],
            ..Rules::default()
        };
        let origin = Origin::start(content(1000, 75), rules).await;
        let outer = tempfile::tempdir().expect("a folder");
        let folder = outer.path().join("a").join("b");
        let finished = Pull::of(Links::to(origin.url()), &folder)
            .run()
            .await
            .expect("finishes");
        assert_eq!(finished.path, folder.join(name));
        assert_eq!(names(outer.path()), ["a"]);
        assert_eq!(names(&outer.path().join("a")), ["b"]);
    }
}

#[tokio::test]
async fn another_programs_part_file_is_left_alone() {
    let bytes = content(MIB, 76);
    let origin = Origin::start(bytes, Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("thing.bin.part"), b"theirs").expect("writes");
    let finished = Pull::of(Links::to(origin.url()), folder.path())
        .run()
        .await
        .expect("finishes");
    assert_eq!(finished.path, folder.path().join("thing (1).bin"));
    assert_eq!(
        std::fs::read(folder.path().join("thing.bin.part")).expect("reads"),
        b"theirs"
    );
    assert_eq!(names(folder.path()), ["thing (1).bin", "thing.bin.part"]);
}
