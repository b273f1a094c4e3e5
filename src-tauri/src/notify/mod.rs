//! Native notifications of what ended while nobody looked: one for each file, or one for many that
//! end together. What their buttons do is what the window's would.

mod news;
mod show;
mod words;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use longhaul_client::{ClientEvent, DownloadView, ManagerError, Notice, Snapshot};
use longhaul_protocol::DownloadId;
use tauri::AppHandle;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::Instant,
};

#[cfg(test)]
pub(crate) use self::words::tests::row as a_row;
use self::{news::News, words::Message};
use crate::{app, commands::CommandError, host::Host, language::Language};

/// After a notification, what ends within this time is told together.
const GATHER: Duration = Duration::from_secs(2);
/// Notifications whose buttons are listened to; the oldest beyond are left to themselves.
const MAX_OPEN: usize = 32;
/// Failed buttons that wait to be told; what comes beyond is in the log.
const MAX_FAULTS: usize = 8;

/// What the user chose on a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Open the file.
    Open(DownloadId),
    /// Show the files in their folder.
    ShowInFolder(Vec<DownloadId>),
    /// Try again.
    Retry(Vec<DownloadId>),
    /// Bring the window to the front.
    Raise,
}

/// Decides what is worth a notification, shows it, and does what its buttons say.
#[derive(Debug)]
pub(crate) struct Notifier {
    app: AppHandle,
    host: Arc<Host>,
    news: News,
    waiting: Vec<DownloadView>,
    not_before: Option<Instant>,
    open: JoinSet<()>,
    oldest: VecDeque<AbortHandle>,
    center: Arc<show::Center>,
    faults: mpsc::Sender<Notice>,
}

impl Notifier {
    /// Where a button does not do what it says, that comes from the receiver: whoever pressed it looks
    /// at the window next.
    pub(crate) fn new(app: AppHandle, host: Arc<Host>) -> (Self, mpsc::Receiver<Notice>) {
        let icon = host.places.data.join("icon.png");
        let (faults, told) = mpsc::channel(MAX_FAULTS);
        let notifier = Self {
            app,
            host,
            news: News::default(),
            waiting: Vec::new(),
            not_before: None,
            open: JoinSet::new(),
            oldest: VecDeque::new(),
            center: Arc::new(show::Center::new(icon)),
            faults,
        };
        (notifier, told)
    }

    /// What has ended already was told in an earlier run, or is in sight when the window opens.
    pub(crate) fn already_known(&mut self, snapshot: &Snapshot) {
        self.news.already_known(&snapshot.downloads);
    }

    /// Takes note of a change.
    pub(crate) fn hear(&mut self, event: &ClientEvent) {
        self.waiting.extend(self.news.of(event));
    }

    /// Waits until something is due to be told. Cancellation safe.
    pub(crate) async fn due(&self) {
        if self.waiting.is_empty() {
            std::future::pending::<()>().await;
        } else if let Some(not_before) = self.not_before {
            tokio::time::sleep_until(not_before).await;
        }
    }

    /// Tells what has ended, in that language.
    pub(crate) async fn tell(&mut self, language: Language) {
        self.not_before = Some(Instant::now() + GATHER);
        let ended = std::mem::take(&mut self.waiting);
        if !self.may_speak().await {
            return;
        }
        for message in words::of(&ended, language.words()) {
            self.show(message);
        }
    }

    /// Tells that copied links wait in the hidden window.
    pub(crate) async fn offer(&mut self, language: Language) {
        if self.may_speak().await {
            self.show(words::offered(language.words()));
        }
    }

    async fn may_speak(&self) -> bool {
        let settings = self.host.manager.settings().await;
        settings.is_ok_and(|settings| settings.notify)
    }

    fn show(&mut self, message: Message) {
        while self.open.try_join_next().is_some() {}
        self.oldest.retain(|open| !open.is_finished());
        if self.oldest.len() >= MAX_OPEN
            && let Some(oldest) = self.oldest.pop_front()
        {
            oldest.abort();
        }
        let (app, host, center) = (self.app.clone(), self.host.clone(), self.center.clone());
        let faults = self.faults.clone();
        self.oldest.push_back(self.open.spawn(async move {
            if let Some(reaction) = center.show(message).await
                && let Err(error) = react(&app, &host, reaction).await
            {
                tracing::warn!(%error, "a notification's button did not work");
                let _ = faults.try_send(error.into());
                app::raise(&app);
            }
        }));
    }
}

async fn react(app: &AppHandle, host: &Host, reaction: Reaction) -> Result<(), CommandError> {
    match reaction {
        Reaction::Open(id) => host.open(&[id]).await,
        Reaction::ShowInFolder(ids) => host.show_in_folder(&ids).await,
        Reaction::Retry(ids) => {
            for id in ids {
                match host.manager.retry(id).await {
                    // Retried in the window meanwhile, or removed.
                    Ok(()) | Err(ManagerError::NotNow { .. } | ManagerError::Unknown(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
        Reaction::Raise => {
            app::raise(app);
            Ok(())
        }
    }
}
