//! Range requests over presigned URLs.
use crate::support::*;

async fn ask(range: &str, size: usize) -> (u16, String, Vec<u8>) {
    let b = Bench::new().await;
    b.put("a", &bytes(size, 1)).await;
    let answer = b
        .http
        .get(b.url("a").await)
        .header("range", range)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let said = answer
        .headers()
        .get("content-range")
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    (status, said, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_range_is_206_with_its_bytes() {
    assert_eq!(
        ask("bytes=10-19", 100).await,
        (
            206,
            "bytes 10-19/100".into(),
            bytes(100, 1)[10..20].to_vec()
        )
    );
}

#[tokio::test]
async fn an_open_range_goes_to_the_end() {
    assert_eq!(
        ask("bytes=90-", 100).await,
        (206, "bytes 90-99/100".into(), bytes(100, 1)[90..].to_vec())
    );
}

#[tokio::test]
async fn a_range_past_the_end_is_clamped() {
    assert_eq!(
        ask("bytes=90-1000", 100).await,
        (206, "bytes 90-99/100".into(), bytes(100, 1)[90..].to_vec())
    );
}

#[tokio::test]
async fn a_suffix_is_the_last_bytes() {
    assert_eq!(
        ask("bytes=-7", 100).await,
        (206, "bytes 93-99/100".into(), bytes(100, 1)[93..].to_vec())
    );
}

#[tokio::test]
async fn a_suffix_longer_than_the_object_is_all_of_it() {
    assert_eq!(
        ask("bytes=-1000", 100).await,
        (206, "bytes 0-99/100".into(), bytes(100, 1))
    );
}

#[tokio::test]
async fn a_range_that_begins_past_the_end_is_416_and_says_the_size() {
    let (status, said, body) = ask("bytes=100-", 100).await;
    assert_eq!((status, said.as_str()), (416, "bytes */100"));
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("<Code>InvalidRange</Code>")
    );
}

#[tokio::test]
async fn a_range_of_an_empty_object_is_416() {
    assert_eq!(ask("bytes=0-0", 0).await.0, 416);
}

#[tokio::test]
async fn several_ranges_at_once_are_answered_with_the_whole() {
    assert_eq!(
        ask("bytes=0-1,5-6", 100).await,
        (200, String::new(), bytes(100, 1))
    );
}

#[tokio::test]
async fn a_range_across_many_reads_is_exact() {
    let size = 3 * MIB + 17;
    let (status, _, body) = ask("bytes=500000-2800000", size).await;
    assert_eq!(status, 206);
    assert!(body == bytes(size, 1)[500_000..=2_800_000]);
}

#[tokio::test]
async fn ranges_are_announced() {
    let b = Bench::new().await;
    b.put("a", b"x").await;
    let answer = b.http.get(b.url("a").await).send().await.unwrap();
    assert_eq!(answer.headers()["accept-ranges"], "bytes");
    assert_eq!(answer.headers()["content-length"], "1");
}
