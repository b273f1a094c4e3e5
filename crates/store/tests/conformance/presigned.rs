//! Presigned URLs: what they open, and what is refused.
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;

use crate::support::*;

async fn status(b: &Bench, url: &str) -> u16 {
    b.http.get(url).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_presigned_get_gives_the_object() {
    let b = Bench::new().await;
    b.put("a b/ü", b"hello").await;
    let answer = b.http.get(b.url("a b/ü").await).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.bytes().await.unwrap(), "hello");
}

#[tokio::test]
async fn a_presigned_put_stores() {
    let b = Bench::new().await;
    let answer = b
        .http
        .put(b.put_url("a").await)
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(b.get("a").await, b"hello");
}

#[tokio::test]
async fn a_presigned_part_is_taken() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let url = b
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .part_number(1)
        .presigned(valid(60))
        .await
        .unwrap();
    let answer = b.http.put(url.uri()).body("hello").send().await.unwrap();
    assert_eq!(
        answer.headers()["etag"],
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
}

#[tokio::test]
async fn the_answers_headers_can_be_chosen_in_the_signature() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    let get = b
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .response_content_type("application/zip");
    let url = get
        .response_content_disposition("attachment; filename=\"x.zip\"")
        .presigned(valid(60))
        .await
        .unwrap();
    let answer = b.http.get(url.uri()).send().await.unwrap();
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"x.zip\""
    );
    assert_eq!(answer.headers()["content-type"], "application/zip");
    assert_eq!(answer.headers().get_all("content-type").iter().count(), 1);
}

#[tokio::test]
async fn an_expired_url_is_refused() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    let old = PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_secs(120))
        .expires_in(Duration::from_secs(60))
        .build()
        .unwrap();
    let url = b
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .presigned(old)
        .await
        .unwrap();
    assert_eq!(status(&b, url.uri()).await, 403);
}

#[tokio::test]
async fn a_tampered_signature_is_refused() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    let url = b.url("a").await;
    let (head, signature) = url.split_once("X-Amz-Signature=").unwrap();
    let first = if signature.starts_with('0') { '1' } else { '0' };
    assert_eq!(
        status(
            &b,
            &format!("{head}X-Amz-Signature={first}{}", &signature[1..])
        )
        .await,
        403
    );
}

#[tokio::test]
async fn a_url_for_one_key_does_not_open_another() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    b.put("b", b"secret").await;
    assert_eq!(
        status(
            &b,
            &b.url("a").await.replace("/artifacts/a?", "/artifacts/b?")
        )
        .await,
        403
    );
}

#[tokio::test]
async fn a_stretched_expiry_is_refused() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    assert_eq!(
        status(
            &b,
            &b.url("a")
                .await
                .replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
        )
        .await,
        403
    );
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    let stranger = client(&b.endpoint, "another-secret", false);
    assert_eq!(
        refusal(stranger.get_object().bucket(BUCKET).key("a").send().await),
        (403, "SignatureDoesNotMatch".into())
    );
}

#[tokio::test]
async fn anonymous_requests_are_refused() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    assert_eq!(
        status(&b, &format!("{}/artifacts/a", b.endpoint)).await,
        403
    );
    assert_eq!(
        b.http
            .put(format!("{}/artifacts/a", b.endpoint))
            .body("x")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(b.get("a").await, b"hello");
}

#[tokio::test]
async fn a_url_for_get_is_not_one_for_head_or_put() {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    let url = b.url("a").await;
    assert_eq!(b.http.head(&url).send().await.unwrap().status(), 403);
    assert_eq!(
        b.http.put(&url).body("x").send().await.unwrap().status(),
        403
    );
}
