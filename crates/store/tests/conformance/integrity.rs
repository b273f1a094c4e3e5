//! What must not get in: wrong digests, short bodies, broken connections. The old object stays.
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::*;

async fn refused_and_the_old_one_kept(header: &'static str, value: &'static str, code: &str) {
    let b = Bench::new().await;
    b.put("a", b"old").await;
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_static(b"new"));
    let put = put.customize().mutate_request(move |request| {
        request.headers_mut().insert(header, value);
    });
    assert_eq!(refusal(put.send().await), (400, code.into()));
    assert_eq!(b.get("a").await, b"old");
    b.wait_for_data_files(1).await;
}

#[tokio::test]
async fn a_wrong_md5_is_refused() {
    refused_and_the_old_one_kept("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest").await;
}

#[tokio::test]
async fn an_md5_that_is_none_is_refused() {
    refused_and_the_old_one_kept("content-md5", "nonsense", "InvalidDigest").await;
}

#[tokio::test]
async fn a_wrong_crc32_is_refused() {
    refused_and_the_old_one_kept("x-amz-checksum-crc32", "AAAAAA==", "BadDigest").await;
}

#[tokio::test]
async fn a_wrong_crc32c_is_refused() {
    refused_and_the_old_one_kept("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest").await;
}

#[tokio::test]
async fn a_wrong_crc64_is_refused() {
    refused_and_the_old_one_kept("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest").await;
}

#[tokio::test]
async fn a_wrong_sha1_is_refused() {
    refused_and_the_old_one_kept(
        "x-amz-checksum-sha1",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "BadDigest",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_sha256_is_refused() {
    refused_and_the_old_one_kept(
        "x-amz-checksum-sha256",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "BadDigest",
    )
    .await;
}

#[tokio::test]
async fn a_part_with_a_wrong_md5_is_refused() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let part = b
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .part_number(1)
        .content_md5("AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(
        refusal(part.body(ByteStream::from_static(b"x")).send().await),
        (400, "BadDigest".into())
    );
    assert!(
        b.client
            .list_parts()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
            .send()
            .await
            .unwrap()
            .parts()
            .is_empty()
    );
    b.wait_for_data_files(0).await;
}

#[tokio::test]
async fn the_right_checksums_are_taken_and_told() {
    let b = Bench::new().await;
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    let put = put
        .content_md5("XUFAKrxLKna5cZ2REBfFkg==")
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        put.checksum_sha256(),
        Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
    );
}

#[tokio::test]
async fn a_put_that_breaks_off_leaves_the_old_object_and_nothing_on_the_disk() {
    let b = Bench::new().await;
    b.put("a", b"old").await;
    let url: reqwest::Url = b.put_url("a").await.parse().unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", url.port().unwrap()))
        .await
        .unwrap();
    let head = format!(
        "PUT {}?{} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-length: 9000000\r\n\r\n",
        url.path(),
        url.query().unwrap(),
        url.port().unwrap()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&bytes(4 * MIB, 1)).await.unwrap();
    until("the new data file begun", || b.data_files() == 2).await;
    drop(socket);
    b.wait_for_data_files(1).await;
    assert_eq!(b.get("a").await, b"old");
}

#[tokio::test]
async fn a_head_that_never_comes_does_not_keep_others_waiting() {
    let b = Bench::new().await;
    let url: reqwest::Url = b.endpoint.parse().unwrap();
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(
            TcpStream::connect(("127.0.0.1", url.port().unwrap()))
                .await
                .unwrap(),
        );
    }
    tokio::time::timeout(Duration::from_secs(20), b.put("a", b"x"))
        .await
        .unwrap();
}
