//! `/readyz` is red while the server cannot do its work, and green again by itself.

use std::time::{Duration, Instant};

use longhaul_tests::{
    content::incompressible,
    s3::OwnS3,
    server::{Place, Server},
    wait::{SOON, eventually},
};
use reqwest::StatusCode;
use tokio::task::JoinSet;

async fn is(server: &Server, wanted: StatusCode) -> String {
    eventually(&format!("readyz answers {wanted}"), SOON, async || {
        let reply = server.http().get(server.at("/readyz")).send().await?;
        let status = reply.status();
        let text = reply.text().await?;
        Ok((status == wanted).then_some(text))
    })
    .await
    .expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_red_while_s3_is_away() {
    let place = Place::new();
    let mut s3 = OwnS3::start(place.path("s3")).await;
    let options = ["--s3-endpoint", &s3.endpoint, "--s3-bucket", "files"];
    let server = place.serve(&options);
    is(&server, StatusCode::OK).await;
    s3.stop().await;
    let why = is(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(why.contains("storage"), "{why}");
    s3.restart().await;
    is(&server, StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_red_while_the_data_folder_takes_no_file() {
    let place = Place::new();
    let server = place.serve(&[]);
    is(&server, StatusCode::OK).await;
    let (data, away) = (place.path("data"), place.path("away"));
    std::fs::rename(&data, &away).expect("moved");
    let why = is(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(why.contains("data folder"), "{why}");
    std::fs::rename(&away, &data).expect("moved back");
    is(&server, StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_of_askers_is_one_look_at_s3() {
    let place = Place::new();
    let mut s3 = OwnS3::start(place.path("s3")).await;
    let options = ["--s3-endpoint", &s3.endpoint, "--s3-bucket", "files"];
    let server = place.serve(&options);
    is(&server, StatusCode::OK).await;
    // Its look is fresh: whoever asks now asks nobody else, and is answered though S3 is gone.
    s3.stop().await;
    let begun = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..200 {
        asking.spawn(server.http().get(server.at("/readyz")).send());
    }
    while let Some(reply) = asking.join_next().await {
        let reply = reply.expect("joined").expect("an answer");
        assert!(begun.elapsed() > Duration::from_secs(4) || reply.status() == 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_red_when_jobs_wait_and_no_worker_gets_on() {
    let place = Place::new();
    incompressible(&place.library().join("next.bin"), 10, 1);
    let catalog = place.path("catalog.toml");
    let text =
        "[[file]]\nid = 1\nname = \"never.bin\"\ncommand = { argv = [\"sleep\", \"600\"] }\n";
    std::fs::write(&catalog, text).expect("written");
    let catalog = catalog.to_str().expect("unicode");
    let options = [
        "--workers",
        "1",
        "--stall-after",
        "2s",
        "--catalog",
        catalog,
    ];
    let server = place.serve(&options);
    let held = server.initiate(1).await;
    server
        .poll_until(&held.check_url, |job| job.attempt == 1)
        .await;
    is(&server, StatusCode::OK).await;
    let waits = server.initiate(server.file_id("next.bin").await).await;
    let why = is(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(why.contains("Jobs wait"), "{why}");
    let gone = server.http().delete(server.at(&held.check_url));
    let gone = gone.header("content-type", "application/json").send().await;
    assert!(gone.expect("an answer").status().is_success());
    server.completed(&waits.check_url).await;
    is(&server, StatusCode::OK).await;
}
