//! `longhaul pull`: URLs straight to files.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::process::Command;

use crate::{
    origin::{Origin, Rules, content, sha256},
    support::Ran,
};

const MIB: usize = 1 << 20;

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    command
        .arg("pull")
        .args(args)
        .arg("-o")
        .arg(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        // No proxy of this machine's.
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("LONGHAUL_PROXY");
    command
}

async fn pull(folder: &Path, args: &[&str]) -> Ran {
    let output = command(folder, args).output().await.expect("runs");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("reads");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("reads").file_name().to_string_lossy().into())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn urls_become_files_and_their_paths_are_said() {
    let (small, large) = (content(70_001, 1), content(3 * MIB, 2));
    let one = Origin::start(small.clone(), Rules::default()).await;
    let two = Origin::start(large.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let ran = pull(folder.path(), &[one.url().as_str(), two.url().as_str()]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let mut sizes: Vec<_> = ran
        .out
        .lines()
        .map(|path| std::fs::read(path).expect("is there").len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [small.len(), large.len()]);
    assert_eq!(names(folder.path()), ["thing (1).bin", "thing.bin"]);
}

#[tokio::test]
async fn a_run_after_a_kill_goes_on() {
    let bytes = content(16 * MIB, 3);
    let rules = Rules {
        rate: Some(2 << 20),
        ..Rules::default()
    };
    let origin = Origin::start(bytes.clone(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = origin.url();
    let args = ["--connections", "2", url.as_str()];
    let mut child = command(folder.path(), &args).spawn().expect("runs");
    let record = folder.path().join("thing.bin.part.json");
    let claims = || std::fs::read_to_string(&record).is_ok_and(|text| text.contains("\"done\":[{"));
    while !claims() {
        assert!(child.try_wait().expect("is there").is_none(), "it ended");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    child.kill().await.expect("is there");
    let before = origin.sent();
    origin.rules().rate = None;
    let ran = pull(folder.path(), &args).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(std::fs::read(folder.path().join("thing.bin")).expect("is there") == bytes);
    assert_eq!(names(folder.path()), ["thing.bin"]);
    assert!(origin.sent() - before < bytes.len() as u64);
}

#[tokio::test]
async fn a_metalink_file_brings_name_digest_and_mirrors() {
    let bytes = content(5 * MIB, 4);
    let gone = Rules {
        status: Some(404),
        ..Rules::default()
    };
    let first = Origin::start(Vec::new(), gone).await;
    let mirror = Origin::start(bytes.clone(), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let write = |sha: &str| {
        let path = folder.path().join("files.meta4");
        let text = format!(
            r#"<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="../named.iso">
            <size>{}</size><hash type="sha-256">{sha}</hash>
            <url priority="2">{}</url><url priority="1">{}</url></file></metalink>"#,
            bytes.len(),
            mirror.url(),
            first.url(),
        );
        std::fs::write(&path, text).expect("writes");
        path.to_string_lossy().into_owned()
    };
    let into = folder.path().join("files");
    let right = write(&sha256(&bytes).to_string());
    let ran = pull(&into, &["--json", "--metalink", &right]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let done = &ran.of("completed")[0];
    assert_eq!(done["verified"], "digest");
    assert!(
        done["sources"][0]["dropped"]
            .as_str()
            .expect("a reason")
            .contains("404")
    );
    assert_eq!(ran.of("summary")[0]["completed"], 1);
    assert_eq!(names(&into), ["named.iso"]);

    std::fs::remove_file(into.join("named.iso")).expect("removes");
    let wrong = write(&"0".repeat(64));
    let ran = pull(&into, &["--json", "--metalink", &wrong]).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.of("failed")[0]["code"], "digest_mismatch");
    assert!(names(&into).is_empty());
}

#[tokio::test]
async fn a_password_is_taken_from_the_environment_and_shown_nowhere() {
    let origin = Origin::start(content(1000, 5), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = origin.url();
    let args = [
        "-vv",
        "--json",
        "--user",
        "me",
        "--header",
        "X-Key: planted",
        url.as_str(),
    ];
    let output = command(folder.path(), &args)
        .env("LONGHAUL_PASSWORD", "se:cret")
        .output()
        .await
        .expect("runs");
    assert_eq!(output.status.code(), Some(0));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        !said.contains("cret") && !said.contains("planted"),
        "{said}"
    );
    let seen = &origin.seen()[0];
    // "me:se:cret" in base64.
    assert_eq!(seen.headers["authorization"], "Basic bWU6c2U6Y3JldA==");
    assert_eq!(seen.headers["x-key"], "planted");
}

#[tokio::test]
async fn what_makes_no_sense_is_said_before_anything_is_asked() {
    let origin = Origin::start(content(1000, 6), Rules::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = origin.url();
    let url = url.as_str();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "no cookies\n").expect("writes");
    let broken = broken.to_string_lossy();
    let sha = "0".repeat(64);
    for args in [
        &["ftp://127.0.0.1/a"][..],
        &["--sha256", &sha, url, url],
        &["--mirror", url, url, url],
        &["--cookies", &broken, url],
        &["--cacert", &broken, url],
        &["--proxy", "gopher://127.0.0.1", url],
        &["--header", "nonsense", url],
        &["--metalink", &broken],
        &["-i", "/nowhere"],
        &[],
    ] {
        let ran = pull(folder.path(), args).await;
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn a_failure_says_what_was_kept_and_whether_to_try_again() {
    let rules = Rules {
        status: Some(404),
        ..Rules::default()
    };
    let origin = Origin::start(Vec::new(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let ran = pull(folder.path(), &[origin.url().as_str()]).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("404") && ran.err.contains("0 of 1 files"),
        "{}",
        ran.err
    );
    let ran = pull(folder.path(), &["--json", origin.url().as_str()]).await;
    let failed: &Value = &ran.of("failed")[0];
    assert_eq!(
        (failed["code"].as_str(), failed["retryable"].as_bool()),
        (Some("not_found"), Some(false))
    );
}
