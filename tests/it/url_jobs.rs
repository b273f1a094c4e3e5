//! Jobs that name a URL: fetched in ranges, resumed over kills, explained where that fails, and
//! never fetched from where nobody may look.

use std::{fs, time::Duration};

use longhaul_protocol::{FaultCode, JobStatus, JobView};
use longhaul_tests::{
    catalogue::observe,
    origin::{KEY, Origin},
    server::{Place, Server, fetch_sha256},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const OPEN: [&str; 2] = ["--allow-urls", "--allow-private-origins"];
const SIZE: usize = 24 << 20;
const PLANTED: &str = "planted-secret-of-a-query";

fn content() -> Vec<u8> {
    (0..SIZE as u64 / 8)
        .flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes())
        .collect()
}

async fn post(server: &Server, url: &str) -> (u16, Value) {
    let request = server.http().post(server.at("/v1/jobs/download"));
    let reply = request.json(&json!({ "url": url })).send().await;
    let reply = reply.expect("an answer");
    (reply.status().as_u16(), reply.json().await.expect("JSON"))
}

async fn job(server: &Server, url: &str) -> String {
    let (status, reply) = post(server, url).await;
    assert_eq!(status, 202, "{reply}");
    reply["checkUrl"].as_str().expect("a path").to_owned()
}

async fn failed(server: &Server, job: &str) -> JobView {
    let job = server.poll_until(job, |job| job.status.is_final()).await;
    assert_eq!(job.status, JobStatus::Failed);
    job
}

fn spooled(place: &Place) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place.path("data/spool")) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

fn nothing_is_spooled(place: &Place) {
    observe("an empty spool", || spooled(place).is_empty().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_fetched_in_ranges_and_stored_and_nothing_of_it_stays() {
    let place = Place::new();
    let bytes = content();
    let origin = Origin::start(bytes.clone(), Duration::from_millis(20), 0).await;
    let server = place.serve(&OPEN);
    let job = job(&server, &format!("{}/file.bin?token={PLANTED}", origin.url)).await;
    let done = server.completed(&job).await;
    assert_eq!(done.file_name, "file.bin");
    let result = done.result.expect("a result");
    let expected = hex::encode(Sha256::digest(&bytes));
    assert_eq!(result.sha256.to_string(), expected);
    assert_eq!(fetch_sha256(result.download_url.expose()).await, expected);
    assert!(origin.asked() > 1, "one range only");
    nothing_is_spooled(&place);
    assert!(!server.log().contains(PLANTED), "{}", server.log());
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_goes_on_after_a_kill_of_the_server() {
    let place = Place::new();
    let bytes = content();
    let origin = Origin::start(bytes.clone(), Duration::from_millis(120), 0).await;
    let server = place.serve(&OPEN);
    let job = job(&server, &format!("{}/file.bin", origin.url)).await;
    // What is recorded is what is synced: a while after it came.
    server.poll_until(&job, |job| job.progress >= 35).await;
    server.kill();
    let before = origin.sent();
    assert!(before < SIZE as u64, "killed too late");
    let server = place.serve(&OPEN);
    let result = server.completed(&job).await.result.expect("a result");
    assert_eq!(
        result.sha256.to_string(),
        hex::encode(Sha256::digest(&bytes))
    );
    eprintln!(
        "{} bytes fetched of {SIZE}, {before} before the kill",
        origin.sent()
    );
    assert!(
        origin.sent() < SIZE as u64 + before,
        "{} bytes fetched, {before} before the kill",
        origin.sent()
    );
    nothing_is_spooled(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_without_the_file_is_told_with_its_host_and_not_asked_again() {
    let place = Place::new();
    let origin = Origin::start(Vec::new(), Duration::ZERO, 0).await;
    let host = origin
        .url
        .strip_prefix("http://")
        .expect("a URL")
        .to_owned();
    let server = place.serve(&OPEN);
    for (path, code, status) in [
        ("gone", FaultCode::SourceMissing, "404"),
        ("forbidden", FaultCode::SourceFailed, "403"),
    ] {
        let asked = origin.asked();
        let job = job(&server, &format!("{}/{path}?token={PLANTED}", origin.url)).await;
        let job = failed(&server, &job).await;
        let error = job.error.expect("an error");
        assert_eq!((error.code, error.retryable, job.attempt), (code, false, 1));
        for word in [host.as_str(), status, "will not help"] {
            assert!(error.message.contains(word), "{}", error.message);
        }
        assert!(!error.message.contains(PLANTED), "{}", error.message);
        assert_eq!(origin.asked() - asked, 1, "asked once");
    }
    assert!(!server.log().contains(PLANTED), "{}", server.log());
    nothing_is_spooled(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_busy_is_waited_for_as_long_as_it_says() {
    let place = Place::new();
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 2).await;
    let server = place.serve(&OPEN);
    let begun = std::time::Instant::now();
    let job = job(&server, &format!("{}/file.bin", origin.url)).await;
    let done = server.completed(&job).await;
    assert_eq!(done.attempt, 1);
    assert!(begun.elapsed() >= Duration::from_secs(2), "asked too soon");
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_are_refused_where_they_are_not_allowed() {
    let place = Place::new();
    let server = place.serve(&[]);
    let (status, problem) = post(&server, "https://example.org/a").await;
    assert_eq!((status, &problem["code"]), (422, &json!("url_not_allowed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_or_strange_url_is_refused_at_once() {
    let place = Place::new();
    let server = place.serve(&["--allow-urls"]);
    for url in [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://10.0.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "https://user:secret@example.org/",
    ] {
        let (status, problem) = post(&server, url).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("url_not_allowed")),
            "{url}"
        );
    }
    for url in ["", "not a url", "http://", "/v1/jobs"] {
        let (status, problem) = post(&server, url).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("invalid_request")),
            "{url}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_the_catalogue_is_not_fetched_from_a_private_network_either() {
    let place = Place::new();
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let entry = format!("url = \"{}/file.bin\"", origin.url);
    let [option, file] = place.catalogue(&[&entry]);
    let server = place.serve(&[&option, &file]);
    let job = server.initiate(1).await.check_url;
    let error = failed(&server, &job).await.error.expect("an error");
    assert!(
        !error.retryable && error.message.contains("does not connect"),
        "{}",
        error.message
    );
    assert_eq!(origin.asked(), 0);
    drop(server);

    let server = place.serve(&[&option, &file, "--allow-private-origins"]);
    let job = server.initiate(1).await.check_url;
    assert_eq!(
        server.completed(&job).await.result.expect("a result").size,
        1000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_job_has_use_for_is_swept_from_the_spool_at_the_start() {
    let place = Place::new();
    let orphan = place.path("data/spool/6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b11");
    fs::create_dir_all(&orphan).expect("made");
    fs::write(orphan.join("blob"), "left").expect("written");
    let _server = place.serve(&[]);
    nothing_is_spooled(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_comes_from_a_variable_and_the_environments_proxies_are_not_used() {
    let place = Place::new();
    let origin = Origin::start_at("127.0.0.2", vec![7; 1000], Duration::ZERO, 0).await;
    let proxy = Origin::start(vec![8; 1000], Duration::ZERO, 0).await;
    let entry = format!(
        "url = \"{}/keyed.bin\"\nheaders = {{ X-Key = \"ORIGIN_KEY\" }}",
        origin.url
    );
    let [option, file] = place.catalogue(&[&entry]);
    let mut variables = vec![("ORIGIN_KEY", KEY)];
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        variables.push((name, &proxy.url));
    }
    let options = [option.as_str(), &file, "--allow-private-origins"];
    let server = place.launch_with(&options, &variables).ready();
    let job = server.initiate(1).await.check_url;
    assert_eq!(
        server.completed(&job).await.result.expect("a result").size,
        1000
    );
    assert_eq!((origin.asked(), proxy.asked()), (1, 0));
    assert!(!server.log().contains(KEY), "{}", server.log());
}
