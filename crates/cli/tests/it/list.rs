//! The persistent list, and what the server offers.

use serde_json::Value;

use crate::support::{World, bytes, eventually};

#[tokio::test]
async fn what_is_added_is_asked_for_at_once_and_fetched_by_watch() {
    let world = World::new().await;
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.fake.offer(8, "eight.bin", bytes(2, 1000));
    let ran = world.run(&["add", "7", "8", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.of("added").len(), 2);
    assert_eq!(world.fake.jobs_made(), 2);
    assert!(world.files().is_empty());
    let ran = world.run(&["watch", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.of("completed").len(), 2);
    assert_eq!(world.files(), ["eight.bin", "seven.bin"]);
    let ran = world.run(&["list", "--json"]).await;
    let states: Vec<_> = ran
        .events()
        .iter()
        .map(|row| row["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["completed", "completed"]);
}

async fn rows(world: &World) -> Vec<Value> {
    world.run(&["list", "--json"]).await.events()
}

#[tokio::test]
async fn rows_are_paused_resumed_cancelled_retried_and_removed_by_the_start_of_their_id() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.run(&["add", "7"]).await;
    let row = rows(&world).await.remove(0);
    let id = row["id"].as_str().unwrap()[..8].to_owned();
    for (command, state) in [
        ("pause", "paused"),
        ("resume", "preparing"),
        ("cancel", "cancelled"),
        ("retry", "queued"),
    ] {
        let ran = world.run(&[command, &id]).await;
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.err);
        assert_eq!(rows(&world).await[0]["state"], state, "after {command}");
    }
    let job = row["jobId"].as_str().unwrap().parse().unwrap();
    eventually("the cancellation reached the server", || {
        world.fake.job_status(job) == Some(longhaul_protocol::JobStatus::Failed)
    })
    .await;
    let ran = world.run(&["resume", &id]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("cannot be resumed"), "{}", ran.err);
    let ran = world.run(&["remove", "all"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(rows(&world).await.is_empty());
}

#[tokio::test]
async fn a_list_that_is_in_use_says_so_and_what_to_do() {
    let world = World::new().await;
    world.fake.hold_jobs();
    world.fake.offer(7, "seven.bin", bytes(1, 1000));
    world.run(&["add", "7"]).await;
    let mut watching = world.begin(&["watch", "--json"]);
    watching.until(|event| event["event"] == "added").await;
    let ran = world.run(&["list"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("Stop that one first"), "{}", ran.err);
    watching.signal("INT").await;
    assert_eq!(watching.end().await.code, Some(130));
    assert_eq!(rows(&world).await.len(), 1);
}

#[tokio::test]
async fn the_catalogue_is_searched_and_shown() {
    let world = World::new().await;
    world.fake.offer(70_000, "report.zip", bytes(1, 2048));
    world.fake.offer(8, "other.bin", bytes(2, 10));
    let ran = world.run(&["files", "report"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("70000") && ran.out.contains("2.00 KiB"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("other.bin"));
    let ran = world.run(&["files", "--json"]).await;
    let ids: Vec<_> = ran
        .events()
        .iter()
        .map(|file| file["fileId"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&70_000));
}
