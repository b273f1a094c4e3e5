//! The real nginx, with the configuration that is shipped, in front.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use longhaul_protocol::{InitiateReply, JobStatus, JobView};
use longhaul_tests::{
    content::incompressible,
    nginx::{Nginx, accepts_what_is_shipped, free_port},
    server::Place,
};
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinSet};

/// How long the slow job takes; `make test-proxy` says 60.
const SECONDS: u64 = 10;
const LIMIT: Duration = Duration::from_secs(2);
const TRUST: [&str; 4] = [
    "--trusted-proxy",
    "127.0.0.1/32",
    "--allowed-hosts",
    "127.0.0.1",
];

#[test]
fn nginx_accepts_the_file_that_is_shipped() {
    let place = Place::new();
    accepts_what_is_shipped(&place.path("nginx")).expect("accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_long_completes_through_limits_of_two_seconds() {
    let seconds = std::env::var("LONGHAUL_SLOW_SECONDS").ok();
    let seconds = seconds.map_or(SECONDS, |text| text.parse().expect("a number"));
    let place = Place::new();
    let catalog = place.path("catalog.toml");
    let script = format!(
        "for i in $(seq {seconds}); do echo progress $((i * 100 / {seconds})) >&2; sleep 1; done; echo done"
    );
    let entry = format!(
        "[[file]]\nid = 7\nname = \"slow.txt\"\ncommand = {{ argv = [\"/bin/sh\", \"-c\", {script:?}], env = [\"PATH\"] }}\n"
    );
    std::fs::write(&catalog, entry).expect("written");
    let mut options = vec![
        "--max-wait",
        "1s",
        "--catalog",
        catalog.to_str().expect("unicode"),
    ];
    options.extend(TRUST);
    let server = place.serve(&options);
    let nginx = Nginx::before(&server.url, free_port(), &place.path("nginx"), "2s");
    let http = Client::builder().no_proxy().build().expect("a client");
    let at = |path: &str| nginx.url.join(path).expect("a path");
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    let mut requests = 0_u32;
    let mut timed = |since: Instant| {
        longest = longest.max(since.elapsed());
        requests += 1;
    };
    let asked = Instant::now();
    let click = http
        .post(at("/v1/jobs/download"))
        .json(&json!({ "file_id": 7 }));
    let job: InitiateReply = click
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("202");
    timed(asked);
    let done = loop {
        let asked = Instant::now();
        // The longest wait that a client may ask for: the server's own limit is what counts.
        let poll = http
            .get(at(&format!("{}?wait=25", job.check_url)))
            .send()
            .await;
        let reply = poll.expect("an answer");
        assert_eq!(
            reply.status(),
            StatusCode::OK,
            "{}",
            nginx.read("error.log")
        );
        let view: JobView = reply.json().await.expect("a job");
        timed(asked);
        if view.status.is_final() {
            break view;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(seconds + 60),
            "{view:?}"
        );
    };
    assert_eq!(done.status, JobStatus::Completed, "{:?}", done.error);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(seconds), "a slow job: {took:?}");
    let url = done.result.expect("a result").download_url;
    let file = http
        .get(url.expose().clone())
        .send()
        .await
        .expect("an answer");
    assert_eq!(file.text().await.expect("text"), "done\n");
    eprintln!("{took:.1?}, {requests} requests, the longest {longest:.3?}");
    assert!(longest < LIMIT, "the longest request took {longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_behind_nginx_is_the_one_that_is_counted() {
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 10, 1);
    let mut options = vec!["--initiate-rate", "3"];
    options.extend(TRUST);
    let server = place.serve(&options);
    let nginx = Nginx::before(&server.url, free_port(), &place.path("nginx"), "2s");
    let id = server.file_id("a.bin").await;
    let click = async |from: &str, lie: &str| {
        let from = from.parse().expect("an address");
        let http = Client::builder().no_proxy().local_address(Some(from));
        let http = http.build().expect("a client");
        let reply = http
            .post(nginx.url.join("/v1/jobs/download").expect("a path"))
            // What a client types is not believed: nginx overwrites it.
            .header("x-forwarded-for", lie)
            .header("x-real-ip", lie)
            .header("forwarded", format!("for={lie}"))
            .json(&json!({ "file_id": id }))
            .send()
            .await;
        reply.expect("an answer").status().as_u16()
    };
    let mut answers = Vec::new();
    for n in 0..4 {
        answers.push(click("127.0.0.2", &format!("198.51.100.{n}")).await);
    }
    assert_eq!(
        answers,
        [202, 202, 202, 429],
        "one client, whatever it types"
    );
    assert_eq!(click("127.0.0.3", "127.0.0.2").await, 202, "another client");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_stop_at_nginx_and_metrics_do_not_pass_it() {
    let place = Place::new();
    let server = place.serve(&TRUST);
    let nginx = Nginx::before(&server.url, free_port(), &place.path("nginx"), "2s");
    let http = Client::builder().no_proxy().build().expect("a client");
    let at = |path: &str| nginx.url.join(path).expect("a path");
    let large = http
        .post(at("/v1/jobs/download"))
        .body(vec![b'x'; 17 << 10]);
    let large = large.send().await.expect("an answer");
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let metrics = http.get(at("/metrics")).send().await.expect("an answer");
    assert_eq!(metrics.status(), StatusCode::NOT_FOUND);
    let files = http
        .get(at("/v1/files?query=hidden"))
        .send()
        .await
        .expect("an answer");
    let headers = files.headers();
    assert_eq!(
        headers["cache-control"],
        "no-cache, no-store, must-revalidate"
    );
    let id = headers["x-request-id"].to_str().expect("text").to_owned();
    let log = nginx.read("longhaul.log");
    assert!(log.contains(&id) && !log.contains("hidden"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_may_have_been_carried_out_is_not_sent_again() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = format!("http://{address}").parse().expect("a URL");
    let nginx = Nginx::before(&server, free_port(), &place.path("nginx"), "2s");
    let seen = Arc::new(AtomicUsize::new(0));
    let mut serving = JoinSet::new();
    let counted = Arc::clone(&seen);
    serving.spawn(async move {
        loop {
            // It takes the request, and goes without an answer.
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = [0; 16];
            stream.read_exact(&mut head).await.expect("a request");
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let http = Client::builder().no_proxy().build().expect("a client");
    for n in 1..=3 {
        let click = http.post(nginx.url.join("/v1/jobs/download").expect("a path"));
        let reply = click.json(&json!({ "file_id": 1 })).send().await;
        assert_eq!(reply.expect("an answer").status(), StatusCode::BAD_GATEWAY);
        assert_eq!(seen.load(Ordering::SeqCst), n, "once each");
    }
}
