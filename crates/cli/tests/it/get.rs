//! `longhaul get`: exit 0 only when every file is complete and verified.

use longhaul_protocol::FaultCode;

use crate::{
    fake::{Fake, TOKEN, sha_of},
    support::{World, bytes},
};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn files_arrive_whole_and_nothing_else_is_left() {
    let world = World::new().await;
    let (a, b) = (bytes(1, 3 * MIB + 1), bytes(2, 0));
    world.fake.offer(7, "größe \"a\".bin", a.clone());
    world.fake.offer(8, "empty.bin", b.clone());
    let ran = world.run(&["get", "7", "8"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut contents = Vec::new();
    let mut paths: Vec<_> = ran.out.lines().collect();
    paths.sort_unstable();
    for path in paths {
        contents.push(std::fs::read(path).expect("stdout names the finished files"));
    }
    assert_eq!(contents, [b, a]);
    assert_eq!(world.files().len(), 2);
    assert_eq!(world.slots(), 0, "the state of a finished run goes");
}

#[tokio::test]
async fn json_is_one_event_a_line_and_ends_with_a_summary() {
    let world = World::new().await;
    let content = bytes(1, MIB);
    world.fake.offer(7, "seven.bin", content.clone());
    let sha = sha_of(&content).to_string();
    let ran = world.run(&["get", "7", "--json", "--sha256", &sha]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.err, "");
    assert_eq!(ran.of("added").len(), 1);
    let completed = ran.of("completed");
    assert_eq!(completed.len(), 1);
    assert_eq!(completed[0]["size"], MIB);
    assert_eq!(completed[0]["sha256"], sha);
    assert_eq!(completed[0]["name"], "seven.bin");
    assert!(completed[0]["crc64nvme"].is_string());
    assert!(completed[0]["fetched"].as_u64() >= Some(MIB as u64));
    let path = completed[0]["path"].as_str().expect("a path");
    assert_eq!(std::fs::read(path).expect("readable"), content);
    let last = ran.events().pop().expect("lines");
    assert_eq!(last["event"], "summary");
    assert_eq!(
        (last["completed"].as_u64(), last["failed"].as_u64()),
        (Some(1), Some(0))
    );
    assert_eq!(last["bytes"], MIB);
}

#[tokio::test]
async fn a_killed_run_goes_on_from_what_is_there() {
    let world = World::new().await;
    let content = bytes(1, 8 * MIB);
    world.fake.offer(7, "seven.bin", content.clone());
    world.fake.gate(5 * MIB as u64);
    let mut running = world.begin(&["get", "7", "--json", "--connections", "1"]);
    running
        .until(|event| event["download"]["pulled"]["done"].as_u64() >= Some(4 * MIB as u64))
        .await;
    // A record claims only what is synced, every two seconds: wait for one that claims something.
    let folder = world.folder();
    crate::support::eventually("a control record with bytes in it", || {
        std::fs::read_dir(&folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                entry.file_name().to_string_lossy().ends_with(".part.json")
                    && std::fs::read_to_string(entry.path())
                        .is_ok_and(|text| !text.contains(r#""done":[],"#))
            })
        })
    })
    .await;
    running.signal("KILL").await;
    assert_eq!(running.end().await.code, None, "killed");
    world.fake.gate(u64::MAX);
    let ran = world.run(&["get", "7", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let completed = &ran.of("completed")[0];
    let path = completed["path"].as_str().expect("a path");
    assert_eq!(std::fs::read(path).expect("readable"), content);
    assert_eq!(world.files(), ["seven.bin"]);
    assert_eq!(world.slots(), 0);
    assert_eq!(world.fake.jobs_made(), 1, "the same job");
    let served = world.fake.served();
    assert!(
        served < 12 * (MIB as u64),
        "served {served}: it began again"
    );
}

#[tokio::test]
async fn an_interrupted_run_says_how_to_go_on_and_does() {
    let world = World::new().await;
    let content = bytes(1, 6 * MIB);
    world.fake.offer(7, "seven.bin", content.clone());
    world.fake.gate(2 * MIB as u64);
    let mut running = world.begin(&["get", "7", "--json", "--connections", "1"]);
    running
        .until(|event| event["download"]["pulled"]["done"].as_u64() >= Some(MIB as u64))
        .await;
    running.signal("INT").await;
    let ran = running.end().await;
    assert_eq!(ran.code, Some(130));
    assert!(!world.files().is_empty(), "the part is kept");
    world.fake.gate(u64::MAX);
    let ran = world.run(&["get", "7", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let fetched = ran.of("completed")[0]["fetched"].as_u64().expect("a count");
    assert!(fetched < (7 * MIB + MIB / 5) as u64, "fetched {fetched}");
    assert_eq!(world.files(), ["seven.bin"]);
}

#[tokio::test]
async fn a_person_who_interrupts_is_told_how_to_go_on() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, MIB));
    let running = world.begin(&["get", "7"]);
    crate::support::eventually("it has asked", || world.fake.jobs_made() == 1).await;
    running.signal("INT").await;
    let ran = running.end().await;
    assert_eq!(ran.code, Some(130));
    assert!(
        ran.err.contains("run the same command again"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_file_asked_for_again_is_fetched_again_beside_the_first() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    for _ in 0..2 {
        let ran = world.run(&["get", "7"]).await;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    assert_eq!(world.files(), ["seven (1).bin", "seven.bin"]);
    assert_eq!(world.fake.jobs_made(), 2);
}

#[tokio::test]
async fn two_runs_for_one_folder_do_not_hinder_each_other() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.offer(8, "eight.bin", bytes(2, 1000));
    let first = world.begin(&["get", "7", "--json"]);
    let second = world.begin(&["get", "8", "--json"]);
    crate::support::eventually("both have asked", || world.fake.jobs_made() == 2).await;
    world.fake.complete_all();
    for running in [first, second] {
        let ran = running.end().await;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    assert_eq!(world.files(), ["eight.bin", "seven.bin"]);
    assert_eq!(world.slots(), 0);
}

#[tokio::test]
async fn what_cannot_be_had_is_said_in_a_sentence_and_the_rest_arrives() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let ran = world.run(&["get", "404", "7"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("there is no file 404 in the catalogue"),
        "{}",
        ran.err
    );
    assert_eq!(world.files(), ["seven.bin"]);
    assert_eq!(world.slots(), 0, "nothing is left to go on from");
}

#[tokio::test]
async fn a_failed_job_is_told_with_its_code() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let mut running = world.begin(&["get", "7", "--json"]);
    let event = running
        .until(|event| event["download"]["jobId"].is_string())
        .await;
    let job = event["download"]["jobId"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    world
        .fake
        .fail_job(job, FaultCode::SourceMissing, "The file has been deleted.");
    let ran = running.end().await;
    assert_eq!(ran.code, Some(1));
    let failed = &ran.of("failed")[0];
    assert_eq!(failed["code"], "source_missing");
    assert_eq!(failed["message"], "The file has been deleted.");
}

#[tokio::test]
async fn a_wrong_digest_never_becomes_a_file() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    let wrong = sha_of(b"another").to_string();
    let ran = world.run(&["get", "7", "--sha256", &wrong, "--json"]).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.of("failed")[0]["code"], "digest_mismatch");
    assert!(world.files().is_empty());
    let two = world.run(&["get", "7", "8", "--sha256", &wrong]).await;
    assert_eq!(two.code, Some(2), "{}", two.err);
}

#[tokio::test]
async fn a_server_that_was_never_there_ends_the_run_with_a_hint() {
    let world = World::new().await;
    let gone = {
        let fake = Fake::start().await;
        fake.url()
    };
    let mut command = world.command(&["get", "7", "--server", gone.as_str()]);
    command.env_remove("LONGHAUL_SERVER");
    let ran = world.finish(command).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("--server"), "{}", ran.err);
    assert_eq!(world.slots(), 0);
}

#[tokio::test]
async fn wrong_usage_exits_with_two_and_a_wrong_token_says_so_without_showing_it() {
    let world = World::new().await;
    for wrong in [
        vec!["get"],
        vec!["get", "seven"],
        vec!["get", "7", "--limit-rate", "fast"],
        vec!["nonsense"],
    ] {
        let ran = world.run(&wrong).await;
        assert_eq!(ran.code, Some(2), "{wrong:?}: {}", ran.err);
    }
    let file = world.dir.path().join("token");
    std::fs::write(&file, "canary-wrong-token\n").expect("written");
    let file = file.to_str().unwrap();
    let ran = world.run(&["get", "7", "-vv", "--token-file", file]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("no valid token"), "{}", ran.err);
    for secret in ["canary-wrong-token", TOKEN] {
        assert!(!ran.err.contains(secret) && !ran.out.contains(secret));
    }
}
