//! Download links that run out again and again in the middle of a pull.

use std::process::{Command, Stdio};

use longhaul_tests::{
    bins::binary,
    content::{incompressible, sha256},
    server::Place,
};
use serde_json::Value;

const SIZE: u64 = 26 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_outlives_its_links_asks_for_fresh_ones_and_goes_on() {
    let place = Place::new();
    incompressible(&place.library().join("slow.bin"), SIZE, 11);
    let server = place.serve(&["--presign-ttl", "5s"]);
    let id = server.file_id("slow.bin").await;
    let client = Command::new(binary("longhaul"))
        .args(["get", &id.to_string(), "--json", "--limit-rate", "2M"])
        .args(["--server", server.url.as_str()])
        .arg("-o")
        .arg(place.path("out"))
        .arg("--state-dir")
        .arg(place.path("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts");
    let ended = tokio::task::spawn_blocking(|| client.wait_with_output());
    let ended = ended.await.expect("joined").expect("it ends");
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let out = String::from_utf8(ended.stdout).expect("unicode");
    let events: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect();
    let renewed = events
        .iter()
        .filter(|event| event["event"] == "changed")
        .filter_map(|event| event["download"]["pulled"]["linksRenewed"].as_u64())
        .max();
    assert!(renewed >= Some(2), "links renewed: {renewed:?}");
    let done = events.iter().find(|event| event["event"] == "completed");
    let fetched = done.expect("completed")["fetched"].as_u64();
    let fetched = fetched.expect("counted");
    assert!(
        (SIZE..SIZE * 6 / 5).contains(&fetched),
        "{fetched} bytes fetched for {SIZE}"
    );
    assert_eq!(
        sha256(&place.path("out/slow.bin")),
        sha256(&place.library().join("slow.bin"))
    );
}
