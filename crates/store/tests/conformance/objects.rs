//! Objects and buckets: put, head, get, copy, delete.
use crate::support::*;
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{Delete, MetadataDirective, ObjectIdentifier},
};

#[tokio::test]
async fn a_bucket_is_made_found_listed_and_removed() {
    let b = Bench::new().await;
    b.client.head_bucket().bucket(BUCKET).send().await.unwrap();
    assert_eq!(
        refusal(b.client.create_bucket().bucket(BUCKET).send().await),
        (409, "BucketAlreadyOwnedByYou".into())
    );
    let listed = b.client.list_buckets().send().await.unwrap();
    assert_eq!(listed.buckets()[0].name(), Some(BUCKET));
    b.client
        .get_bucket_location()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    b.client
        .delete_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(b.client.head_bucket().bucket(BUCKET).send().await).0,
        404
    );
}

#[tokio::test]
async fn a_bucket_that_holds_something_is_not_removed() {
    let b = Bench::new().await;
    b.put("a", b"1").await;
    assert_eq!(
        refusal(b.client.delete_bucket().bucket(BUCKET).send().await),
        (409, "BucketNotEmpty".into())
    );
    assert_eq!(b.get("a").await, b"1");
}

#[tokio::test]
async fn a_put_in_a_missing_bucket_is_refused() {
    let b = Bench::new().await;
    let put = b
        .client
        .put_object()
        .bucket("nowhere")
        .key("a")
        .body(ByteStream::from_static(b"1"))
        .send()
        .await;
    assert_eq!(refusal(put), (404, "NoSuchBucket".into()));
    assert_eq!(b.data_files(), 0);
}

#[tokio::test]
async fn an_object_comes_back_with_everything_said_of_it() {
    let b = Bench::new().await;
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_static(b"hello"));
    let put = put
        .content_type("text/plain")
        .content_disposition("attachment; filename=\"h.txt\"")
        .content_language("en")
        .cache_control("no-store");
    put.metadata("job", "17")
        .metadata("who", "me")
        .send()
        .await
        .unwrap();
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type(), Some("text/plain"));
    assert_eq!(
        head.content_disposition(),
        Some("attachment; filename=\"h.txt\"")
    );
    assert_eq!(head.content_language(), Some("en"));
    assert_eq!(head.cache_control(), Some("no-store"));
    assert_eq!(head.metadata().unwrap()["job"], "17");
    assert_eq!(head.metadata().unwrap()["who"], "me");
    assert_eq!(head.content_length(), Some(5));
    assert_eq!(head.accept_ranges(), Some("bytes"));
    assert!(head.last_modified().is_some());
    assert_eq!(b.get("a").await, b"hello");
}

#[tokio::test]
async fn the_etag_of_a_put_is_its_md5() {
    let b = Bench::new().await;
    assert_eq!(
        b.put("a", b"hello").await,
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let b = Bench::new().await;
    assert_eq!(
        b.put("empty", b"").await,
        "\"d41d8cd98f00b204e9800998ecf8427e\""
    );
    assert_eq!(b.get("empty").await, b"");
    let b = b.reopened().await;
    assert_eq!(b.get("empty").await, b"");
}

#[tokio::test]
async fn a_large_body_streams_in_and_out_unchanged() {
    let b = Bench::new().await;
    let body = bytes(9 * MIB + 12345, 3);
    b.put("large", &body).await;
    assert!(b.get("large").await == body);
}

#[tokio::test]
async fn a_file_streamed_with_the_sdks_default_checksums_is_taken() {
    let b = Bench::new().await;
    let body = bytes(3 * MIB + 7, 4);
    let file = b.root.join("upload.bin");
    std::fs::write(&file, &body).unwrap();
    let strict = client(&b.endpoint, &b.keys.secret_key, true);
    strict
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_path(&file).await.unwrap())
        .send()
        .await
        .unwrap();
    let got = strict
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(got.checksum_crc32().is_some());
    assert!(got.body.collect().await.unwrap().to_vec() == body);
}

#[tokio::test]
async fn an_overwrite_replaces_bytes_and_description_and_frees_the_old_file() {
    let b = Bench::new().await;
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_static(b"old"))
        .metadata("x", "1");
    put.send().await.unwrap();
    b.put("a", b"new").await;
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(
        head.metadata()
            .is_none_or(std::collections::HashMap::is_empty)
    );
    assert_eq!(b.get("a").await, b"new");
    b.wait_for_data_files(1).await;
}

#[tokio::test]
async fn a_reader_keeps_the_old_bytes_while_they_are_overwritten() {
    let b = Bench::new().await;
    let old = bytes(24 * MIB, 1);
    b.put("a", &old).await;
    let mut reading = b
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap()
        .body;
    let first = reading.next().await.unwrap().unwrap();
    b.put("a", b"new").await;
    assert_eq!(b.get("a").await, b"new");
    let mut got = first.to_vec();
    while let Some(chunk) = reading.next().await {
        got.extend_from_slice(&chunk.unwrap());
    }
    assert!(got == old);
    drop(reading);
    b.wait_for_data_files(1).await;
}

#[tokio::test]
async fn a_reader_keeps_the_bytes_of_a_deleted_object() {
    let b = Bench::new().await;
    let old = bytes(24 * MIB, 2);
    b.put("a", &old).await;
    let mut reading = b
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap()
        .body;
    let mut got = reading.next().await.unwrap().unwrap().to_vec();
    b.client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(b.gone("a").await);
    while let Some(chunk) = reading.next().await {
        got.extend_from_slice(&chunk.unwrap());
    }
    assert!(got == old);
    b.wait_for_data_files(0).await;
}

#[tokio::test]
async fn deleting_what_is_not_there_succeeds() {
    let b = Bench::new().await;
    b.client
        .delete_object()
        .bucket(BUCKET)
        .key("never")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let b = Bench::new().await;
    for key in ["a", "b", "c"] {
        b.put(key, key.as_bytes()).await;
    }
    let id = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder()
        .objects(id("a"))
        .objects(id("b"))
        .objects(id("never"))
        .build()
        .unwrap();
    let answer = b
        .client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.deleted().len(), 3);
    assert!(b.gone("a").await && b.gone("b").await);
    assert_eq!(b.get("c").await, b"c");
}

#[tokio::test]
async fn a_copy_outlives_its_source_and_shares_no_fate() {
    let b = Bench::new().await;
    let body = bytes(2 * MIB, 9);
    let put = b
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from(body.clone()))
        .metadata("x", "1");
    put.send().await.unwrap();
    b.client
        .copy_object()
        .bucket(BUCKET)
        .key("b")
        .copy_source(format!("{BUCKET}/a"))
        .send()
        .await
        .unwrap();
    b.client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    b.wait_for_data_files(1).await;
    let b = b.reopened().await;
    assert!(b.get("b").await == body);
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("b")
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap()["x"], "1");
    let replace = b
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("b")
        .copy_source(format!("{BUCKET}/b"));
    replace
        .metadata_directive(MetadataDirective::Replace)
        .metadata("y", "2")
        .send()
        .await
        .unwrap();
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("b")
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap().get("x"), None);
    assert_eq!(head.metadata().unwrap()["y"], "2");
    assert!(b.get("b").await == body);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let b = Bench::new().await;
    let etag = b.put("deep/er", &bytes(MIB, 5)).await;
    let b = b.reopened().await;
    assert!(b.get("deep/er").await == bytes(MIB, 5));
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("deep/er")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), Some(etag.as_str()));
    assert_eq!(*b.store.recovery(), longhaul_store::Recovery::default());
}

#[tokio::test]
async fn a_second_opening_of_the_same_folder_is_refused() {
    let b = Bench::new().await;
    let second = longhaul_store::Store::open(&b.root, options()).await;
    assert!(matches!(second, Err(longhaul_store::Error::Locked { .. })));
}
