//! What the user wants, done to the rows.

use std::path::PathBuf;

use longhaul_protocol::{DownloadId, Sha256};
use tokio::time::Instant;

use super::{Command, Done, Driver, Errand, pulling::segments_of, view_of};
use crate::{
    download::{Event, Record, State},
    manager::{ManagerError, NewDownload},
    view::{Action, SegmentMap, Settings, Snapshot},
};

impl Driver {
    pub(super) async fn obey(&mut self, command: Command) {
        // A caller that has gone needs no answer: what it asked for is done all the same.
        match command {
            Command::Snapshot(reply) => {
                let _ = reply.send(self.snapshot());
            }
            Command::Subscribe(reply) => {
                let _ = reply.send(self.hub.subscribe());
            }
            Command::Add(items, reply) => {
                let _ = reply.send(self.add(items).await);
            }
            Command::Act(id, action, reply) => {
                let outcome = self.act(id, action);
                self.save().await;
                let _ = reply.send(outcome);
            }
            Command::Expect(id, sha256, reply) => {
                let outcome = self.expect(id, sha256);
                self.save().await;
                let _ = reply.send(outcome);
            }
            Command::Remove(id, with_file, reply) => self.remove(id, with_file, reply).await,
            Command::Segments(id, reply) => {
                let _ = reply.send(self.segments(id));
            }
            Command::Settings(reply) => {
                let _ = reply.send(self.settings());
            }
            Command::SetSettings(settings, reply) => {
                let _ = reply.send(self.set_settings(*settings).await);
            }
            Command::NewServer(reply) => {
                self.pace = crate::poll::Pace::new(Instant::now(), self.parts.poll_interval);
                self.poke();
                let _ = reply.send(());
            }
            Command::Seen => self.pace.seen(Instant::now()),
            Command::Poke => self.poke(),
            Command::DismissNotices => self.notices.clear(),
            Command::Shutdown => {}
        }
    }

    fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let per_pull = self.per_pull(now);
        Snapshot {
            downloads: self
                .rows
                .newest_first()
                .filter_map(|id| self.rows.get(id))
                .map(|row| view_of(row, now, per_pull))
                .collect(),
            totals: self.totals(now),
            server: self.link.clone(),
            notices: self.notices.clone(),
        }
    }

    async fn add(&mut self, items: Vec<NewDownload>) -> Result<Vec<DownloadId>, ManagerError> {
        let now = self.now();
        let first = self.rows.next_order();
        let mut changes = crate::list::Changes::default();
        for (order, item) in (first..).zip(items) {
            let folder = item.folder.unwrap_or_else(|| self.folder());
            if folder.to_str().is_none() {
                return Err(ManagerError::Invalid(format!(
                    "the name of the folder {} is not valid Unicode; choose another",
                    folder.display()
                )));
            }
            let mut record = Record::new(DownloadId::random(), order, item.source, folder, now);
            record.name = item.name;
            record.wanted_sha256 = item.sha256;
            changes.rows.push(record);
        }
        // On the disk first: a row that was shown is never lost.
        self.list.write(&changes, true).await?;
        let mut ids = Vec::with_capacity(changes.rows.len());
        for record in changes.rows {
            ids.push(record.id);
            self.hub.changed(record.id);
            self.rows.insert(record);
        }
        Ok(ids)
    }

    fn folder(&self) -> PathBuf {
        if self.settings.folder.is_empty() {
            self.parts.folder.clone()
        } else {
            PathBuf::from(&self.settings.folder)
        }
    }

    fn act(&mut self, id: DownloadId, action: Action) -> Result<(), ManagerError> {
        let row = self.rows.get(id).ok_or(ManagerError::Unknown(id))?;
        let state = row.record.state.shown();
        let job = row.record.job;
        let event = match action {
            Action::Pause => Event::Pause,
            Action::Resume => Event::Resume,
            Action::Cancel => Event::Cancel,
            Action::Retry => Event::Retry,
            Action::Remove | Action::Open | Action::ShowInFolder => {
                return Err(ManagerError::NotNow { action, state });
            }
        };
        if !self.step(id, event) {
            return Err(ManagerError::NotNow { action, state });
        }
        match action {
            Action::Pause => self.stop_pull(id),
            Action::Cancel => {
                if let Some(job) = job {
                    self.tell_unwanted(id, job);
                }
                self.throw_away(id);
            }
            Action::Retry => self.keep_part(id),
            _ => {}
        }
        Ok(())
    }

    /// The part file, should it still be there, is taken up again.
    fn keep_part(&mut self, id: DownloadId) {
        if !self.pulls.contains_key(&id) && self.discards.remove(&id).is_some() {
            self.unsaved.discarded.push(id);
        }
    }

    fn expect(&mut self, id: DownloadId, sha256: Option<Sha256>) -> Result<(), ManagerError> {
        let row = self.rows.get_mut(id).ok_or(ManagerError::Unknown(id))?;
        if let state @ State::Completed { .. } = &row.record.state {
            return Err(ManagerError::NotNow {
                action: Action::Retry,
                state: state.shown(),
            });
        }
        row.record.wanted_sha256 = sha256;
        self.keep(id);
        Ok(())
    }

    async fn remove(
        &mut self,
        id: DownloadId,
        with_file: bool,
        reply: tokio::sync::oneshot::Sender<Result<(), ManagerError>>,
    ) {
        let Some(row) = self.rows.get(id) else {
            let _ = reply.send(Err(ManagerError::Unknown(id)));
            return;
        };
        if let (true, State::Completed { path, .. }) = (with_file, &row.record.state) {
            let path = path.clone();
            self.spawn(Errand::Delete, async move {
                let outcome = match tokio::fs::remove_file(path).await {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                    outcome => outcome,
                };
                Done::Deleted { id, outcome, reply }
            });
            return;
        }
        self.take_off(id);
        self.save().await;
        let _ = reply.send(Ok(()));
    }

    pub(super) fn deleted(
        &mut self,
        id: DownloadId,
        outcome: std::io::Result<()>,
        reply: tokio::sync::oneshot::Sender<Result<(), ManagerError>>,
    ) {
        let outcome = outcome.map_err(ManagerError::Delete);
        if outcome.is_ok() {
            self.take_off(id);
        }
        let _ = reply.send(outcome);
    }

    /// The row goes; what it had under way goes with it.
    fn take_off(&mut self, id: DownloadId) {
        let Some(row) = self.rows.get(id) else { return };
        let completed = matches!(row.record.state, State::Completed { .. });
        let job = row.record.job;
        if !completed {
            if let (Some(job), false) = (job, row.record.state.has_ended()) {
                self.tell_unwanted(id, job);
            }
            self.throw_away(id);
        }
        if let Some(record) = self.rows.remove(id) {
            self.schedule.leave(id, record.order);
        }
        self.unsaved.removed.push(id);
        self.unsaved_rows.remove(&id);
        self.hub.removed(id);
    }

    fn segments(&self, id: DownloadId) -> Result<SegmentMap, ManagerError> {
        if self.rows.get(id).is_none() {
            return Err(ManagerError::Unknown(id));
        }
        let segments = self.pulls.get(&id).map(segments_of).unwrap_or_default();
        Ok(SegmentMap { id, segments })
    }

    /// As set, with the folder that really holds.
    fn settings(&self) -> Settings {
        Settings {
            folder: self.folder().to_string_lossy().into_owned(),
            ..self.settings.clone()
        }
    }

    async fn set_settings(&mut self, settings: Settings) -> Result<(), ManagerError> {
        check(&settings)?;
        let changes = crate::list::Changes {
            settings: Some(settings.clone()),
            ..crate::list::Changes::default()
        };
        self.list.write(&changes, true).await?;
        self.schedule.set_limit(settings.concurrent);
        self.parts.engine.set_limit(settings.limit);
        self.settings = settings;
        Ok(())
    }

    /// Whatever waits to try again tries now.
    fn poke(&mut self) {
        let now = Instant::now();
        if let Some((poll, _)) = self.poll.take() {
            poll.abort();
        }
        self.pace.poke(now);
        self.ask_from = now;
        self.schedule.hurry();
    }
}

fn check(settings: &Settings) -> Result<(), ManagerError> {
    let invalid = |text: &str| Err(ManagerError::Invalid(text.to_owned()));
    if !(1..=32).contains(&settings.concurrent) {
        return invalid("between 1 and 32 downloads can run at a time");
    }
    if !(1..=64).contains(&settings.connections) {
        return invalid("a download can have between 1 and 64 connections");
    }
    if settings.limit.is_some_and(|limit| limit < 1024) {
        return invalid("a speed limit is at least 1 KiB/s; to stop downloads, pause them");
    }
    if !settings.folder.is_empty() && !std::path::Path::new(&settings.folder).is_absolute() {
        return invalid("the folder must be given from the root on");
    }
    Ok(())
}
