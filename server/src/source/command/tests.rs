//! Programs as the tests run them: real ones, by `sh`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::*;
use crate::source::{Recipe, open};

const DEADLINE: Duration = Duration::from_secs(30);

fn script(folder: &Path, text: &str) -> CommandRecipe {
    CommandRecipe {
        argv: ["sh", "-c", text].map(str::to_owned).to_vec(),
        cwd: folder.to_owned(),
        env: vec![("NAMED".into(), "named value".into())],
    }
}

async fn begin(recipe: CommandRecipe) -> (Production, Tether) {
    let tether = Tether::default();
    let opened = open(&Recipe::Command(recipe)).await.expect("opened");
    (opened.start_here(&tether).expect("started"), tether)
}

/// All that it printed, and how it ended.
async fn outcome(text: &str) -> (Vec<u8>, Option<SourceError>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut production, tether) = begin(script(folder.path(), text)).await;
    let mut bytes = Vec::new();
    let mut error = None;
    while let Some(chunk) = production.chunks.recv().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(failed) => error = Some(failed),
        }
    }
    tether.let_go().await;
    (bytes, error)
}

fn observe<T>(mut seen: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = seen() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn runs(pid: i32) -> bool {
    // A zombie has ended, though nobody has asked how.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn pid_in(path: &Path) -> i32 {
    observe(|| std::fs::read_to_string(path).ok()?.trim().parse().ok())
}

#[tokio::test]
async fn what_a_program_prints_is_the_file() {
    let (bytes, error) = outcome("head -c 3000000 /dev/zero").await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(bytes, vec![0; 3_000_000]);
}

#[tokio::test]
async fn a_program_sees_what_its_entry_names_and_nothing_else_of_the_environment() {
    let (bytes, error) = outcome("env | cut -d= -f1 | sort").await;
    assert!(error.is_none(), "{error:?}");
    let names = String::from_utf8(bytes).expect("unicode");
    let names: Vec<_> = names
        .lines()
        .filter(|n| !matches!(*n, "_" | "PWD" | "SHLVL" | "OLDPWD"))
        .collect();
    assert_eq!(names, ["NAMED", "PATH"]);
}

#[tokio::test]
async fn no_shell_reads_the_arguments() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = CommandRecipe {
        argv: ["echo", "$HOME;", "`id`", "*"].map(str::to_owned).to_vec(),
        ..script(folder.path(), "")
    };
    let (mut production, tether) = begin(recipe).await;
    let chunk = production.chunks.recv().await.expect("a chunk");
    assert_eq!(&chunk.expect("bytes")[..], b"$HOME; `id` *\n");
    tether.let_go().await;
}

#[tokio::test]
async fn a_program_that_fails_is_an_error_with_its_last_words() {
    let text = "echo part of it; echo progress 20 >&2; echo 'no such table' >&2; exit 3";
    let (_, error) = outcome(text).await;
    let error = error.expect("it failed");
    assert_eq!(
        error.to_string(),
        "the command exited with status 3: no such table"
    );
    assert!(error.fault().retryable);
    let (_, error) = outcome("exit 64").await;
    assert!(!error.expect("it failed").fault().retryable, "wrong usage");
    let (_, error) = outcome("kill -9 $$").await;
    let error = error.expect("it failed");
    assert_eq!(error.to_string(), "the command was ended by signal 9");
    assert!(error.fault().retryable);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_and_not_retried() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = CommandRecipe {
        argv: vec!["no-such-program-anywhere".into()],
        ..script(folder.path(), "")
    };
    let opened = open(&Recipe::Command(recipe)).await.expect("opened");
    let error = opened
        .start_here(&Tether::default())
        .expect_err("not there");
    assert!(!error.fault().retryable);
}

#[tokio::test]
async fn progress_that_is_told_counts_as_work_only_while_it_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "echo progress 45 >&2; echo progress 45 >&2; echo progress 30 >&2";
    let (mut production, tether) = begin(script(folder.path(), text)).await;
    assert!(production.chunks.recv().await.is_none());
    assert_eq!(tether.work.percent(), Some(45));
    assert_eq!(tether.work.steps(), 1);
    tether.let_go().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_program_that_is_let_go_not_even_a_grandchild() {
    let folder = tempfile::tempdir().expect("a folder");
    // The grandchild does not listen to SIGTERM.
    let text =
        "sh -c 'trap \"\" TERM; echo $$ > stubborn; sleep 600' & echo $$ > leader; sleep 600";
    let (production, tether) = begin(script(folder.path(), text)).await;
    let leader = pid_in(&folder.path().join("leader"));
    let stubborn = pid_in(&folder.path().join("stubborn"));
    assert!(runs(leader) && runs(stubborn));
    tether.let_go().await;
    assert!(!runs(leader), "the program");
    assert!(!runs(stubborn), "its child");
    drop(production);
}

#[tokio::test]
async fn a_program_that_ends_well_leaves_nobody_behind_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "sleep 600 & echo $! > left; echo done";
    let (mut production, tether) = begin(script(folder.path(), text)).await;
    let chunk = production.chunks.recv().await.expect("a chunk");
    assert_eq!(&chunk.expect("bytes")[..], b"done\n");
    // The sleeper holds the output open: without its end there would be no end of the file.
    assert!(production.chunks.recv().await.is_none());
    let left = pid_in(&folder.path().join("left"));
    observe(|| (!runs(left)).then_some(()));
    tether.let_go().await;
}

#[tokio::test]
async fn a_program_that_nobody_listens_to_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "echo $$ > leader; while :; do head -c 100000 /dev/zero || exit; done";
    let (production, tether) = begin(script(folder.path(), text)).await;
    let leader = pid_in(&folder.path().join("leader"));
    drop(production);
    tether.let_go().await;
    assert!(!runs(leader));
}
