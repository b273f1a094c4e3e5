//! Where things lie on the disk, and how a small file is replaced so that a crash leaves old or new.
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The folders below the root: `data/<uuid>`, `tmp/`, `buckets/<name>/{bucket.json,objects/,uploads/}`.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }
    pub(crate) fn data_file(&self, id: Uuid) -> PathBuf {
        self.root.join("data").join(id.simple().to_string())
    }
    pub(crate) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
    pub(crate) fn scratch(&self) -> PathBuf {
        self.tmp().join(Uuid::new_v4().simple().to_string())
    }
    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }
    pub(crate) fn buckets(&self) -> PathBuf {
        self.root.join("buckets")
    }
    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.buckets().join(name)
    }
    pub(crate) fn bucket_record(&self, name: &str) -> PathBuf {
        self.bucket(name).join("bucket.json")
    }
    pub(crate) fn objects(&self, bucket: &str) -> PathBuf {
        self.bucket(bucket).join("objects")
    }
    /// Named by the key's digest: any key fits, `a` and `a/b` do not meet, none escapes.
    pub(crate) fn object_record(&self, bucket: &str, key: &str) -> PathBuf {
        self.objects(bucket).join(format!(
            "{}.json",
            hex::encode(Sha256::digest(key.as_bytes()))
        ))
    }
    pub(crate) fn uploads(&self, bucket: &str) -> PathBuf {
        self.bucket(bucket).join("uploads")
    }
    pub(crate) fn upload(&self, bucket: &str, id: Uuid) -> PathBuf {
        self.uploads(bucket).join(id.simple().to_string())
    }
    pub(crate) fn part_record(&self, bucket: &str, id: Uuid, number: u16) -> PathBuf {
        self.upload(bucket, id).join(format!("{number:05}.json"))
    }
}

/// A replacement that failed; `landed` says that readers of the disk may already see the new file.
#[derive(Debug)]
pub(crate) struct ReplaceError {
    pub(crate) source: io::Error,
    pub(crate) landed: bool,
}

impl Layout {
    /// Puts `bytes` at `path`: written aside, synced, renamed over, and the folder synced.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
        let aside = self.scratch();
        let early = |source| ReplaceError {
            source,
            landed: false,
        };
        let written = File::create_new(&aside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(source) = written.and_then(|()| fs::rename(&aside, path)) {
            // Best effort: what stays behind goes at the next open.
            let _ = fs::remove_file(&aside);
            return Err(early(source));
        }
        sync_parent(path).map_err(|source| ReplaceError {
            source,
            landed: true,
        })
    }

    /// Removes a folder so that a crash leaves all of it or none of it.
    pub(crate) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let aside = self.scratch();
        match fs::rename(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        sync_parent(path)?;
        fs::remove_dir_all(&aside)
    }
}

/// Makes the entries of the folder that holds `path` durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder's entries durable. Only Unix can open a folder to sync it; NTFS journals its entries.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}

/// Unlinks data files on a thread of its own: freeing gigabytes takes long, and no request waits for it.
#[derive(Clone, Debug)]
pub(crate) struct Reaper {
    queue: mpsc::Sender<PathBuf>,
}

impl Reaper {
    /// The thread ends when the last holder of a data file is gone.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, doomed) = mpsc::channel::<PathBuf>();
        thread::Builder::new().name("store-reaper".into()).spawn(move || {
            for path in doomed {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        tracing::warn!(%error, "a data file could not be removed; the next open tries again");
                    }
                    _ => {}
                }
            }
        })?;
        Ok(Self { queue })
    }
}

/// A data file on the disk: removed when its last holder lets go, unless it was kept.
#[derive(Debug)]
pub(crate) struct DataFile {
    pub(crate) id: Uuid,
    path: PathBuf,
    kept: AtomicBool,
    reaper: Reaper,
}

impl DataFile {
    /// A fresh name that nothing refers to yet.
    pub(crate) fn fresh(layout: &Layout, reaper: &Reaper) -> Arc<Self> {
        Self::named(layout, reaper, Uuid::new_v4(), false)
    }
    /// The file of a record found on the disk.
    pub(crate) fn known(layout: &Layout, reaper: &Reaper, id: Uuid) -> Arc<Self> {
        Self::named(layout, reaper, id, true)
    }
    fn named(layout: &Layout, reaper: &Reaper, id: Uuid, kept: bool) -> Arc<Self> {
        Arc::new(Self {
            id,
            path: layout.data_file(id),
            kept: AtomicBool::new(kept),
            reaper: reaper.clone(),
        })
    }
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    /// A durable record names it now.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Release);
    }
    /// No record names it any more: it goes when its last reader does.
    pub(crate) fn doom(&self) {
        self.kept.store(false, Ordering::Release);
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Acquire) {
            // The receiver outlives every sender.
            let _ = self.reaper.queue.send(std::mem::take(&mut self.path));
        }
    }
}
