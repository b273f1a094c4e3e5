//! How the bucket is reached, and what is set up in it at the start.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
    error::ProvideErrorMetadata,
    primitives::ByteStream,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
        LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    },
};

use super::{Artifacts, PREFIX, StorageError};
use crate::metrics::{Metrics, Watch};

/// The lifecycle rule that is ours; others in the bucket are left alone.
const RULE: &str = "longhaul-artifacts";
const DAY: u64 = 24 * 3600;

/// How to reach a bucket.
#[derive(Debug, Clone)]
pub struct Connection {
    /// None for AWS itself.
    pub endpoint: Option<String>,
    /// What download URLs name, where it differs.
    pub public_endpoint: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// None for what the AWS default chain says.
    pub region: Option<String>,
    /// `endpoint/bucket/key`.
    pub path_style: bool,
    /// None for the AWS default chain.
    pub credentials: Option<(String, String)>,
    /// Whether the bucket may be made where it is missing.
    pub create: bool,
    /// Whether the store is our own, on the loopback: a proxy of the environment would look for it
    /// on a machine of its own, and is passed by.
    pub embedded: bool,
    /// How long artifacts live: what the lifecycle rule says, in whole days.
    pub artifact_ttl: Duration,
}

impl Artifacts {
    /// Connects, makes the bucket where it is ours, and puts the lifecycle rule where the store
    /// takes one. That rule is the backstop; the sweeper does the work.
    ///
    /// # Errors
    /// [`StorageError`] where the bucket cannot be reached.
    pub(crate) async fn connect(
        connection: Connection,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StorageError> {
        let shared = {
            let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(10))
                    .build(),
            );
            if connection.embedded {
                loader = loader.http_client(aws_smithy_http_client::Builder::new().build_http());
            }
            if let Some((access, secret)) = &connection.credentials {
                let own = Credentials::new(access, secret, None, None, "longhaul");
                loader = loader.credentials_provider(own);
            }
            if let Some(region) = &connection.region {
                loader = loader.region(Region::new(region.clone()));
            } else if connection.endpoint.is_some() {
                // Other stores take any region; signing needs one.
                loader = loader.region(Region::new("us-east-1"));
            }
            loader.load().await
        };
        let client = |endpoint: Option<&String>| {
            let mut config = Builder::from(&shared)
                .force_path_style(connection.path_style)
                .interceptor(Watch(Arc::clone(&metrics)));
            if let Some(endpoint) = endpoint {
                // Some stores refuse the trailers that the SDK would add by default.
                config = config
                    .endpoint_url(endpoint)
                    .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                    .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            }
            Client::from_conf(config.build())
        };
        let endpoint = connection.endpoint.as_ref();
        let mut artifacts = Self {
            client: client(endpoint),
            presigner: client(connection.public_endpoint.as_ref().or(endpoint)),
            bucket: connection.bucket.clone(),
            tagging: false,
            metrics: Arc::clone(&metrics),
        };
        match artifacts.reach().await {
            Err(error) if connection.create && error.is_missing() => {
                tracing::info!(
                    bucket = connection.bucket,
                    "the bucket is missing, and is made"
                );
                artifacts.make_bucket().await?;
            }
            reached => reached?,
        }
        artifacts.tagging = artifacts.put_rule(connection.artifact_ttl).await;
        Ok(artifacts)
    }

    /// Stores a small object, reads it and deletes it: for a check of what the credentials allow.
    ///
    /// # Errors
    /// [`StorageError`] with what S3 refused.
    pub(crate) async fn probe(&self) -> Result<(), StorageError> {
        const WORD: &[u8] = b"longhaul";
        let key = format!("{PREFIX}check-{}", uuid::Uuid::new_v4());
        let put = self.client.put_object().bucket(&self.bucket).key(&key);
        put.body(ByteStream::from_static(WORD))
            .send()
            .await
            .map_err(|error| StorageError::new("storing a probe", &error))?;
        let read = async {
            const WHAT: &str = "reading the probe";
            let get = self.client.get_object().bucket(&self.bucket).key(&key);
            let object = get.send().await;
            let object = object.map_err(|error| StorageError::new(WHAT, &error))?;
            let body = object.body.collect().await;
            match body.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes) {
                Ok(bytes) if bytes == WORD => Ok(()),
                _ => Err(StorageError {
                    what: WHAT,
                    why: "other bytes came back".into(),
                    code: None,
                }),
            }
        };
        let read = read.await;
        self.delete_key(&key).await?;
        read
    }

    async fn make_bucket(&self) -> Result<(), StorageError> {
        match self
            .client
            .create_bucket()
            .bucket(&self.bucket)
            .send()
            .await
        {
            Err(error)
                if !matches!(
                    error.code(),
                    Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
                ) =>
            {
                Err(StorageError::new("making the bucket", &error))
            }
            _ => Ok(()),
        }
    }

    /// Puts our lifecycle rule beside the bucket's others. Answers whether the store knows
    /// lifecycle rules at all; where it does not, that is logged once.
    async fn put_rule(&self, ttl: Duration) -> bool {
        let days = i32::try_from(ttl.as_secs().div_ceil(DAY).max(1)).unwrap_or(i32::MAX);
        let put = async {
            let present = self
                .client
                .get_bucket_lifecycle_configuration()
                .bucket(&self.bucket)
                .send()
                .await;
            let mut rules = match present {
                Ok(present) => present.rules.unwrap_or_default(),
                Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Vec::new(),
                Err(error) => return Err(StorageError::new("reading the lifecycle rules", &error)),
            };
            rules.retain(|rule| rule.id() != Some(RULE));
            let wrong = |error: aws_sdk_s3::error::BuildError| StorageError {
                what: "building the lifecycle rule",
                why: error.to_string(),
                code: None,
            };
            let rule = LifecycleRule::builder()
                .id(RULE)
                .status(ExpirationStatus::Enabled)
                .filter(LifecycleRuleFilter::builder().prefix(PREFIX).build())
                .expiration(LifecycleExpiration::builder().days(days).build())
                .abort_incomplete_multipart_upload(
                    AbortIncompleteMultipartUpload::builder()
                        .days_after_initiation(1)
                        .build(),
                )
                .build()
                .map_err(wrong)?;
            rules.push(rule);
            let configuration = BucketLifecycleConfiguration::builder()
                .set_rules(Some(rules))
                .build()
                .map_err(wrong)?;
            self.client
                .put_bucket_lifecycle_configuration()
                .bucket(&self.bucket)
                .lifecycle_configuration(configuration)
                .send()
                .await
                .map_err(|error| StorageError::new("putting the lifecycle rule", &error))
        };
        match put.await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "the bucket takes no lifecycle rule: artifacts are swept by this server alone");
                false
            }
        }
    }
}
