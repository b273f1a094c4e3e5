//! kill -9 and SIGTERM in the middle of an upload: the next attempt sends only what is missing.

use longhaul_protocol::JobStatus;
use longhaul_tests::{
    content::{incompressible, sha256},
    server::{Place, Server, fetch_sha256},
};

const SIZE: u64 = 400 << 20;

/// The server, stopped somehow in the middle of the upload of `big.bin`; its job, and the bytes
/// that S3 had by then.
async fn stopped_in_the_middle(place: &Place, stop: impl FnOnce(Server)) -> (String, u64) {
    incompressible(&place.library().join("big.bin"), SIZE, 31);
    let server = place.serve(&["--drain", "0s"]);
    let job = server.initiate(server.file_id("big.bin").await).await;
    let seen = server
        .poll_until(&job.check_url, |job| {
            job.bytes_done > SIZE / 3 || job.status.is_final()
        })
        .await;
    assert_eq!(seen.status, JobStatus::Processing, "stopped too late");
    stop(server);
    (job.check_url, seen.bytes_done)
}

/// The last "bytes sent" of the log.
fn sent(server: &Server) -> u64 {
    let log = server.log();
    let mut plain = String::new();
    let mut escape = false;
    // Colours are left out.
    for c in log.chars() {
        match c {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            c => plain.push(c),
        }
    }
    let (_, after) = plain
        .rsplit_once("sent=")
        .or_else(|| plain.rsplit_once("\"sent\":"))
        .expect("it is logged");
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

async fn goes_on(place: &Place, job: &str, before: u64) {
    let server = place.serve(&[]);
    let result = server.completed(job).await.result.expect("a result");
    let source = sha256(&place.library().join("big.bin"));
    assert_eq!(result.sha256.to_string(), source);
    assert_eq!(fetch_sha256(result.download_url.expose()).await, source);
    let sent = sent(&server);
    eprintln!("{sent} bytes sent again of {SIZE}, {before} were there");
    assert!(sent > 0 && sent <= SIZE - before, "{sent} bytes sent");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_servers_upload_is_taken_up_again_where_it_was() {
    let place = Place::new();
    let (job, before) = stopped_in_the_middle(&place, Server::kill).await;
    goes_on(&place, &job, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_servers_upload_is_taken_up_again_where_it_was() {
    let place = Place::new();
    let (job, before) = stopped_in_the_middle(&place, |server| {
        assert_eq!(server.terminate(), Some(0));
    })
    .await;
    goes_on(&place, &job, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_a_file_that_has_changed_meanwhile_begins_anew() {
    let place = Place::new();
    let (job, _) = stopped_in_the_middle(&place, Server::kill).await;
    incompressible(&place.library().join("big.bin"), SIZE, 32);
    let server = place.serve(&[]);
    let result = server.completed(&job).await.result.expect("a result");
    assert_eq!(
        result.sha256.to_string(),
        sha256(&place.library().join("big.bin"))
    );
    assert_eq!(sent(&server), SIZE);
}
