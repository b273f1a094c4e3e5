//! The real nginx, with the configuration that is shipped, in front.

use longhaul_tests::{
    content::incompressible,
    nginx::{Nginx, accepts_what_is_shipped, free_port},
    server::Place,
};
use reqwest::{Client, StatusCode};
use serde_json::json;

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
