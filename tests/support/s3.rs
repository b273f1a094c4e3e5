//! An S3 in the test's own process, that a test can stop and start again while a server uses it.

use std::path::PathBuf;

use longhaul_store::{Credentials, Options, Store};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The keys, as the AWS tools have them in the environment.
pub const KEYS: (&str, &str) = ("longhaul-test-key", "longhaul-test-secret-0123456789");

/// It serves until it is stopped.
#[derive(Debug)]
pub struct OwnS3 {
    /// Where it is, also after a stop and a start.
    pub endpoint: String,
    address: std::net::SocketAddr,
    folder: PathBuf,
    stop: CancellationToken,
    serving: JoinSet<()>,
}

impl OwnS3 {
    /// Serves S3 from a folder.
    ///
    /// # Panics
    /// Where it cannot be served.
    pub async fn start(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut s3 = Self {
            endpoint: format!("http://{address}"),
            address,
            folder,
            stop: CancellationToken::new(),
            serving: JoinSet::new(),
        };
        s3.serve(listener).await;
        s3
    }

    async fn serve(&mut self, listener: TcpListener) {
        let options = Options {
            credentials: Credentials {
                access_key: KEYS.0.into(),
                secret_key: KEYS.1.into(),
            },
            region: "us-east-1".into(),
        };
        let store = Store::open(&self.folder, options).await.expect("opened");
        self.stop = CancellationToken::new();
        let until = self.stop.clone();
        self.serving
            .spawn(async move { store.serve(listener, until).await.expect("served") });
    }

    /// Ends it: connections are refused from now on.
    ///
    /// # Panics
    /// Where serving failed.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.serving.join_next().await {
            ended.expect("served");
        }
    }

    /// Serves again, at the same address.
    ///
    /// # Panics
    /// Where the address was taken meanwhile.
    pub async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address)
            .await
            .expect("the same port");
        self.serve(listener).await;
    }
}
