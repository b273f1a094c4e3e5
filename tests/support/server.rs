//! A real `longhaul-server` in a folder of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use longhaul_protocol::{FilesPage, InitiateReply, JobStatus, JobView};
use reqwest::{Client, Url};
use serde_json::json;
use tempfile::TempDir;

use crate::launch::Launch;

/// Nothing that a test waits for takes longer, even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// Between two looks at something that is waited for.
pub const LOOK: Duration = Duration::from_millis(20);

/// Folders that outlive any one server process: data and library.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// An empty library and no data.
    ///
    /// # Panics
    /// Where the disk refuses.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("longhaul-")
            .tempdir()
            .expect("a temporary folder");
        std::fs::create_dir(folder.path().join("library")).expect("made");
        Self { folder }
    }

    /// The same, below a folder of the caller's; gone when dropped, as any.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn within(folder: &Path) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(folder)?;
        std::fs::create_dir(folder.path().join("library"))?;
        Ok(Self { folder })
    }

    /// Starts a server here that offers another folder than [`Place::library`].
    #[must_use]
    pub fn serve_library(&self, library: &str, options: &[&str]) -> Server {
        Launch::new(self, Path::new(library), options, &[]).ready()
    }

    /// A path inside.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its bucket's name in an S3 that is shared with others.
    ///
    /// # Panics
    /// Where the folder has no name.
    #[must_use]
    pub fn bucket_name(&self) -> String {
        let name = self.folder.path().file_name().expect("a folder has a name");
        name.to_string_lossy().to_lowercase().replace('_', "-")
    }

    /// The library.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.path("library")
    }

    /// Starts a server here, with these options besides; answers when it serves.
    #[must_use]
    pub fn serve(&self, options: &[&str]) -> Server {
        self.launch(options).ready()
    }

    /// Starts a server here, and does not wait until it serves.
    #[must_use]
    pub fn launch(&self, options: &[&str]) -> Launch {
        Launch::new(self, &self.library(), options, &[])
    }

    /// The same, with these variables in its environment.
    #[must_use]
    pub fn launch_with(&self, options: &[&str], variables: &[(&str, &str)]) -> Launch {
        Launch::new(self, &self.library(), options, variables)
    }
}

/// A server process; ended by its id when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// Where the API is.
    pub url: Url,
    /// Where S3 is.
    pub s3: String,
    log: PathBuf,
    http: Client,
}

impl Server {
    pub(crate) fn new(process: Child, listen: &str, s3: &str, log: PathBuf) -> Self {
        Self {
            process,
            url: format!("http://{listen}").parse().expect("a URL"),
            s3: s3.to_owned(),
            log,
            http: Client::builder().no_proxy().build().expect("a client"),
        }
    }

    /// A URL of the API.
    #[must_use]
    pub fn at(&self, path: &str) -> Url {
        self.url.join(path).expect("a path")
    }

    /// The client that the tests ask with.
    #[must_use]
    pub const fn http(&self) -> &Client {
        &self.http
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The most memory that it has had, in bytes (Linux's VmHWM).
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024)
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// SIGTERM; answers its exit code.
    #[must_use]
    pub fn terminate(mut self) -> Option<i32> {
        let term = Command::new("kill").arg(self.id().to_string()).status();
        assert!(term.expect("kill runs").success());
        let begun = Instant::now();
        while begun.elapsed() < DEADLINE {
            if let Some(status) = self.process.try_wait().expect("its state") {
                return status.code();
            }
            std::thread::sleep(LOOK);
        }
        panic!("it did not end within {DEADLINE:?}");
    }

    /// The id of the catalogue's file with this name.
    pub async fn file_id(&self, name: &str) -> u64 {
        let mut url = self.at("/v1/files");
        url.query_pairs_mut().append_pair("query", name);
        let page: FilesPage = self.json(url).await;
        let found = page.files.iter().find(|file| file.name == name);
        found
            .unwrap_or_else(|| panic!("{name} is not offered"))
            .file_id
            .get()
    }

    /// Asks for a file: the job that the 202 names.
    pub async fn initiate(&self, file_id: u64) -> InitiateReply {
        let reply = self
            .http
            .post(self.at("/v1/jobs/download"))
            .json(&json!({ "file_id": file_id }))
            .send()
            .await
            .expect("an answer");
        assert_eq!(reply.status(), 202);
        reply.json().await.expect("a reply")
    }

    /// How a job is now.
    pub async fn job(&self, check_url: &str) -> JobView {
        self.json(self.at(check_url)).await
    }

    /// Polls a job until `enough`.
    pub async fn poll_until(&self, check_url: &str, enough: impl Fn(&JobView) -> bool) -> JobView {
        let begun = Instant::now();
        loop {
            let job = self.job(check_url).await;
            if enough(&job) {
                return job;
            }
            assert!(begun.elapsed() < DEADLINE, "still {job:?}\n{}", self.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Polls a job until it has completed, and fails where it has failed.
    pub async fn completed(&self, check_url: &str) -> JobView {
        let job = self
            .poll_until(check_url, |job| job.status.is_final())
            .await;
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        job
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, url: Url) -> T {
        let reply = self.http.get(url).send().await.expect("an answer");
        assert_eq!(reply.status(), 200);
        reply.json().await.expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Fetches a URL whole, and answers its sha256 in hex.
///
/// # Panics
/// Where it cannot be had.
pub async fn fetch_sha256(url: &Url) -> String {
    use futures::StreamExt as _;
    use sha2::Digest as _;
    let client = Client::builder().no_proxy().build().expect("a client");
    let reply = client.get(url.clone()).send().await.expect("an answer");
    assert!(reply.status().is_success(), "{}", reply.status());
    let mut digest = sha2::Sha256::new();
    let mut bytes = reply.bytes_stream();
    while let Some(chunk) = bytes.next().await {
        digest.update(chunk.expect("whole"));
    }
    hex::encode(digest.finalize())
}

/// All files below a folder whose name `wanted` accepts.
#[must_use]
pub fn files_below(folder: &Path, wanted: impl Fn(&Path) -> bool + Copy) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found
}
