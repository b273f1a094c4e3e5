//! Opening: the index is read off the disk, and what a crash left half-done is undone or finished.
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    Error,
    files::{DataFile, Layout, Reaper, sync_folder},
    index::{Bucket, Part, Stored, Upload, write},
    record::{self, BucketRecord, ObjectRecord, PartRecord, Piece, UploadRecord},
};

/// What an open found to put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Files that no record named, from writes that were never acknowledged.
    pub removed_files: u64,
    /// Uploads whose object was in place already.
    pub finished_uploads: u64,
    /// Records that could not be read, or whose data is gone: moved to `quarantine/`, never deleted.
    pub quarantined: u64,
}

type Buckets = BTreeMap<String, Arc<Bucket>>;

pub(crate) fn lock(root: &Path) -> Result<File, Error> {
    fs::create_dir_all(root).map_err(Error::disk("make", root))?;
    let path = root.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::disk("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            root: root.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::Disk {
            what: "lock",
            path,
            source,
        }),
    }
}

pub(crate) fn make_folders(layout: &Layout) -> Result<(), Error> {
    for folder in [
        layout.data(),
        layout.tmp(),
        layout.buckets(),
        layout.quarantine(),
    ] {
        fs::create_dir_all(&folder).map_err(Error::disk("make", &folder))?;
    }
    sync_folder(layout.root()).map_err(Error::disk("sync", layout.root()))
}

/// Reads everything. Data files are listed once, so that a record's pieces are checked without a call each.
pub(crate) fn load(layout: &Layout, reaper: &Reaper) -> Result<(Buckets, Recovery), Error> {
    let mut opening = Opening {
        layout,
        reaper,
        sizes: HashMap::new(),
        named: HashSet::new(),
        found: Recovery::default(),
    };
    opening.clear_tmp()?;
    opening.list_data()?;
    let mut buckets = Buckets::new();
    for (name, folder) in entries(&layout.buckets())? {
        // A bucket is made aside and renamed into place, so its record is there or it is not ours.
        let Some(record) = opening.read::<BucketRecord>(&folder.join("bucket.json"))? else {
            continue;
        };
        let bucket = Bucket::new(name.clone(), record.created, record.lifecycle);
        opening.objects(&bucket)?;
        opening.uploads(&bucket)?;
        buckets.insert(name, Arc::new(bucket));
    }
    opening.remove_unnamed();
    if opening.found != Recovery::default() {
        tracing::info!(found = ?opening.found, "the store was put right after an unclean stop");
    }
    Ok((buckets, opening.found))
}

struct Opening<'a> {
    layout: &'a Layout,
    reaper: &'a Reaper,
    sizes: HashMap<Uuid, u64>,
    named: HashSet<Uuid>,
    found: Recovery,
}

impl Opening<'_> {
    fn clear_tmp(&mut self) -> Result<(), Error> {
        for (_, path) in entries(&self.layout.tmp())? {
            let gone = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            gone.map_err(Error::disk("remove", &path))?;
            self.found.removed_files += 1;
        }
        Ok(())
    }

    fn list_data(&mut self) -> Result<(), Error> {
        let folder = self.layout.data();
        for entry in fs::read_dir(&folder).map_err(Error::disk("list", &folder))? {
            let (name, meta) = entry
                .and_then(|entry| Ok((entry.file_name(), entry.metadata()?)))
                .map_err(Error::disk("list", &folder))?;
            if let Some(id) = name.to_str().and_then(|name| Uuid::try_parse(name).ok()) {
                self.sizes.insert(id, meta.len());
            }
        }
        Ok(())
    }

    /// A record, or `None` when it is not there or had to be set aside.
    fn read<T: DeserializeOwned>(&mut self, path: &Path) -> Result<Option<T>, Error> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Error::disk("read", path))?,
        };
        match record::decode(&bytes) {
            Ok(record) => Ok(Some(record)),
            Err(error) => {
                tracing::warn!(%error, record = %path.display(), "a record cannot be read and is set aside");
                self.set_aside(path)?;
                Ok(None)
            }
        }
    }

    fn set_aside(&mut self, path: &Path) -> Result<(), Error> {
        let aside = self
            .layout
            .quarantine()
            .join(format!("{}.json", Uuid::new_v4().simple()));
        fs::rename(path, aside).map_err(Error::disk("set aside", path))?;
        self.found.quarantined += 1;
        Ok(())
    }

    fn present(&self, piece: Piece) -> bool {
        self.sizes
            .get(&piece.file)
            .is_some_and(|size| *size == piece.size)
    }

    fn hold(&mut self, piece: Piece) -> Arc<DataFile> {
        self.named.insert(piece.file);
        DataFile::known(self.layout, self.reaper, piece.file)
    }

    fn objects(&mut self, bucket: &Bucket) -> Result<(), Error> {
        for (_, path) in entries(&self.layout.objects(&bucket.name))? {
            let Some(record) = self.read::<ObjectRecord>(&path)? else {
                continue;
            };
            if !record.pieces.iter().all(|piece| self.present(*piece)) {
                tracing::warn!(record = %path.display(), "an object's data is missing or short; its record is set aside");
                self.set_aside(&path)?;
                continue;
            }
            let files = record
                .pieces
                .iter()
                .map(|piece| self.hold(*piece))
                .collect();
            write(&bucket.objects).insert(record.key.clone(), Arc::new(Stored { record, files }));
        }
        Ok(())
    }

    fn uploads(&mut self, bucket: &Bucket) -> Result<(), Error> {
        for (name, folder) in entries(&self.layout.uploads(&bucket.name))? {
            let record = self.read::<UploadRecord>(&folder.join("upload.json"))?;
            let (Some(record), Ok(id)) = (record, Uuid::try_parse(&name)) else {
                continue;
            };
            if bucket
                .object(&record.key)
                .is_some_and(|stored| stored.record.upload == Some(id))
            {
                // The object's record landed and the crash came before the upload was cleared away.
                self.layout
                    .remove_folder(&folder)
                    .map_err(Error::disk("remove", &folder))?;
                self.found.finished_uploads += 1;
                continue;
            }
            let mut parts = BTreeMap::new();
            for (file, path) in entries(&folder)? {
                if file == "upload.json" {
                    continue;
                }
                let Some(part) = self.read::<PartRecord>(&path)? else {
                    continue;
                };
                if self.present(part.piece) {
                    let file = self.hold(part.piece);
                    parts.insert(part.piece.number, Part { record: part, file });
                } else {
                    self.set_aside(&path)?;
                }
            }
            let upload = Upload {
                id,
                record,
                parts: Mutex::new(Some(parts)),
            };
            write(&bucket.uploads).insert((upload.record.key.clone(), id), Arc::new(upload));
        }
        Ok(())
    }

    /// Files that no record names go, unless a record could not be read: they may be its own.
    fn remove_unnamed(&mut self) {
        let kept_back = entries(&self.layout.quarantine()).is_ok_and(|entries| !entries.is_empty());
        if kept_back {
            return;
        }
        for id in self.sizes.keys().filter(|id| !self.named.contains(id)) {
            match fs::remove_file(self.layout.data_file(*id)) {
                Ok(()) => self.found.removed_files += 1,
                Err(error) => tracing::warn!(%error, "a stray data file could not be removed"),
            }
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>, Error> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::disk("list", folder))?,
    };
    listing
        .map(|entry| {
            entry.map(|entry| {
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    entry.path(),
                )
            })
        })
        .collect::<io::Result<_>>()
        .map_err(Error::disk("list", folder))
}
