//! New versions of the app: found once a day where the user wants that, fetched and put in place
//! when the user says so. Without a source that somebody has set up, nobody is asked.

mod fetch;
mod place;
mod source;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use longhaul_client::Settings;
use serde::Serialize;
use tauri::{
    AppHandle, Emitter as _, Manager as _,
    async_runtime::{JoinHandle, spawn, spawn_blocking},
};
use tauri_plugin_updater::{Error, Update, UpdaterExt as _};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use ts_rs::TS;

pub(crate) use self::source::Source;
use self::{
    fetch::{Bounds, Stopped},
    place::Place,
};

/// The event that tells the page of it.
const EVENT: &str = "updates";
/// The page is told no more often.
const TELL: Duration = Duration::from_millis(250);
const DAY: Duration = Duration::from_hours(24);
/// After a look that failed.
const AGAIN: Duration = Duration::from_hours(1);
/// For the list of versions.
const ANSWER: Duration = Duration::from_secs(30);
const BOUNDS: Bounds = Bounds {
    // A version that is larger is none of ours: it is held in memory while its signature is verified.
    most: 256 << 20,
    patience: Duration::from_secs(30),
};
const NOTES: usize = 8 << 10;

/// What there is to say about new versions.
#[derive(Debug, Clone, Default, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct UpdateView {
    /// The host that new versions come from; null where nobody has set one up.
    source: Option<String>,
    /// Why what was set up cannot be used.
    fault: Option<String>,
    /// Whether this copy can put another in its own place.
    installs: bool,
    /// What is being done.
    stage: UpdateStage,
    /// The newer version that was found.
    found: Option<Release>,
    /// Why the last thing that was tried did not succeed. What was there still is.
    error: Option<String>,
    /// When the source last answered.
    #[ts(type = "string | null")]
    looked_at: Option<Timestamp>,
}

/// A version that is newer than this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub(crate) struct Release {
    /// Its number.
    version: String,
    /// What is new in it, in its publisher's words.
    notes: Option<String>,
}

/// What is being done about updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
#[serde(tag = "stage", rename_all = "camelCase")]
#[ts(export)]
pub(crate) enum UpdateStage {
    /// Nothing.
    #[default]
    Idle,
    /// The source is asked.
    Looking,
    /// The new version comes.
    Fetching {
        /// Bytes that are here.
        received: u64,
        /// Bytes of all of it, where the source says so.
        total: Option<u64>,
    },
    /// It takes this one's place.
    Installing,
    /// It has: it runs when the app is started anew.
    Installed,
}

/// One thing at a time is done about updates: what the stage says.
pub(crate) struct Updates {
    view: watch::Sender<UpdateView>,
    found: Mutex<Option<Update>>,
    /// Of the transfer that runs, or ran last.
    cancel: Mutex<CancellationToken>,
}

impl Updates {
    /// Nothing has been looked for; `source` is what the setup said.
    pub(crate) fn new(source: &anyhow::Result<Option<Source>>) -> Self {
        let mut view = UpdateView::default();
        match source {
            Ok(source) => view.source = source.as_ref().map(Source::host),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "no updates");
                view.fault = Some(format!("{error:#}"));
            }
        }
        Self {
            view: watch::channel(view).0,
            found: Mutex::new(None),
            cancel: Mutex::default(),
        }
    }

    /// How it is now.
    pub(crate) fn view(&self) -> UpdateView {
        self.view.borrow().clone()
    }

    /// Asks the source for a newer version, unless something else is being done.
    pub(crate) async fn look(&self, app: &AppHandle) -> UpdateView {
        if self.view().source.is_none() || !self.begin(UpdateStage::Looking) {
            return self.view();
        }
        let builder = app.updater_builder().timeout(ANSWER);
        let answer = match builder.build() {
            Ok(updater) => updater.check().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(update) => {
                let release = update.as_ref().map(Release::of);
                let version = release.as_ref().map(|release| release.version.as_str());
                tracing::info!(version, "looked for a new version");
                self.change(|view| {
                    view.found = release;
                    view.error = None;
                    view.looked_at = Some(Timestamp::now());
                });
                *lock(&self.found) = update;
            }
            Err(error) => self.failed(&said(&error)),
        }
        self.change(|view| view.stage = UpdateStage::Idle);
        self.view()
    }

    /// Fetches the version that was found, verifies it, and puts it in this one's place, unless
    /// something else is being done.
    pub(crate) async fn install(&self, app: &AppHandle) -> UpdateView {
        let found = lock(&self.found).clone();
        let fetching = UpdateStage::Fetching {
            received: 0,
            total: None,
        };
        if let (Some(update), Some(place)) = (found, Place::of(app))
            && self.begin(fetching)
        {
            self.change(|view| view.error = None);
            let version = update.version.clone();
            let stage = match self.fetch_and_put(update, place).await {
                Ok(()) => {
                    tracing::info!(version, "a new version is installed");
                    UpdateStage::Installed
                }
                Err(Stopped::ByUser) => {
                    tracing::info!(version, "a new version is not fetched: the user said so");
                    UpdateStage::Idle
                }
                Err(Stopped::Because(why)) => {
                    self.failed(&why);
                    UpdateStage::Idle
                }
            };
            self.change(|view| view.stage = stage);
        }
        self.view()
    }

    /// Gives up what is being fetched; when it returns, that has ended. What is being put in place is.
    pub(crate) async fn cancel(&self) {
        let mut view = self.view.subscribe();
        lock(&self.cancel).cancel();
        let is_over = |view: &UpdateView| !matches!(view.stage, UpdateStage::Fetching { .. });
        // The sender is this one's own.
        let _ = view.wait_for(is_over).await;
    }

    async fn fetch_and_put(&self, update: Update, place: Place) -> Result<(), Stopped> {
        let refused = |why: &str| Stopped::Because(why.to_owned());
        if !source::is_allowed(&update.download_url) {
            return Err(refused(
                "the source offers it over a connection that is not secure",
            ));
        }
        let (tell, progress) = watch::channel((0_u64, None));
        let on_chunk = |length: usize, total| {
            let more = u64::try_from(length).unwrap_or(u64::MAX);
            tell.send_modify(|progress| *progress = (progress.0.saturating_add(more), total));
            let received = tell.borrow().0;
            self.change(|view| view.stage = UpdateStage::Fetching { received, total });
        };
        let download = async {
            let bytes = update.download(on_chunk, || {}).await;
            bytes.map_err(|error| said(&error))
        };
        let cancel = lock(&self.cancel).clone();
        let bytes = fetch::within(BOUNDS, &cancel, progress, download).await?;
        self.change(|view| view.stage = UpdateStage::Installing);
        spawn_blocking(move || place.put(&update, &bytes))
            .await
            .map_err(|error| error.to_string())
            .and_then(|put| put)
            .map_err(Stopped::Because)
    }

    /// Whether nothing else is being done, and this is from now on.
    fn begin(&self, stage: UpdateStage) -> bool {
        self.view.send_if_modified(|view| {
            let is_free = view.stage == UpdateStage::Idle;
            if is_free {
                view.stage = stage;
                *lock(&self.cancel) = CancellationToken::new();
            }
            is_free
        })
    }

    fn failed(&self, why: &str) {
        tracing::warn!(why, "no new version");
        self.change(|view| view.error = Some(why.to_owned()));
    }

    fn change(&self, change: impl FnOnce(&mut UpdateView)) {
        self.view.send_modify(change);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Release {
    fn of(update: &Update) -> Self {
        let notes = |text: &String| text.chars().take(NOTES).collect();
        Self {
            version: update.version.clone(),
            notes: update.body.as_ref().map(notes),
        }
    }
}

/// Tells the page of each change, and looks once a day while the settings say so; until it is
/// aborted.
pub(crate) fn watch(app: AppHandle, mut settings: watch::Receiver<Settings>) -> JoinHandle<()> {
    let updates = app.state::<Updates>();
    let mut changes = updates.view.subscribe();
    let installs = Place::of(&app).is_some();
    updates.change(|view| view.installs = installs);
    let teller = app.clone();
    let telling = async move {
        while changes.changed().await.is_ok() {
            let view = changes.borrow_and_update().clone();
            if let Err(error) = teller.emit(EVENT, &view) {
                tracing::warn!(%error, "a change could not be told to the page");
            }
            sleep(TELL).await;
        }
    };
    let looking = async move {
        let updates = app.state::<Updates>();
        let mut due = Instant::now();
        loop {
            let wanted = settings.borrow_and_update().look_for_updates;
            if wanted && due <= Instant::now() {
                let failed = updates.look(&app).await.error.is_some();
                due = Instant::now() + if failed { AGAIN } else { DAY };
            }
            tokio::select! {
                changed = settings.changed() => if changed.is_err() { return },
                () = sleep_until(due), if wanted => {}
            }
        }
    };
    spawn(async move {
        tokio::join!(telling, looking);
    })
}

/// A sentence for people; no URL in it, as it may hold a key.
fn said(error: &Error) -> String {
    match error {
        Error::Reqwest(error) if error.is_decode() => {
            "the source does not answer with a list of versions".to_owned()
        }
        Error::Reqwest(error) => {
            let mut cause: &dyn std::error::Error = error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            format!("the source cannot be reached: {cause}")
        }
        Error::ReleaseNotFound | Error::Serialization(_) => {
            "the source does not answer with a list of versions".to_owned()
        }
        Error::TargetNotFound(_) | Error::TargetsNotFound(_) => {
            "the newer version is not made for this system".to_owned()
        }
        Error::Minisign(_)
        | Error::Base64(_)
        | Error::SignatureUtf8(_)
        | Error::SignedVersionMismatch { .. }
        | Error::MissingSignedVersion => {
            "what came is not signed by its publisher as that version; nothing was installed"
                .to_owned()
        }
        other => other.to_string(),
    }
}
