//! What has changed is written down before anything is built on it.

use std::time::Duration;

use longhaul_protocol::DownloadId;

use tokio::time::Instant;

use super::Driver;
use crate::{download::State, list::Changes};

/// A write that failed is tried again after so long.
const RETRY: Duration = Duration::from_secs(5);

impl Driver {
    /// Notes that a row must be written.
    pub(super) fn keep(&mut self, id: DownloadId) {
        self.unsaved_rows.insert(id);
    }

    pub(super) fn has_unsaved(&self) -> bool {
        !self.unsaved_rows.is_empty() || !self.unsaved.is_empty()
    }

    /// Writes what has changed. Only what the user decided, and that a file is complete, waits for
    /// the disk: all else would be found out again after a crash.
    pub(super) async fn save(&mut self) {
        let now = Instant::now();
        if !self.has_unsaved() || self.retry_save.is_some_and(|at| at > now) {
            return;
        }
        self.retry_save = None;
        let mut changes = std::mem::take(&mut self.unsaved);
        for id in std::mem::take(&mut self.unsaved_rows) {
            if let Some(row) = self.rows.get(id) {
                changes.rows.push(row.record.clone());
            }
        }
        let firm = !changes.removed.is_empty()
            || changes.settings.is_some()
            || changes.rows.iter().any(|row| {
                row.state.has_ended() || matches!(row.state, State::Paused | State::Queued)
            });
        match self.list.write(&changes, firm).await {
            Ok(()) => {
                self.settle();
                if std::mem::take(&mut self.save_failed) {
                    self.notify(
                        "list_saved_again",
                        "The download list can be written again; nothing is missing.".to_owned(),
                    );
                }
            }
            Err(error) => {
                tracing::error!(%error, "the list could not be written");
                self.put_back(changes);
                if !std::mem::replace(&mut self.save_failed, true) {
                    self.notify(
                        "list_not_saved",
                        format!(
                            "The download list could not be written ({error}). Downloads go on; what changed is written as soon as that works."
                        ),
                    );
                }
            }
        }
    }

    /// What could not be written waits for the next change: the rows as they then are.
    fn put_back(&mut self, mut changes: Changes) {
        self.unsaved_rows
            .extend(changes.rows.drain(..).map(|row| row.id));
        self.unsaved.removed.append(&mut changes.removed);
        self.unsaved.discard.append(&mut changes.discard);
        self.unsaved.discarded.append(&mut changes.discarded);
        self.unsaved.settings = self.unsaved.settings.take().or(changes.settings);
        // Servers are written by their own commands, which say themselves that it failed.
        self.retry_save = Some(Instant::now() + RETRY);
    }
}
