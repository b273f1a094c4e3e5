//! If-Match, If-None-Match and the dates.
use aws_sdk_s3::primitives::ByteStream;

use crate::support::*;

async fn ask(headers: &[(&str, &str)]) -> (u16, bool, Vec<u8>) {
    let b = Bench::new().await;
    b.put("a", b"hello").await;
    let mut request = b.http.get(b.url("a").await);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (
        answer.status().as_u16(),
        answer.headers().contains_key("etag"),
        answer.bytes().await.unwrap().to_vec(),
    )
}

const ETAG: &str = "\"5d41402abc4b2a76b9719d911017c592\"";
const PAST: &str = "Wed, 21 Oct 2015 07:28:00 GMT";
const FUTURE: &str = "Wed, 21 Oct 2099 07:28:00 GMT";

#[tokio::test]
async fn if_match_of_the_present_etag_is_200() {
    assert_eq!(
        ask(&[("if-match", ETAG)]).await,
        (200, true, b"hello".to_vec())
    );
}

#[tokio::test]
async fn if_match_of_another_etag_is_412_even_with_a_range() {
    let (status, _, body) = ask(&[("if-match", "\"other\""), ("range", "bytes=0-1")]).await;
    assert_eq!(status, 412);
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("PreconditionFailed")
    );
}

#[tokio::test]
async fn if_none_match_of_the_present_etag_is_304_without_a_body() {
    assert_eq!(ask(&[("if-none-match", ETAG)]).await, (304, true, vec![]));
}

#[tokio::test]
async fn if_none_match_of_a_list_with_the_etag_is_304() {
    assert_eq!(
        ask(&[("if-none-match", &format!("\"x\", {ETAG}"))]).await.0,
        304
    );
}

#[tokio::test]
async fn if_none_match_of_another_etag_is_200() {
    assert_eq!(ask(&[("if-none-match", "\"other\"")]).await.0, 200);
}

#[tokio::test]
async fn if_modified_since_decides_by_the_date() {
    assert_eq!(ask(&[("if-modified-since", FUTURE)]).await.0, 304);
    assert_eq!(ask(&[("if-modified-since", PAST)]).await.0, 200);
}

#[tokio::test]
async fn if_unmodified_since_decides_by_the_date() {
    assert_eq!(ask(&[("if-unmodified-since", PAST)]).await.0, 412);
    assert_eq!(ask(&[("if-unmodified-since", FUTURE)]).await.0, 200);
}

#[tokio::test]
async fn an_etag_that_holds_overrules_a_date_that_does_not() {
    assert_eq!(
        ask(&[("if-match", ETAG), ("if-unmodified-since", PAST)])
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn put_if_none_match_any_writes_once() {
    let b = Bench::new().await;
    let put = |body: &'static [u8]| {
        b.client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .if_none_match("*")
            .body(ByteStream::from_static(body))
            .send()
    };
    put(b"first").await.unwrap();
    assert_eq!(
        refusal(put(b"second").await),
        (412, "PreconditionFailed".into())
    );
    assert_eq!(b.get("a").await, b"first");
    b.wait_for_data_files(1).await;
}

#[tokio::test]
async fn put_if_match_replaces_only_what_it_names() {
    let b = Bench::new().await;
    let etag = b.put("a", b"one").await;
    let put = |etag: String, body: &'static [u8]| {
        b.client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .if_match(etag)
            .body(ByteStream::from_static(body))
            .send()
    };
    put(etag.clone(), b"two").await.unwrap();
    assert_eq!(refusal(put(etag, b"three").await).0, 412);
    assert_eq!(b.get("a").await, b"two");
}
