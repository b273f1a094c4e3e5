//! Tags, and rules that remove objects and uploads in time.
use aws_sdk_s3::{primitives::ByteStream, types::*};
use jiff::{SignedDuration, Timestamp};

use crate::support::*;

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

async fn rule(b: &Bench, rule: lifecycle::Draft) {
    let rules = BucketLifecycleConfiguration::builder()
        .rules(rule.build().unwrap())
        .build()
        .unwrap();
    b.client
        .put_bucket_lifecycle_configuration()
        .bucket(BUCKET)
        .lifecycle_configuration(rules)
        .send()
        .await
        .unwrap();
}

mod lifecycle {
    pub type Draft = aws_sdk_s3::types::builders::LifecycleRuleBuilder;
}

fn enabled() -> lifecycle::Draft {
    LifecycleRule::builder()
        .id("r")
        .status(ExpirationStatus::Enabled)
}

fn after_a_day() -> LifecycleExpiration {
    LifecycleExpiration::builder().days(1).build()
}

#[tokio::test]
async fn tags_are_put_got_and_removed() {
    let b = Bench::new().await;
    let etag = b.put("a", b"x").await;
    let tags = Tagging::builder()
        .tag_set(tag("expire", "1 day+"))
        .build()
        .unwrap();
    b.client
        .put_object_tagging()
        .bucket(BUCKET)
        .key("a")
        .tagging(tags)
        .send()
        .await
        .unwrap();
    let b = b.reopened().await;
    let got = b
        .client
        .get_object_tagging()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(got.tag_set(), [tag("expire", "1 day+")]);
    b.client
        .delete_object_tagging()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(
        b.client
            .get_object_tagging()
            .bucket(BUCKET)
            .key("a")
            .send()
            .await
            .unwrap()
            .tag_set()
            .is_empty()
    );
    let head = b
        .client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), Some(etag.as_str()));
    assert_eq!(b.get("a").await, b"x");
}

#[tokio::test]
async fn tags_can_come_with_the_object() {
    let b = Bench::new().await;
    b.client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .tagging("a=1%202&b=")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    let got = b
        .client
        .get_object_tagging()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(got.tag_set(), [tag("a", "1 2"), tag("b", "")]);
}

#[tokio::test]
async fn a_lifecycle_is_put_got_and_removed() {
    let b = Bench::new().await;
    let none = b
        .client
        .get_bucket_lifecycle_configuration()
        .bucket(BUCKET)
        .send()
        .await;
    assert_eq!(refusal(none), (404, "NoSuchLifecycleConfiguration".into()));
    let filter = LifecycleRuleFilter::builder().prefix("artifacts/").build();
    rule(
        &b,
        enabled().filter(filter.clone()).expiration(after_a_day()),
    )
    .await;
    let b = b.reopened().await;
    let got = b
        .client
        .get_bucket_lifecycle_configuration()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(got.rules()[0].filter(), Some(&filter));
    assert_eq!(got.rules()[0].expiration().unwrap().days(), Some(1));
    b.client
        .delete_bucket_lifecycle()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(
            b.client
                .get_bucket_lifecycle_configuration()
                .bucket(BUCKET)
                .send()
                .await
        )
        .0,
        404
    );
}

#[tokio::test]
async fn objects_below_the_prefix_expire_after_their_day_and_no_sooner() {
    let b = Bench::new().await;
    b.put("tmp/a", b"xyz").await;
    b.put("keep/a", b"x").await;
    rule(
        &b,
        enabled()
            .filter(LifecycleRuleFilter::builder().prefix("tmp/").build())
            .expiration(after_a_day()),
    )
    .await;
    assert_eq!(b.store.upkeep(hours(23)).await.unwrap().expired_objects, 0);
    let report = b.store.upkeep(hours(25)).await.unwrap();
    assert_eq!((report.expired_objects, report.expired_bytes), (1, 3));
    assert!(b.gone("tmp/a").await);
    assert_eq!(b.get("keep/a").await, b"x");
    b.wait_for_data_files(1).await;
    assert_eq!(
        b.store.upkeep(hours(25)).await.unwrap(),
        longhaul_store::UpkeepReport::default()
    );
}

#[tokio::test]
async fn only_objects_with_the_tag_expire() {
    let b = Bench::new().await;
    b.put("a", b"x").await;
    b.client
        .put_object()
        .bucket(BUCKET)
        .key("b")
        .tagging("expire=yes")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    rule(
        &b,
        enabled()
            .filter(
                LifecycleRuleFilter::builder()
                    .tag(tag("expire", "yes"))
                    .build(),
            )
            .expiration(after_a_day()),
    )
    .await;
    assert_eq!(b.store.upkeep(hours(25)).await.unwrap().expired_objects, 1);
    assert!(b.gone("b").await);
    assert_eq!(b.get("a").await, b"x");
}

#[tokio::test]
async fn a_disabled_rule_does_nothing() {
    let b = Bench::new().await;
    b.put("a", b"x").await;
    let off = LifecycleRule::builder()
        .status(ExpirationStatus::Disabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build());
    rule(&b, off.expiration(after_a_day())).await;
    assert_eq!(b.store.upkeep(hours(99)).await.unwrap().expired_objects, 0);
}

#[tokio::test]
async fn uploads_never_finished_are_aborted() {
    let b = Bench::new().await;
    let upload = b.begin("a").await;
    b.part("a", &upload, 1, b"x").await;
    let abort = AbortIncompleteMultipartUpload::builder()
        .days_after_initiation(1)
        .build();
    rule(
        &b,
        enabled()
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .abort_incomplete_multipart_upload(abort),
    )
    .await;
    assert_eq!(b.store.upkeep(hours(23)).await.unwrap().aborted_uploads, 0);
    assert_eq!(b.store.upkeep(hours(25)).await.unwrap().aborted_uploads, 1);
    b.wait_for_data_files(0).await;
}
