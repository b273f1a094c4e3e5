//! A disk that is full: a small tmpfs, mounted in a namespace of this test's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use longhaul_transfer::Error;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content},
        pulls::{Links, Pull, names},
    },
};

const CHILD: &str = "LONGHAUL_TEST_SMALL_DISK";

fn mount(options: &str, folder: &Path) {
    let status = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(folder)
        .status();
    assert!(status.expect("mount is there").success());
}

#[test]
fn a_full_disk_is_told_and_costs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = |program: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "--", program]);
        command.args(args);
        command
    };
    let can = inside("mount", &["-t", "tmpfs", "tmpfs"])
        .arg(folder.path())
        .output();
    if !can.is_ok_and(|out| out.status.success()) {
        eprintln!("skipped: this system lets nobody mount a tmpfs of his own");
        return;
    }
    let this = std::env::current_exe().expect("this binary");
    let output = inside(
        &this.to_string_lossy(),
        &["--exact", "full::child", "--ignored"],
    )
    .env(CHILD, folder.path())
    .output()
    .expect("a process");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "run by the test above, in a namespace of its own"]
async fn child() {
    let folder = PathBuf::from(std::env::var(CHILD).expect("a folder"));
    mount("size=8m", &folder);
    let bytes = content(20 * MIB, 70);
    let refused = |error: &Error, kept: u64| {
        assert_eq!((error.code(), error.retryable()), ("disk_full", false));
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert_eq!(error.kept(), kept);
    };

    // Known beforehand: refused before a byte is written, and nothing is left.
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    let known = Pull::of(Links::to(origin.url()), &folder);
    refused(&known.run().await.expect_err("too large"), 0);
    assert!(names(&folder).is_empty());

    // A stream that does not say how long it is meets the end of the disk midway.
    let endless = Rules {
        ignore_ranges: true,
        chunked: true,
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), endless).await;
    let stream = Pull::of(Links::to(origin.url()), &folder);
    refused(&stream.run().await.expect_err("too long"), 0);
    assert!(!folder.join("thing.bin").exists());

    // What is begun has its room: another program that fills the disk does not hurt it.
    let small = content(6 * MIB, 71);
    let slow = Rules {
        rate: Some(4 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(small.clone(), slow).await;
    stream
        .engine
        .discard(&folder, stream.request.id)
        .await
        .expect("discards");
    let mut begun = Pull::of(Links::to(origin.url()), &folder);
    let stopped = begun
        .run_until(|progress| progress.done > 3 * MIB as u64)
        .await;
    assert!(stopped.kept() > 2 * MIB as u64);
    let _ = std::fs::write(folder.join("filler"), vec![0; 8 * MIB]);
    let file = begun.run().await.expect("has its room").path;
    assert!(std::fs::read(&file).expect("reads") == small);
    std::fs::remove_file(&file).expect("removes");

    // Once there is room, both go through.
    std::fs::remove_file(folder.join("filler")).expect("removes");
    mount("remount,size=64m", &folder);
    for pull in [known, stream] {
        let file = pull.run().await.expect("has room").path;
        assert!(std::fs::read(&file).expect("reads") == bytes);
    }
}
