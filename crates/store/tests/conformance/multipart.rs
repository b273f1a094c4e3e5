//! Multipart uploads, from Create to Complete and its refusals.
use crate::support::*;
use aws_sdk_s3::{primitives::ByteStream, types::ChecksumAlgorithm};
use futures::{StreamExt, stream};

#[tokio::test]
async fn nine_parts_four_at_a_time_become_the_same_bytes_without_a_second_copy() {
    let b = Bench::new().await;
    let body = bytes(8 * 5 * MIB + 4321, 7);
    let upload = b.begin("big").await;
    let etags: Vec<(i32, String)> = stream::iter(body.chunks(5 * MIB).enumerate())
        .map(|(at, chunk)| {
            let (b, upload) = (&b, &upload);
            async move {
                (
                    at as i32 + 1,
                    b.part("big", upload, at as i32 + 1, chunk).await,
                )
            }
        })
        .buffered(4)
        .collect()
        .await;
    let listed = b
        .client
        .list_parts()
        .bucket(BUCKET)
        .key("big")
        .upload_id(&upload)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.parts().len(), 9);
    assert_eq!(listed.parts()[2].e_tag(), Some(etags[2].1.as_str()));
    assert_eq!(listed.parts()[8].size(), Some(4321));
    let parts: Vec<_> = etags
        .iter()
        .map(|(number, etag)| (*number, etag.as_str()))
        .collect();
    let done = b
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("big")
        .upload_id(&upload)
        .multipart_upload(completed(&parts))
        .send()
        .await
        .unwrap();
    assert!(done.e_tag().unwrap().ends_with("-9\""));
    assert_eq!(b.data_files(), 9);
    assert!(b.get("big").await == body);
    let range = b
        .client
        .get_object()
        .bucket(BUCKET)
        .key("big")
        .range(format!("bytes={}-{}", 5 * MIB - 3, 10 * MIB + 2))
        .send()
        .await
        .unwrap();
    assert!(range.body.collect().await.unwrap().to_vec() == body[5 * MIB - 3..=10 * MIB + 2]);
    let b = b.reopened().await;
    assert!(b.get("big").await == body);
}

#[tokio::test]
async fn the_etag_is_the_md5_of_the_parts_md5s() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let one = b.part("a", &upload, 1, b"hello").await;
    let done = b
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(1, &one)]))
        .send()
        .await
        .unwrap();
    let inner = {
        use md5::{Digest, Md5};
        hex::encode(Md5::digest(Md5::digest(b"hello")))
    };
    assert_eq!(done.e_tag(), Some(format!("\"{inner}-1\"").as_str()));
}

#[tokio::test]
async fn gaps_in_the_part_numbers_are_accepted() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let (two, five) = (
        b.part("a", &upload, 2, &bytes(5 * MIB, 1)).await,
        b.part("a", &upload, 5, b"end").await,
    );
    b.client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(2, &two), (5, &five)]))
        .send()
        .await
        .unwrap();
    assert!(b.get("a").await == [bytes(5 * MIB, 1), b"end".to_vec()].concat());
    let part = b
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .part_number(5)
        .send()
        .await
        .unwrap();
    assert_eq!(part.parts_count(), Some(2));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), b"end");
}

#[tokio::test]
async fn a_wrong_part_etag_is_refused_and_the_upload_can_still_be_completed() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let good = b.part("a", &upload, 1, b"x").await;
    let complete = |etag: &str| {
        b.client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
            .multipart_upload(completed(&[(1, etag)]))
            .send()
    };
    assert_eq!(
        refusal(complete("\"00000000000000000000000000000000\"").await),
        (400, "InvalidPart".into())
    );
    assert!(b.gone("a").await);
    complete(&good).await.unwrap();
    assert_eq!(b.get("a").await, b"x");
}

#[tokio::test]
async fn parts_out_of_order_are_refused() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let (one, two) = (
        b.part("a", &upload, 1, &bytes(5 * MIB, 1)).await,
        b.part("a", &upload, 2, b"x").await,
    );
    let answer = b
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(2, &two), (1, &one)]))
        .send()
        .await;
    assert_eq!(refusal(answer), (400, "InvalidPartOrder".into()));
}

#[tokio::test]
async fn a_small_part_that_is_not_the_last_is_refused() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let (one, two) = (
        b.part("a", &upload, 1, &bytes(5 * MIB - 1, 1)).await,
        b.part("a", &upload, 2, b"x").await,
    );
    let answer = b
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(1, &one), (2, &two)]))
        .send()
        .await;
    assert_eq!(refusal(answer), (400, "EntityTooSmall".into()));
}

#[tokio::test]
async fn a_complete_that_is_repeated_answers_the_same() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let one = b.part("a", &upload, 1, b"x").await;
    let complete = |client: aws_sdk_s3::Client, etag: String, upload: String| async move {
        client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(upload)
            .multipart_upload(completed(&[(1, &etag)]))
            .send()
            .await
    };
    let first = complete(b.client.clone(), one.clone(), upload.clone())
        .await
        .unwrap();
    let second = complete(b.client.clone(), one.clone(), upload.clone())
        .await
        .unwrap();
    assert_eq!(first.e_tag(), second.e_tag());
    let b = b.reopened().await;
    let third = complete(b.client.clone(), one.clone(), upload.clone())
        .await
        .unwrap();
    assert_eq!(first.e_tag(), third.e_tag());
    let other = complete(
        b.client.clone(),
        "\"00000000000000000000000000000000\"".into(),
        upload.clone(),
    )
    .await;
    assert_eq!(refusal(other), (404, "NoSuchUpload".into()));
    b.put("a", b"later").await;
    assert_eq!(
        refusal(complete(b.client.clone(), one, upload).await),
        (404, "NoSuchUpload".into())
    );
    assert_eq!(b.get("a").await, b"later");
}

#[tokio::test]
async fn an_upload_and_its_parts_survive_a_restart() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let one = b.part("a", &upload, 1, b"x").await;
    let b = b.reopened().await;
    let listed = b
        .client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.uploads()[0].upload_id(), Some(upload.as_str()));
    assert_eq!(listed.uploads()[0].key(), Some("a"));
    b.client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(1, &one)]))
        .send()
        .await
        .unwrap();
    assert_eq!(b.get("a").await, b"x");
    assert!(
        b.client
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap()
            .uploads()
            .is_empty()
    );
}

#[tokio::test]
async fn an_abort_removes_the_parts_from_the_disk() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    b.part("a", &upload, 1, b"x").await;
    b.client
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .send()
        .await
        .unwrap();
    b.wait_for_data_files(0).await;
    let late = b
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .part_number(2)
        .body(ByteStream::from_static(b"y"))
        .send()
        .await;
    assert_eq!(refusal(late), (404, "NoSuchUpload".into()));
}

#[tokio::test]
async fn a_part_sent_twice_is_the_later_one_and_the_unused_goes() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    b.part("a", &upload, 1, b"first").await;
    let again = b.part("a", &upload, 1, b"again").await;
    b.part("a", &upload, 2, b"left out").await;
    b.client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(1, &again)]))
        .send()
        .await
        .unwrap();
    assert_eq!(b.get("a").await, b"again");
    b.wait_for_data_files(1).await;
}

#[tokio::test]
async fn part_numbers_outside_one_to_ten_thousand_are_refused() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    for number in [0, 10_001] {
        let answer = b
            .client
            .upload_part()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
            .part_number(number)
            .body(ByteStream::from_static(b"y"))
            .send()
            .await;
        assert_eq!(refusal(answer).0, 400);
    }
}

#[tokio::test]
async fn an_upload_with_full_object_checksums_tells_the_crc_of_the_whole() {
    let b = Bench::new().await;
    let begun = b
        .client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .send()
        .await
        .unwrap();
    let upload = begun.upload_id().unwrap();
    let (first, second) = (bytes(5 * MIB, 1), bytes(999, 2));
    let (one, two) = (
        b.part("a", upload, 1, &first).await,
        b.part("a", upload, 2, &second).await,
    );
    let done = b
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(upload)
        .multipart_upload(completed(&[(1, &one), (2, &two)]))
        .send()
        .await
        .unwrap();
    let crc = crc_fast::crc64_nvme(&[first, second].concat()).to_be_bytes();
    use base64::Engine;
    let wanted = base64::engine::general_purpose::STANDARD.encode(crc);
    assert_eq!(done.checksum_crc64_nvme(), Some(wanted.as_str()));
}

#[tokio::test]
async fn a_range_of_another_object_can_be_a_part() {
    let b = Bench::new().await;
    b.put("source", b"0123456789").await;
    let upload = b.begin("a").await;
    let copied = b
        .client
        .upload_part_copy()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .part_number(1)
        .copy_source(format!("{BUCKET}/source"))
        .copy_source_range("bytes=2-5")
        .send()
        .await
        .unwrap();
    let etag = copied
        .copy_part_result()
        .unwrap()
        .e_tag()
        .unwrap()
        .to_owned();
    b.client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .multipart_upload(completed(&[(1, &etag)]))
        .send()
        .await
        .unwrap();
    assert_eq!(b.get("a").await, b"2345");
}

#[tokio::test]
async fn the_description_given_at_the_start_is_the_objects() {
    let b = Bench::new().await;
    let begun = b
        .client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .content_type("video/mp4")
        .metadata("job", "1")
        .tagging("expire=yes")
        .send()
        .await
        .unwrap();
    let upload = begun.upload_id().unwrap();
    let one = b.part("a", upload, 1, b"x").await;
    b.client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(upload)
        .multipart_upload(completed(&[(1, &one)]))
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
    assert_eq!(
        (
            head.content_type(),
            head.metadata().unwrap()["job"].as_str()
        ),
        (Some("video/mp4"), "1")
    );
    let tags = b
        .client
        .get_object_tagging()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tag_set()[0].key(), "expire");
}

#[tokio::test]
async fn a_crash_between_the_objects_record_and_the_uploads_removal_is_finished_at_open() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    let one = b.part("a", &upload, 1, b"x").await;
    let folder = b
        .root
        .join("buckets")
        .join(BUCKET)
        .join("uploads")
        .join(&upload);
    let records: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    let complete = |client: &aws_sdk_s3::Client| {
        let parts = completed(&[(1, &one)]);
        client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
            .multipart_upload(parts)
            .send()
    };
    complete(&b.client).await.unwrap();
    std::fs::create_dir(&folder).unwrap();
    for (path, bytes) in records {
        std::fs::write(path, bytes).unwrap();
    }
    let b = b.reopened().await;
    assert_eq!(b.store.recovery().finished_uploads, 1);
    assert!(!folder.exists());
    assert_eq!(b.get("a").await, b"x");
    complete(&b.client).await.unwrap();
    assert!(
        b.client
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap()
            .uploads()
            .is_empty()
    );
}
