//! `/metrics` tells what happened, by bounded labels, to those who may know.

use longhaul_tests::{
    content::incompressible,
    nginx::free_port,
    server::{Place, Server},
};
use reqwest::StatusCode;

async fn text(server: &Server, path: &str) -> String {
    let reply = server.http().get(server.at(path)).send().await;
    let reply = reply.expect("an answer");
    assert_eq!(reply.status(), 200);
    let kind = reply.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    reply.text().await.expect("text")
}

/// The value of a series, by its whole name.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find(|line| {
        line.strip_prefix(series)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    line?.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_balanced_and_a_job_leaves_its_marks() {
    let place = Place::new();
    incompressible(&place.library().join("secret-name.bin"), 70_001, 1);
    let server = place.serve(&[]);
    let id = server.file_id("secret-name.bin").await;
    let job = server.initiate(id).await;
    server.completed(&job.check_url).await;
    let text = text(&server, "/metrics").await;
    let of = |series: &str| value(&text, series).unwrap_or_else(|| panic!("{series}\n{text}"));
    assert_eq!(of("longhaul_ledger{kind=\"accepted\"}"), 1.0);
    assert_eq!(of("longhaul_ledger{kind=\"completed\"}"), 1.0);
    assert_eq!(of("longhaul_ledger{kind=\"live\"}"), 0.0);
    assert_eq!(of("longhaul_ledger_missing"), 0.0);
    assert_eq!(of("longhaul_produced_bytes_total"), 70_001.0);
    assert_eq!(of("longhaul_stored_bytes_total"), 70_001.0);
    assert_eq!(of("longhaul_attempt_seconds_count{kind=\"stored\"}"), 1.0);
    assert_eq!(of("longhaul_claim_wait_seconds_count"), 1.0);
    let route = "longhaul_http_answer_seconds_count{method=\"POST\",\
                 route=\"/v1/jobs/download\",status=\"202\"}";
    assert_eq!(of(route), 1.0);
    assert!(text.contains("longhaul_build_info"));
    for hidden in [
        "secret-name",
        &job.job_id.to_string(),
        &id.to_string(),
        "local",
    ] {
        assert!(!text.contains(hidden), "{hidden}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_unknown_paths_and_methods_are_a_handful_of_labels() {
    let place = Place::new();
    let server = place.serve(&[]);
    for n in 0..200 {
        let path = format!("/v1/jobs/{n}/{n}");
        let method = reqwest::Method::from_bytes(format!("M{n}").as_bytes()).expect("a token");
        let reply = server.http().request(method, server.at(&path)).send().await;
        assert!(reply.expect("an answer").status().is_client_error());
    }
    let text = text(&server, "/metrics").await;
    let series = text.lines().filter(|line| line.contains("seconds_count"));
    assert!(series.count() < 12, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_they_need_the_admin_token() {
    let place = Place::new();
    let token = place.path("admin");
    std::fs::write(&token, "an-admin-token-of-the-test\n").expect("written");
    let token = token.to_str().expect("unicode");
    let server = place.serve(&["--admin-token-file", token]);
    let ask = || {
        let ask = server.http().get(server.at("/metrics"));
        ask.header("x-forwarded-for", "192.0.2.1")
    };
    let refused = ask().send().await.expect("an answer").status();
    assert_eq!(refused, StatusCode::UNAUTHORIZED);
    let wrong = ask().bearer_auth("an-admin-token-of-the-tesT").send().await;
    assert_eq!(wrong.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let right = ask().bearer_auth("an-admin-token-of-the-test").send().await;
    assert_eq!(right.expect("an answer").status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_have_an_address_of_their_own_where_that_is_said() {
    let place = Place::new();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let server = place.serve(&["--metrics-listen", &address]);
    let there = format!("http://{address}");
    let reply = server.http().get(format!("{there}/metrics")).send().await;
    assert_eq!(reply.expect("an answer").status(), StatusCode::OK);
    let else_there = server.http().get(format!("{there}/v1/files")).send().await;
    assert_eq!(
        else_there.expect("an answer").status(),
        StatusCode::NOT_FOUND
    );
}
