//! The operator's calls: what the queue holds, and its pause, which outlives a restart.

use longhaul_protocol::{JobStatus, QueueView};
use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
    wait::{SOON, eventually},
};
use serde_json::Value;

const ADMIN: &str = "canary-token-of-the-operator";
const OPTIONS: [&str; 2] = ["--admin-token-file", "admin"];

fn place() -> Place {
    let place = Place::new();
    incompressible(&place.library().join("canary-name.bin"), 1000, 1);
    std::fs::write(place.path("admin"), format!("{ADMIN}\n")).expect("written");
    place
}

async fn queue(server: &Server, call: &str) -> (QueueView, String) {
    let url = server.at(&format!("/v1/queue{call}"));
    let request = if call.is_empty() {
        server.http().get(url)
    } else {
        server.http().post(url)
    };
    let reply = request.bearer_auth(ADMIN).send().await.expect("an answer");
    assert_eq!(reply.status(), 200);
    let text = reply.text().await.expect("text");
    (serde_json::from_str(&text).expect("a queue"), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_takes_jobs_and_begins_none_even_after_a_restart() {
    let place = place();
    let server = place.serve(&OPTIONS);
    let id = server.file_id("canary-name.bin").await;
    assert!(queue(&server, "/pause").await.0.paused);
    let job = server.initiate(id).await;
    server.kill();

    let server = place.serve(&OPTIONS);
    let waiting = eventually("the job has waited a second", SOON, async || {
        let (view, text) = queue(&server, "").await;
        assert!(view.paused, "the pause outlives a kill");
        assert_eq!((view.counts.pending, view.counts.processing), (1, 0));
        let waited = view.oldest_wait_seconds.is_some_and(|seconds| seconds >= 1);
        Ok(waited.then_some((view, text)))
    });
    let (view, text) = waited(waiting).await;
    assert_eq!(
        (view.ledger.accepted, view.ledger.live, view.ledger.missing),
        (1, 1, 0)
    );
    assert!(
        !text.contains("canary") && !text.contains("local"),
        "{text}"
    );
    assert_eq!(server.job(&job.check_url).await.status, JobStatus::Pending);

    assert!(!queue(&server, "/resume").await.0.paused);
    server.completed(&job.check_url).await;
    let (view, _) = queue(&server, "").await;
    assert_eq!((view.counts.completed, view.oldest_wait_seconds), (1, None));
    assert_eq!(
        (view.ledger.completed, view.ledger.live, view.ledger.missing),
        (1, 0, 0)
    );
}

async fn waited<T>(waiting: impl Future<Output = anyhow::Result<T>>) -> T {
    waiting.await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_opens_the_queue_where_no_token_was_named() {
    let place = Place::new();
    let server = place.serve(&[]);
    for token in [None, Some(ADMIN)] {
        let mut request = server.http().get(server.at("/v1/queue"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let reply = request.send().await.expect("an answer");
        assert_eq!(reply.status(), 403);
        let problem: Value = reply.json().await.expect("a problem");
        assert_eq!(problem["code"], "forbidden");
    }
}
