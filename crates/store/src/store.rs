//! The store: its folder, its index, and who may open them.
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    path::Path,
    sync::{Arc, RwLock},
};

use jiff::Timestamp;
use s3s::{S3Result, s3_error, service::S3Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    Credentials, Error, Recovery, UpkeepReport,
    files::{Layout, Reaper},
    index::{Bucket, read},
    lifecycle, recover, s3, serve,
};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The only keys that are let in.
    pub credentials: Credentials,
    /// What GetBucketLocation answers, such as `us-east-1`.
    pub region: String,
}

/// An open store; clones share it. The folder stays locked until the last clone, server and reader is gone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    service: S3Service,
}

pub(crate) struct Inner {
    pub(crate) layout: Layout,
    pub(crate) reaper: Reaper,
    pub(crate) region: String,
    pub(crate) buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
    recovery: Recovery,
    /// Held for its lock.
    _lock: File,
}

impl Store {
    /// Opens the store in `root`, making the folder if need be, and puts right what a crash left:
    /// half-written files go, completed uploads are finished, records that cannot be read are set aside.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it open, [`Error::Disk`] when the disk refuses.
    pub async fn open(root: &Path, options: Options) -> Result<Self, Error> {
        let root = root.to_owned();
        let Options {
            credentials,
            region,
        } = options;
        let inner = tokio::task::spawn_blocking(move || {
            let lock = recover::lock(&root)?;
            let layout = Layout::new(root);
            recover::make_folders(&layout)?;
            let reaper =
                Reaper::start().map_err(Error::disk("start the remover of", layout.data()))?;
            let (buckets, recovery) = recover::load(&layout, &reaper)?;
            Ok(Arc::new(Inner {
                layout,
                reaper,
                region,
                buckets: RwLock::new(buckets),
                recovery,
                _lock: lock,
            }))
        })
        .await
        .map_err(|_| Error::Stopped)??;
        let service = s3::service(Arc::clone(&inner), &credentials);
        Ok(Self { inner, service })
    }

    /// What the open found to put right.
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    /// Serves S3 on `listener` until `stop`; requests in flight then have 10 seconds to end.
    ///
    /// # Errors
    /// When the listener itself fails; a connection's failure ends that connection only.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> std::io::Result<()> {
        serve::serve(self.service.clone(), listener, stop).await
    }

    /// Carries out the buckets' lifecycle rules as of `now`. Idempotent; a day is 24 hours from the
    /// object's last change or the upload's start, not S3's next midnight.
    ///
    /// # Errors
    /// [`Error::Stopped`]; an object that cannot be removed is counted and tried again next time.
    pub async fn upkeep(&self, now: Timestamp) -> Result<UpkeepReport, Error> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || lifecycle::carry_out(&inner, now))
            .await
            .map_err(|_| Error::Stopped)
    }
}

impl Inner {
    pub(crate) fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        read(&self.buckets)
            .get(name)
            .cloned()
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("root", &self.inner.layout.root())
            .finish_non_exhaustive()
    }
}
