//! The bucket that a server kept its artifacts in, looked into by an S3 client of the tests' own.
//!
//! The S3 is the embedded store, or the one that LONGHAUL_TEST_S3 names by its endpoint; its keys
//! are then in the environment as the AWS tools have them.

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::LifecycleExpiration,
};
use longhaul_store::{Options, Store};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::server::Place;

/// An S3 that is not the server's own.
#[derive(Debug)]
pub struct Elsewhere {
    /// Where it is.
    pub endpoint: String,
    keys: (String, String),
}

impl Elsewhere {
    /// The one that the environment names.
    ///
    /// # Panics
    /// Where its keys are missing.
    #[must_use]
    pub fn named() -> Option<Self> {
        let endpoint = std::env::var("LONGHAUL_TEST_S3").ok()?;
        let key = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        Some(Self {
            endpoint,
            keys: (key("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY")),
        })
    }
}

/// A look into a bucket. Of the embedded store's, only while no server has it open.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    name: String,
    stop: CancellationToken,
    serving: JoinSet<()>,
}

impl Bucket {
    /// Opens the bucket of the server that ran at a place.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn of(place: &Place) -> Self {
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        let (s3, name) = match Elsewhere::named() {
            Some(s3) => (s3, place.bucket_name()),
            None => {
                let credentials = longhaul_store::Credentials::random();
                let keys = (
                    credentials.access_key.clone(),
                    credentials.secret_key.clone(),
                );
                let options = Options {
                    credentials,
                    region: "us-east-1".into(),
                };
                let store = Store::open(&place.path("data/store"), options).await;
                let store = store.expect("the server has closed it");
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
                let until = stop.clone();
                serving.spawn(async move { store.serve(listener, until).await.expect("served") });
                (Elsewhere { endpoint, keys }, "longhaul".to_owned())
            }
        };
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(s3.endpoint)
            .credentials_provider(Credentials::new(s3.keys.0, s3.keys.1, None, None, "tests"))
            .force_path_style(true)
            .build();
        Self {
            client: Client::from_conf(config),
            name,
            stop,
            serving,
        }
    }

    /// The keys of all its objects, in order.
    ///
    /// # Panics
    /// Where S3 refuses.
    pub async fn objects(&self) -> Vec<String> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("a page");
            keys.extend(
                page.contents()
                    .iter()
                    .filter_map(|o| o.key().map(str::to_owned)),
            );
        }
        keys
    }

    /// The keys of its unfinished multipart uploads.
    ///
    /// # Panics
    /// Where S3 refuses, or there are more than one page of them.
    pub async fn uploads(&self) -> Vec<String> {
        let page = self
            .client
            .list_multipart_uploads()
            .bucket(&self.name)
            .send()
            .await
            .expect("a page");
        assert_ne!(page.is_truncated(), Some(true), "over a thousand uploads");
        let uploads = page.uploads().iter();
        uploads.filter_map(|u| u.key().map(str::to_owned)).collect()
    }

    /// An object's tags, as `name=value`.
    ///
    /// # Panics
    /// Where S3 refuses.
    pub async fn tags(&self, key: &str) -> Vec<String> {
        let tags = self.client.get_object_tagging().bucket(&self.name).key(key);
        let tags = tags.send().await.expect("tags");
        let tags = tags.tag_set().iter();
        tags.map(|tag| format!("{}={}", tag.key(), tag.value()))
            .collect()
    }

    /// Its lifecycle rules, as `id prefix days`.
    ///
    /// # Panics
    /// Where S3 refuses.
    pub async fn rules(&self) -> Vec<String> {
        let rules = self.client.get_bucket_lifecycle_configuration();
        let rules = rules.bucket(&self.name).send().await.expect("rules");
        let told = rules.rules().iter().map(|rule| {
            let prefix = rule.filter().and_then(|filter| filter.prefix());
            let days = rule.expiration().and_then(LifecycleExpiration::days);
            let id = rule.id().unwrap_or_default();
            format!("{id} {} {}", prefix.unwrap_or_default(), days.unwrap_or(0))
        });
        told.collect()
    }

    /// Closes it, so that a server may open it again.
    ///
    /// # Panics
    /// Where serving it failed.
    pub async fn close(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.serving.join_next().await {
            ended.expect("served");
        }
    }
}
