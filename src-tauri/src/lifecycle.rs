//! One run from start to end: who waits for the start, who is told to stop, who is waited for.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use longhaul_client::Settings;
use tauri::{AppHandle, async_runtime::JoinHandle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{commands::CommandError, host::Host, tray};

/// Nobody waits longer for a window that was closed; what has not stopped by then resumes from
/// what its control record says.
pub(crate) const QUIT: Duration = Duration::from_secs(6);

/// How far the start is.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    /// The list and the server are being opened.
    Starting,
    /// Commands can be carried out.
    Ready(Arc<Host>),
    /// They cannot, and why.
    Failed(CommandError),
}

/// Kept by the app for as long as it runs.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    start: watch::Sender<Start>,
    stop: CancellationToken,
    work: Mutex<Option<JoinHandle<()>>>,
    quitting: Mutex<Option<JoinHandle<()>>>,
    quit: AtomicBool,
    /// Whether the app starts again when it has ended.
    anew: AtomicBool,
    /// Whether there is an icon by which a hidden window comes back, where somebody shows it.
    icon: AtomicBool,
    /// What the user has set, for those parts of the shell that obey it.
    settings: watch::Sender<Settings>,
}

impl Lifecycle {
    /// Nothing has started.
    pub(crate) fn new() -> Self {
        Self {
            start: watch::channel(Start::Starting).0,
            stop: CancellationToken::new(),
            work: Mutex::new(None),
            quitting: Mutex::new(None),
            quit: AtomicBool::new(false),
            anew: AtomicBool::new(false),
            icon: AtomicBool::new(false),
            settings: watch::channel(Settings::default()).0,
        }
    }

    /// There is an icon for the tray.
    pub(crate) fn has_icon(&self) {
        self.icon.store(true, Ordering::Release);
    }

    /// Whether the icon is in a tray now. Blocks for a moment.
    pub(crate) fn is_in_tray(&self) -> bool {
        self.icon.load(Ordering::Acquire) && tray::is_shown()
    }

    /// Takes over what the settings say of the shell.
    pub(crate) fn obey(&self, settings: &Settings) {
        self.settings.send_replace(settings.clone());
    }

    /// What the user has set, and each change of it.
    pub(crate) fn settings(&self) -> watch::Receiver<Settings> {
        self.settings.subscribe()
    }

    /// Whether a window that is closed stays in the tray. Without a tray it would be lost.
    pub(crate) fn closes_to_tray(&self) -> bool {
        self.settings.borrow().close_to_tray && self.is_in_tray()
    }

    /// Where the work says how its start went.
    pub(crate) fn announce(&self, start: Start) {
        self.start.send_replace(start);
    }

    /// Cancelled when the work must stop.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The task that quitting waits for.
    pub(crate) fn own(&self, work: JoinHandle<()>) {
        *lock(&self.work) = Some(work);
    }

    /// What commands act on, as soon as it is there.
    ///
    /// # Errors
    /// What kept it from starting.
    pub(crate) fn host(
        &self,
    ) -> impl Future<Output = Result<Arc<Host>, CommandError>> + Send + use<> {
        let mut start = self.start.subscribe();
        async move {
            let closed = || CommandError::new("closed", "Longhaul is closing");
            loop {
                match &*start.borrow_and_update() {
                    Start::Ready(host) => return Ok(host.clone()),
                    Start::Failed(error) => return Err(error.clone()),
                    Start::Starting => {}
                }
                start.changed().await.map_err(|_| closed())?;
            }
        }
    }

    /// Whether the work has been told to stop.
    pub(crate) fn is_quitting(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The end that comes next is followed by a start.
    pub(crate) fn begin_anew(&self) {
        self.anew.store(true, Ordering::Release);
    }

    /// Whether the process may end now. The first time it may not: the work is told to stop, and
    /// the app exits by itself when it has, or when it took too long.
    pub(crate) fn may_exit(&self, app: &AppHandle) -> bool {
        if self.quit.load(Ordering::Acquire) {
            return true;
        }
        self.stop.cancel();
        let Some(work) = lock(&self.work).take() else {
            // Quitting already, or never begun.
            return lock(&self.quitting).is_none();
        };
        // Whoever starts from now on is not this one's to answer: it waits until this one has gone.
        tauri_plugin_single_instance::destroy(app);
        let app = app.clone();
        *lock(&self.quitting) = Some(tauri::async_runtime::spawn(async move {
            if tokio::time::timeout(QUIT, work).await.is_err() {
                tracing::warn!("something did not stop in time; it resumes from what is synced");
            }
            use tauri::Manager as _;
            let lifecycle = app.state::<Lifecycle>();
            lifecycle.quit.store(true, Ordering::Release);
            // Only now: nothing can hold a restart up that has begun.
            match lifecycle.anew.load(Ordering::Acquire) {
                true => app.request_restart(),
                false => app.exit(0),
            }
        }));
        false
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
