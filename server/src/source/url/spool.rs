//! Where fetched files wait until they are stored: a folder for each job, kept over attempts and
//! restarts, gone when the job has ended.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use longhaul_protocol::JobId;

/// The spool's folder below the data folder.
const FOLDER: &str = "spool";

/// The spool. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    folder: PathBuf,
}

impl Spool {
    pub(super) fn below(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join(FOLDER),
        }
    }

    /// A job's folder.
    pub(super) fn of(&self, job: JobId) -> PathBuf {
        self.folder.join(job.to_string())
    }

    /// Whether an earlier attempt has fetched all of it: the engine gives a file its name when all
    /// bytes are there, and takes its record away after that.
    pub(super) async fn is_there(&self, job: JobId, name: &str) -> bool {
        let file = self.of(job).join(name);
        let record = self.of(job).join(format!("{name}.part.json"));
        let looked = tokio::task::spawn_blocking(move || file.is_file() && !record.exists());
        looked.await.unwrap_or(false)
    }

    /// The jobs that have something here.
    pub(crate) async fn jobs(&self) -> Vec<JobId> {
        let folder = self.folder.clone();
        let listed = tokio::task::spawn_blocking(move || list(&folder));
        match listed.await {
            Ok(Ok(jobs)) => jobs,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the spool cannot be looked through");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Removes what a job has here. Nothing there is as good.
    pub(crate) async fn remove(&self, job: JobId) {
        let folder = self.of(job);
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(folder));
        match removed.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%job, %error, "a spooled file could not be removed");
            }
            _ => {}
        }
    }
}

fn list(folder: &Path) -> io::Result<Vec<JobId>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut jobs = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        // What has another name is not ours.
        jobs.extend(name.to_str().and_then(|name| name.parse::<JobId>().ok()));
    }
    Ok(jobs)
}
