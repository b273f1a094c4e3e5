//! Rows that were taken off the list a moment ago. Until that is over it can be undone, and nothing
//! of theirs is thrown away.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use longhaul_protocol::DownloadId;
use tokio::{sync::oneshot, time::Instant};

use super::{Done, Driver, Errand};
use crate::{
    download::{Event, Record, State, apply},
    error::ManagerError,
    manager::PutAway,
    many::Refused,
};

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

    /// Its part file is in that folder.
    pub(super) fn sorted(&mut self, id: DownloadId, folder: PathBuf) {
        if let Some(binned) = self.0.get_mut(&id) {
            binned.record.folder = folder;
        }
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
    /// Takes rows off the list, those whose finished file shall go too once it has.
    pub(super) async fn remove(
        &mut self,
        ids: &[DownloadId],
        with_file: bool,
        reply: oneshot::Sender<Refused>,
    ) {
        let mut refused = Refused::default();
        let mut files = Vec::new();
        for id in ids.iter().copied() {
            match self.rows.state(id) {
                None => refused.note(Err(ManagerError::Unknown(id))),
                Some(State::Completed { path, .. }) if with_file => files.push((id, path.clone())),
                Some(_) => self.take_off(id),
            }
        }
        self.save().await;
        if files.is_empty() {
            let _ = reply.send(refused);
            return;
        }
        let put_away = self.parts.put_away;
        self.spawn(Errand::Delete, async move {
            let mut outcomes = Vec::with_capacity(files.len());
            for (id, path) in files {
                outcomes.push((id, blocking(move || delete(&path, put_away)).await));
            }
            Done::Deleted {
                outcomes,
                refused,
                reply,
            }
        });
    }

    pub(super) fn deleted(
        &mut self,
        outcomes: Vec<(DownloadId, io::Result<()>)>,
        mut refused: Refused,
        reply: oneshot::Sender<Refused>,
    ) {
        for (id, outcome) in outcomes {
            match outcome {
                Ok(()) => self.take_off(id),
                Err(error) => refused.note(Err(ManagerError::Delete(error))),
            }
        }
        let _ = reply.send(refused);
    }

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

/// Deletes a file; one that is gone already is no failure.
pub(super) fn delete(path: &Path, put_away: PutAway) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => put_away(path),
    }
}

/// Does what holds up a thread.
pub(super) async fn blocking(
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
