//! Rows that were taken off the list a moment ago. Until that is over it can be undone, and nothing
//! of theirs is thrown away.

use std::{collections::HashMap, path::PathBuf};

use jiff::Timestamp;
use longhaul_protocol::DownloadId;
use tokio::time::Instant;

use super::Driver;
use crate::download::{Event, Record, State, apply};

/// The rows, and until when they are kept.
#[derive(Debug, Default)]
pub(super) struct Bin(HashMap<DownloadId, Binned>);

#[derive(Debug)]
struct Binned {
    record: Record,
    until: Instant,
    /// Completed by a pull that could no longer be stopped: unwanted, unless this is undone.
    late: Option<PathBuf>,
}

impl Bin {
    pub(super) fn holds(&self, id: DownloadId) -> bool {
        self.0.contains_key(&id)
    }

    /// When the next one goes for good.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.values().map(|binned| binned.until).min()
    }

    /// Its pull was faster than the word to stop it.
    pub(super) fn finished(&mut self, id: DownloadId, event: Event, now: Timestamp) {
        let Some(binned) = self.0.get_mut(&id) else {
            return;
        };
        if let Event::Finished { path, .. } = &event {
            binned.late = Some(path.clone());
        }
        if apply(&mut binned.record, event, now).is_err() {
            tracing::debug!(download = %id, "a removed row cannot be completed");
        }
    }
}

impl Driver {
    /// The row goes off the list; for a moment it can be brought back.
    pub(super) fn take_off(&mut self, id: DownloadId) {
        let Some(record) = self.rows.remove(id) else {
            return;
        };
        self.schedule.leave(id, record.order);
        self.unsaved.removed.push(id);
        self.unsaved_rows.remove(&id);
        self.hub.removed(id);
        if !matches!(record.state, State::Completed { .. }) {
            // Should the program end before the moment does, the next run throws it away.
            self.unsaved.discard.push((id, record.folder.clone()));
            self.stop_pull(id);
        }
        let until = Instant::now() + self.parts.undo;
        let late = None;
        self.bin.0.insert(
            id,
            Binned {
                record,
                until,
                late,
            },
        );
    }

    /// Brings rows back that were removed a moment ago; answers how many.
    pub(super) fn restore(&mut self, ids: &[DownloadId]) -> usize {
        let mut count = 0;
        for id in ids.iter().copied() {
            let Some(binned) = self.bin.0.remove(&id) else {
                continue;
            };
            count += 1;
            let Binned { mut record, .. } = binned;
            record.revision += 1;
            if !matches!(record.state, State::Completed { .. }) {
                self.unsaved.discarded.push(id);
            }
            self.unsaved.discard.retain(|(of, _)| *of != id);
            self.unsaved.removed.retain(|of| *of != id);
            let is_running = record.state.is_running();
            self.rows.insert(record);
            self.hub.restored(id);
            self.keep(id);
            if is_running {
                self.step(id, Event::Recheck);
            }
            self.line_up(id);
        }
        count
    }

    /// What was removed longer ago goes for good; all of it where the program ends.
    pub(super) fn empty_bin(&mut self, now: Option<Instant>) {
        let over: Vec<_> = self
            .bin
            .0
            .iter()
            .filter(|(_, binned)| now.is_none_or(|now| binned.until <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            let Some(binned) = self.bin.0.remove(&id) else {
                continue;
            };
            let record = binned.record;
            match (binned.late, &record.state) {
                (Some(path), _) => self.delete_late(path),
                (None, State::Completed { .. }) => continue,
                (None, state) => {
                    if let (Some(job), false) = (record.job, state.has_ended()) {
                        self.tell_unwanted(record.server, id, job);
                    }
                }
            }
            self.discards.insert(id, record.folder);
            if !self.pulls.contains_key(&id) {
                self.discard(id);
            }
        }
    }
}
