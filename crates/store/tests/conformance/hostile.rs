//! Keys and names that mean harm, or only look like it.
use aws_sdk_s3::primitives::ByteStream;

use crate::support::*;

#[tokio::test]
async fn a_key_and_one_below_it_are_both_objects() {
    let b = Bench::new().await;
    b.put("a", b"1").await;
    b.put("a/b", b"2").await;
    b.put("a/", b"3").await;
    let b = b.reopened().await;
    assert_eq!(
        (b.get("a").await, b.get("a/b").await, b.get("a/").await),
        (b"1".to_vec(), b"2".to_vec(), b"3".to_vec())
    );
}

#[tokio::test]
async fn a_key_that_climbs_stays_a_key() {
    let b = Bench::new().await;
    b.client
        .create_bucket()
        .bucket("victim")
        .send()
        .await
        .unwrap();
    let before = std::fs::read_dir(&b.root).unwrap().count();
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("../victim/x")
        .body(ByteStream::from_static(b"evil"))
        .send()
        .await;
    assert!(
        b.client
            .list_objects_v2()
            .bucket("victim")
            .send()
            .await
            .unwrap()
            .contents()
            .is_empty()
    );
    assert_eq!(std::fs::read_dir(&b.root).unwrap().count(), before);
    if put.is_ok() {
        assert_eq!(b.get("../victim/x").await, b"evil");
    }
}

#[tokio::test]
async fn odd_keys_come_back_as_they_are() {
    let b = Bench::new().await;
    let keys = [
        "with space",
        "plus+and%25",
        "ünï/漢字/🦀",
        "q?x=1&y#z",
        "'\"<>&",
        "trailing.",
        "CON",
        "a//b",
        ".hidden",
        "back\\slash",
        "A",
        "a",
    ];
    for (at, key) in keys.iter().enumerate() {
        b.put(key, at.to_string().as_bytes()).await;
    }
    let b = b.reopened().await;
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(b.get(key).await, at.to_string().as_bytes(), "{key}");
    }
    let listed = b
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let mut wanted = keys.to_vec();
    wanted.sort_unstable();
    assert_eq!(
        listed
            .contents()
            .iter()
            .map(|o| o.key().unwrap())
            .collect::<Vec<_>>(),
        wanted
    );
}

#[tokio::test]
async fn a_key_of_1024_bytes_fits_and_one_more_is_refused() {
    let b = Bench::new().await;
    b.put(&"k".repeat(1024), b"x").await;
    assert_eq!(b.get(&"k".repeat(1024)).await, b"x");
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("k".repeat(1025))
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    assert_eq!(refusal(put), (400, "KeyTooLongError".into()));
}

#[tokio::test]
async fn an_upload_id_that_is_a_path_is_no_upload() {
    let b = Bench::new().await;
    b.put("a", b"x").await;
    let abort = b
        .client
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id("../objects")
        .send()
        .await;
    assert_eq!(refusal(abort), (404, "NoSuchUpload".into()));
    assert_eq!(b.get("a").await, b"x");
}

#[tokio::test]
async fn an_upload_of_one_key_is_not_completed_as_another() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let part = b
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("b")
        .upload_id(&upload)
        .part_number(1)
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    assert_eq!(refusal(part), (404, "NoSuchUpload".into()));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_set_aside_and_the_others_are_there() {
    let b = Bench::new().await;
    b.put("a", b"x").await;
    let folder = b.root.join("buckets").join(BUCKET).join("objects");
    std::fs::write(folder.join("torn.json"), b"{\"form\":1,\"key\":\"tor").unwrap();
    let b = b.reopened().await;
    assert_eq!(b.store.recovery().quarantined, 1);
    assert_eq!(b.get("a").await, b"x");
}
