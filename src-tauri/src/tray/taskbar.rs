//! The bar on the window's icon in the taskbar: how far all of it is, and that something failed while
//! nobody looked.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use longhaul_client::{ClientEvent, DownloadState, Totals};
use longhaul_protocol::DownloadId;
use tauri::{
    AppHandle, Manager,
    window::{ProgressBarState, ProgressBarStatus},
};

use crate::app;

/// Kept by the app for as long as it runs.
#[derive(Debug, Default)]
pub(crate) struct Taskbar(Mutex<(Bar, Shown)>);

impl Taskbar {
    /// A change of the list.
    pub(crate) fn hear(&self, app: &AppHandle, event: &ClientEvent) {
        self.change(app, |bar| bar.hear(event));
    }

    /// The user looks at the window, or away.
    pub(crate) fn look(&self, app: &AppHandle, is_seen: bool) {
        self.change(app, |bar| bar.look(is_seen, Timestamp::now()));
    }

    fn change(&self, app: &AppHandle, change: impl FnOnce(&mut Bar)) {
        let now = {
            let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (bar, shown) = &mut *both;
            change(bar);
            let now = bar.shown();
            if std::mem::replace(shown, now) == now {
                return;
            }
            now
        };
        if let Some(window) = app.get_webview_window(app::WINDOW)
            && let Err(error) = window.set_progress_bar(now.state())
        {
            tracing::debug!(%error, "the taskbar could not be told");
        }
    }
}

/// What the bar is made of.
#[derive(Debug, Default)]
struct Bar {
    totals: Totals,
    is_seen: bool,
    /// When somebody last looked away.
    seen_until: Timestamp,
    /// What failed since.
    failed: HashSet<DownloadId>,
}

/// How the bar looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shown {
    #[default]
    Nothing,
    /// Something runs whose end nobody knows.
    Moving,
    /// So many percent.
    Part(u8),
    /// Something failed; the rest is so far.
    Failed(u8),
}

impl Bar {
    fn hear(&mut self, event: &ClientEvent) {
        self.totals = event.totals.clone();
        for id in &event.removed {
            self.failed.remove(id);
        }
        for row in &event.changed {
            let is_new = row.ended_at.is_some_and(|at| at > self.seen_until);
            if row.state == DownloadState::Failed && is_new && !self.is_seen {
                self.failed.insert(row.id);
            } else if row.state != DownloadState::Failed {
                self.failed.remove(&row.id);
            }
        }
    }

    fn look(&mut self, is_seen: bool, now: Timestamp) {
        self.is_seen = is_seen;
        self.seen_until = now;
        self.failed.clear();
    }

    fn shown(&self) -> Shown {
        match (percent(&self.totals), self.totals.active) {
            (percent, _) if !self.failed.is_empty() => Shown::Failed(percent.unwrap_or(100)),
            (Some(percent), _) => Shown::Part(percent),
            (None, 0) => Shown::Nothing,
            (None, _) => Shown::Moving,
        }
    }
}

impl Shown {
    fn state(self) -> ProgressBarState {
        let (status, percent) = match self {
            Self::Nothing => (ProgressBarStatus::None, None),
            Self::Moving => (ProgressBarStatus::Indeterminate, None),
            Self::Part(percent) => (ProgressBarStatus::Normal, Some(percent)),
            Self::Failed(percent) => (ProgressBarStatus::Error, Some(percent)),
        };
        ProgressBarState {
            status: Some(status),
            progress: percent.map(u64::from),
        }
    }
}

/// How far all that runs is; none where nothing does, or no size is known.
pub(super) fn percent(totals: &Totals) -> Option<u8> {
    if totals.active == 0 {
        return None;
    }
    let percent = u128::from(totals.done) * 100;
    let percent = percent.checked_div(u128::from(totals.whole))?;
    Some(u8::try_from(percent).unwrap_or(100).min(100))
}

#[cfg(test)]
mod tests {
    use longhaul_client::{DownloadView, ServerLink};

    use super::*;
    use crate::notify::a_row;

    fn totals(active: u32, done: u64, whole: u64) -> Totals {
        Totals {
            active,
            done,
            whole,
            ..Totals::default()
        }
    }

    fn event(changed: &[&DownloadView], removed: &[DownloadId], totals: Totals) -> ClientEvent {
        ClientEvent {
            changed: changed.iter().copied().cloned().collect(),
            removed: removed.to_vec(),
            totals,
            server: ServerLink::Online,
            servers: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn failed_at(second: i64) -> DownloadView {
        DownloadView {
            ended_at: Some(at(second)),
            ..a_row("a.bin", DownloadState::Failed)
        }
    }

    #[test]
    fn it_shows_how_far_all_is_as_far_as_that_is_known() {
        for (totals, shown) in [
            (totals(0, 0, 0), Shown::Nothing),
            (totals(3, 0, 0), Shown::Moving),
            (totals(3, 0, 1000), Shown::Part(0)),
            (totals(3, 999, 1000), Shown::Part(99)),
            (totals(3, 1000, 1000), Shown::Part(100)),
            (totals(3, u64::MAX, u64::MAX), Shown::Part(100)),
        ] {
            let mut bar = Bar::default();
            bar.hear(&event(&[], &[], totals));
            assert_eq!(bar.shown(), shown);
        }
    }

    #[test]
    fn a_failure_is_shown_until_somebody_looks_and_not_again() {
        let mut bar = Bar::default();
        bar.look(true, at(10));
        let row = failed_at(20);
        bar.hear(&event(&[&row], &[], totals(0, 0, 0)));
        assert_eq!(bar.shown(), Shown::Nothing, "it failed before their eyes");
        bar.look(false, at(30));
        // The row is told again, of another change.
        bar.hear(&event(&[&row], &[], totals(1, 1, 4)));
        assert_eq!(bar.shown(), Shown::Part(25));
        let (later, other) = (failed_at(40), failed_at(41));
        bar.hear(&event(&[&later, &other], &[], totals(1, 2, 4)));
        assert_eq!(bar.shown(), Shown::Failed(50));
        bar.hear(&event(&[], &[other.id], totals(0, 0, 0)));
        assert_eq!(bar.shown(), Shown::Failed(100));
        bar.look(true, at(50));
        assert_eq!(bar.shown(), Shown::Nothing);
    }

    #[test]
    fn what_is_tried_again_or_removed_has_not_failed() {
        let mut bar = Bar::default();
        let (mut one, other) = (failed_at(1), failed_at(2));
        bar.hear(&event(&[&one, &other], &[], totals(0, 0, 0)));
        assert_eq!(bar.shown(), Shown::Failed(100));
        one.state = DownloadState::Queued;
        bar.hear(&event(&[&one], &[other.id], totals(0, 0, 0)));
        assert_eq!(bar.shown(), Shown::Nothing);
        let cancelled = DownloadView {
            ended_at: Some(at(3)),
            ..a_row("b.bin", DownloadState::Cancelled)
        };
        bar.hear(&event(&[&cancelled], &[], totals(0, 0, 0)));
        assert_eq!(bar.shown(), Shown::Nothing);
    }
}
