//! While downloads run the system does not go to sleep by itself; what the user asks of it, it does.

use keepawake::KeepAwake;
use longhaul_client::{Settings, Totals};
use tauri::async_runtime::{JoinHandle, spawn, spawn_blocking};
use tokio::sync::watch;

/// Keeps the system awake as long as it is told that something runs; lets go when dropped.
#[derive(Debug)]
pub(crate) struct Awake {
    busy: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Awake {
    /// Nothing runs yet.
    pub(crate) fn begin(settings: watch::Receiver<Settings>) -> Self {
        let (busy, heard) = watch::channel(false);
        let task = spawn(keep(heard, settings));
        Self { busy, task }
    }

    /// Whether anything runs, by the sums over the list.
    pub(crate) fn hear(&self, totals: &Totals) {
        let now = totals.active > 0;
        self.busy
            .send_if_modified(|before| std::mem::replace(before, now) != now);
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(mut busy: watch::Receiver<bool>, mut settings: watch::Receiver<Settings>) {
    let mut held = None;
    let mut refused = false;
    loop {
        let wanted = *busy.borrow_and_update() && settings.borrow_and_update().keep_awake;
        if !wanted {
            release(held.take()).await;
        } else if held.is_none() && !refused {
            held = taken().await;
            // A system that has nobody to ask is not asked again.
            refused = held.is_none();
        }
        let changed = tokio::select! {
            changed = busy.changed() => changed,
            changed = settings.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn taken() -> Option<KeepAwake> {
    let asked = spawn_blocking(|| {
        keepawake::Builder::default()
            // Sleep that nobody asked for; a closed lid or the menu still do as they say.
            .idle(true)
            .reason("Downloads are under way")
            .app_name("Longhaul")
            .app_reverse_domain(crate::options::IDENTIFIER)
            .create()
            .map_err(|error| error.to_string())
    });
    let why = match asked.await {
        Ok(Ok(held)) => {
            tracing::info!("the system is kept awake");
            return Some(held);
        }
        Ok(Err(error)) => error,
        Err(error) => error.to_string(),
    };
    tracing::info!(why, "the system cannot be kept awake");
    None
}

/// Letting go speaks with the system as well.
async fn release(held: Option<KeepAwake>) {
    if held.is_some() {
        tracing::info!("the system may sleep");
        if let Err(error) = spawn_blocking(move || drop(held)).await {
            tracing::warn!(%error, "letting the system sleep failed");
        }
    }
}
