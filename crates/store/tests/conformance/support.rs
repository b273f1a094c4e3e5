//! A store on an ephemeral port, and clients that speak to it.
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials as SdkCredentials, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, StalledStreamProtectionConfig,
    },
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use longhaul_store::{Credentials, Options, Store};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub const BUCKET: &str = "artifacts";
pub const MIB: usize = 1 << 20;

pub struct Bench {
    pub root: PathBuf,
    pub store: Store,
    pub client: Client,
    pub http: reqwest::Client,
    pub endpoint: String,
    pub keys: Credentials,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
    _folder: Option<tempfile::TempDir>,
}

pub fn keys() -> Credentials {
    Credentials {
        access_key: "LHTESTACCESSKEY".into(),
        secret_key: "test-secret-of-the-conformance-suite".into(),
    }
}

pub fn options() -> Options {
    Options {
        credentials: keys(),
        region: "us-east-1".into(),
    }
}

pub fn client(endpoint: &str, secret: &str, always_sum: bool) -> Client {
    let (ask, check) = if always_sum {
        (
            RequestChecksumCalculation::WhenSupported,
            ResponseChecksumValidation::WhenSupported,
        )
    } else {
        (
            RequestChecksumCalculation::WhenRequired,
            ResponseChecksumValidation::WhenRequired,
        )
    };
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SdkCredentials::new(
            keys().access_key,
            secret,
            None,
            None,
            "test",
        ))
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(ask)
        .response_checksum_validation(check)
        .build();
    Client::from_conf(config)
}

impl Bench {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let bench = Self::at(&root, Some(folder)).await;
        bench
            .client
            .create_bucket()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        bench
    }

    async fn at(root: &Path, folder: Option<tempfile::TempDir>) -> Self {
        let root = root.to_owned();
        let store = Store::open(&root, options()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let served = tokio::spawn({
            let (store, stop) = (store.clone(), stop.clone());
            async move { store.serve(listener, stop).await }
        });
        let client = client(&endpoint, &keys().secret_key, false);
        Self {
            root,
            store,
            client,
            http: reqwest::Client::new(),
            endpoint,
            keys: keys(),
            stop,
            served,
            _folder: folder,
        }
    }

    /// Stops serving, closes the store and opens it again.
    pub async fn reopened(self) -> Self {
        let Self {
            root,
            store,
            client,
            http,
            stop,
            served,
            _folder,
            ..
        } = self;
        stop.cancel();
        drop((client, http));
        served.await.unwrap().unwrap();
        drop(store);
        Self::at(&root, _folder).await
    }

    pub async fn put(&self, key: &str, body: &[u8]) -> String {
        let answer = self
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(ByteStream::from(body.to_vec()))
            .send()
            .await
            .unwrap();
        answer.e_tag().unwrap().to_owned()
    }

    pub async fn get(&self, key: &str) -> Vec<u8> {
        self.client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .to_vec()
    }

    pub async fn gone(&self, key: &str) -> bool {
        self.client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .is_err_and(|error| error.into_service_error().is_no_such_key())
    }

    pub async fn url(&self, key: &str) -> String {
        self.client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .presigned(valid(60))
            .await
            .unwrap()
            .uri()
            .to_owned()
    }

    pub async fn put_url(&self, key: &str) -> String {
        self.client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .presigned(valid(60))
            .await
            .unwrap()
            .uri()
            .to_owned()
    }

    pub async fn begin(&self, key: &str) -> String {
        self.client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap()
            .upload_id()
            .unwrap()
            .to_owned()
    }

    pub async fn part(&self, key: &str, upload: &str, number: i32, body: &[u8]) -> String {
        let answer = self
            .client
            .upload_part()
            .bucket(BUCKET)
            .key(key)
            .upload_id(upload)
            .part_number(number);
        answer
            .body(ByteStream::from(body.to_vec()))
            .send()
            .await
            .unwrap()
            .e_tag()
            .unwrap()
            .to_owned()
    }

    pub fn data_files(&self) -> usize {
        std::fs::read_dir(self.root.join("data")).unwrap().count()
    }

    pub fn temp_files(&self) -> usize {
        std::fs::read_dir(self.root.join("tmp")).unwrap().count()
    }

    pub async fn wait_for_data_files(&self, wanted: usize) {
        until(&format!("{wanted} data files and no temporary one"), || {
            self.data_files() == wanted && self.temp_files() == 0
        })
        .await;
    }
}

pub fn valid(seconds: u64) -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).unwrap()
}

pub fn completed(parts: &[(i32, &str)]) -> aws_sdk_s3::types::CompletedMultipartUpload {
    let part = |(number, etag): &(i32, &str)| {
        aws_sdk_s3::types::CompletedPart::builder()
            .part_number(*number)
            .e_tag(*etag)
            .build()
    };
    aws_sdk_s3::types::CompletedMultipartUpload::builder()
        .set_parts(Some(parts.iter().map(part).collect()))
        .build()
}

/// Bytes that differ by seed and never repeat in a short period.
pub fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out
}

pub async fn until(what: &str, mut seen: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !seen() {
        assert!(Instant::now() < deadline, "never saw {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The HTTP status and S3 code of a refused SDK call.
pub fn refusal<T: std::fmt::Debug, E: std::fmt::Debug + aws_sdk_s3::error::ProvideErrorMetadata>(
    result: Result<T, aws_sdk_s3::error::SdkError<E, aws_sdk_s3::config::http::HttpResponse>>,
) -> (u16, String) {
    let error = result.expect_err("should have been refused");
    let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
    (
        status,
        error
            .as_service_error()
            .and_then(|error| error.code())
            .unwrap_or_default()
            .to_owned(),
    )
}
