//! `/readyz` is red while the server cannot do its work, and green again by itself.

use std::time::{Duration, Instant};

use longhaul_tests::{
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
