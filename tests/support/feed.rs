//! A publisher of updates: a list of versions, a file, and the key that signs it.

use std::{
    convert::Infallible,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, ensure};
use axum::{Json, Router, body::Body, extract::State, routing::get};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::serving::serve;

/// A publisher that serves while it is held.
#[derive(Debug)]
pub struct Feed {
    url: String,
    state: Arc<Published>,
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Published {
    release: Mutex<Value>,
    file: Mutex<Bytes>,
    asked: AtomicUsize,
    stalls: AtomicBool,
}

/// Who signs, by the tool that docs/updates.md tells publishers of.
#[derive(Debug)]
pub struct Publisher(TempDir);

impl Publisher {
    /// With a pair of keys of its own.
    ///
    /// # Errors
    /// When the tool is not installed: `make setup`.
    pub fn new() -> anyhow::Result<Self> {
        let publisher = Self(tempfile::tempdir()?);
        publisher.signer(&["generate", "--ci", "-w", "key"])?;
        Ok(publisher)
    }

    /// What an administrator writes to let this publisher's updates in from there.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn setup(&self, feed: &Feed) -> anyhow::Result<String> {
        let (url, key) = (
            &feed.url,
            std::fs::read_to_string(self.0.path().join("key.pub"))?,
        );
        Ok(format!(
            "endpoints = [\"{url}/{{{{target}}}}.json\"]\npublic_key = \"{}\"\n",
            key.trim()
        ))
    }

    /// The signature of that file as that version.
    ///
    /// # Errors
    /// When the tool fails.
    pub fn sign(&self, file: &[u8], version: &str) -> anyhow::Result<String> {
        std::fs::write(self.0.path().join("file"), file)?;
        self.signer(&["sign", "-f", "key", "--app-version", version, "file"])?;
        Ok(std::fs::read_to_string(self.0.path().join("file.sig"))?)
    }

    fn signer(&self, args: &[&str]) -> anyhow::Result<()> {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/.bin/tauri");
        let done = Command::new(tool)
            .arg("signer")
            .args(args)
            .args(["-p", ""])
            .current_dir(self.0.path())
            .env_remove("TAURI_SIGNING_PRIVATE_KEY")
            .env_remove("TAURI_SIGNING_PRIVATE_KEY_PATH")
            .output()
            .context("the signing tool (make setup)")?;
        ensure!(
            done.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(())
    }
}

impl Feed {
    /// Publishes nothing yet.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start() -> Self {
        let state = Arc::new(Published::default());
        let router = Router::new()
            .route("/linux.json", get(list))
            .route("/file", get(file))
            .with_state(state.clone());
        let (url, task) = serve("127.0.0.1", router).await;
        Self {
            url,
            state,
            _task: task,
        }
    }

    /// From now on this is its newest version.
    pub fn publish(&self, version: &str, file: Vec<u8>, signature: &str) {
        *lock(&self.state.release) = json!({
            "version": version,
            "notes": "What is new.",
            "platforms": {
                format!("linux-{}", std::env::consts::ARCH):
                    { "url": format!("{}/file", self.url), "signature": signature },
            },
        });
        *lock(&self.state.file) = file.into();
    }

    /// Whether of its file the first byte comes, and then nothing.
    pub fn stall(&self, stalls: bool) {
        self.state.stalls.store(stalls, Ordering::SeqCst);
    }

    /// How often its list of versions was asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }
}

async fn list(State(state): State<Arc<Published>>) -> Json<Value> {
    state.asked.fetch_add(1, Ordering::SeqCst);
    Json(lock(&state.release).clone())
}

async fn file(State(state): State<Arc<Published>>) -> Body {
    let whole = lock(&state.file).clone();
    if !state.stalls.load(Ordering::SeqCst) {
        return whole.into();
    }
    let first = stream::once(std::future::ready(Ok::<_, Infallible>(whole.slice(..1))));
    Body::from_stream(first.chain(stream::pending()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
