//! Listings.
use crate::support::*;

async fn with(keys: &[&str]) -> Bench {
    let b = Bench::new().await;
    for key in keys {
        b.put(key, b"x").await;
    }
    b
}

#[tokio::test]
async fn keys_come_in_order_with_size_and_etag() {
    let b = with(&["b", "a/2", "a/1"]).await;
    let listed = b
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed
            .contents()
            .iter()
            .map(|o| o.key().unwrap())
            .collect::<Vec<_>>(),
        ["a/1", "a/2", "b"]
    );
    assert_eq!(listed.contents()[0].size(), Some(1));
    assert_eq!(
        listed.contents()[0].e_tag(),
        Some("\"9dd4e461268c8034f5c8564e155c67a6\"")
    );
    assert!(listed.contents()[0].last_modified().is_some());
}

#[tokio::test]
async fn a_prefix_and_a_delimiter_make_folders() {
    let b = with(&["a/1", "a/b/1", "a/b/2", "a/c", "b"]).await;
    let listed = b
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("a/")
        .delimiter("/")
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed
            .contents()
            .iter()
            .map(|o| o.key().unwrap())
            .collect::<Vec<_>>(),
        ["a/1", "a/c"]
    );
    assert_eq!(listed.common_prefixes()[0].prefix(), Some("a/b/"));
    assert_eq!(
        (listed.common_prefixes().len(), listed.key_count()),
        (1, Some(3))
    );
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let keys: Vec<String> = (0..25).map(|n| format!("k{n:02}")).collect();
    let b = with(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut pages = b
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .max_keys(10)
        .into_paginator()
        .send();
    let (mut seen, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        count += 1;
        seen.extend(
            page.unwrap()
                .contents()
                .iter()
                .map(|o| o.key().unwrap().to_owned()),
        );
    }
    assert_eq!((seen, count), (keys, 3));
}

#[tokio::test]
async fn a_listing_can_start_after_a_key() {
    let b = with(&["a", "b", "c"]).await;
    let listed = b
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .start_after("a")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.contents().len(), 2);
    let old = b
        .client
        .list_objects()
        .bucket(BUCKET)
        .marker("b")
        .send()
        .await
        .unwrap();
    assert_eq!(old.contents()[0].key(), Some("c"));
}

#[tokio::test]
async fn a_listing_can_be_percent_encoded() {
    let b = with(&["a b+c/ü"]).await;
    let listed = b
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .encoding_type("url".into())
        .send()
        .await
        .unwrap();
    assert_eq!(listed.contents()[0].key(), Some("a%20b%2Bc/%C3%BC"));
}

#[tokio::test]
async fn a_made_up_continuation_is_refused() {
    let b = with(&["a"]).await;
    assert_eq!(
        refusal(
            b.client
                .list_objects_v2()
                .bucket(BUCKET)
                .continuation_token("???")
                .send()
                .await
        ),
        (400, "InvalidArgument".into())
    );
}
