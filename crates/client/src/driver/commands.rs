//! What the user wants, done to the rows.

use std::{collections::HashSet, path::PathBuf};

use longhaul_protocol::{DownloadId, Sha256};
use tokio::time::Instant;

use super::{
    Command, Done, Driver, Errand,
    bin::{blocking, delete},
    rows::name_in,
    view_of,
};
use crate::{
    addition::NewDownload,
    download::{Event, Record, State, apply, can},
    error::ManagerError,
    many::Refused,
    servers::ServerId,
    settings::{at_least, by_rules},
    view::{Action, DownloadSource, QueuePlace, Settings, Snapshot},
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
            Command::Replace(id, reply) => self.replace(id, reply),
            Command::Act(ids, action, reply) => {
                let outcome = each(&ids, |id| self.act(id, action));
                self.save().await;
                let _ = reply.send(outcome);
            }
            Command::Expect(id, sha256, reply) => {
                let outcome = self.expect(id, sha256);
                self.save().await;
                let _ = reply.send(outcome);
            }
            Command::Remove(ids, with_file, reply) => self.remove(&ids, with_file, reply).await,
            Command::Restore(ids, reply) => {
                let count = self.restore(&ids);
                self.save().await;
                let _ = reply.send(count);
            }
            Command::Move(ids, place, reply) => {
                let outcome = self.put(&ids, place);
                self.save().await;
                let _ = reply.send(outcome);
            }
            Command::Limit(ids, limit, reply) => {
                let outcome = at_least(limit).and_then(|()| each(&ids, |id| self.limit(id, limit)));
                self.save().await;
                let _ = reply.send(outcome);
            }
            Command::Segments(id, reply) => self.segments(id, reply),
            Command::Settings(reply) => {
                let _ = reply.send(self.settings());
            }
            Command::SetSettings(settings, reply) => {
                let _ = reply.send(self.set_settings(*settings).await);
            }
            Command::NewServer(reply) => {
                if let Some(way) = self.ways.get_mut(ServerId::FIRST) {
                    way.pace = crate::poll::Pace::new(Instant::now(), self.parts.poll_interval);
                }
                self.poke();
                let _ = reply.send(());
            }
            Command::Server(id, reply) => {
                let _ = reply.send(self.server_of(id));
            }
            Command::PutServer(put, reply) => {
                let (record, api, kept) = *put;
                let _ = reply.send(self.put_server(record, api, kept).await);
            }
            Command::RemoveServer(id, reply) => {
                let _ = reply.send(self.remove_server(id).await);
            }
            Command::Seen(server) => {
                if let Some(way) = self.ways.get_mut(server) {
                    way.pace.seen(Instant::now());
                }
            }
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
            server: self.ways.first_link(),
            servers: self.ways.views(),
            notices: self.notices.clone(),
        }
    }

    async fn add(&mut self, items: Vec<NewDownload>) -> Result<Vec<DownloadId>, ManagerError> {
        let now = self.now();
        let first = self.rows.next_order();
        let mut changes = crate::list::Changes::default();
        for (order, item) in (first..).zip(items) {
            let folder = item.folder.clone();
            let folder = folder.unwrap_or_else(|| self.folder_for(&item));
            if folder.to_str().is_none() {
                return Err(ManagerError::Invalid(format!(
                    "the name of the folder {} is not valid Unicode; choose another",
                    folder.display()
                )));
            }
            let mut record = Record::new(DownloadId::random(), order, item.source, folder, now);
            if self.ways.get(item.server).is_none() {
                return Err(ManagerError::Invalid("there is no such server".to_owned()));
            }
            record.server = item.server;
            record.unsorted = item.folder.is_none().then(|| self.folder());
            record.name = item.name;
            record.wanted_sha256 = item.sha256;
            record.limit = item.limit;
            if item.paused {
                let _ = apply(&mut record, Event::Pause, now);
            }
            changes.rows.push(record);
        }
        // On the disk first: a row that was shown is never lost.
        self.list.write(&changes, true).await?;
        let mut ids = Vec::with_capacity(changes.rows.len());
        for record in changes.rows {
            let id = record.id;
            ids.push(id);
            self.hub.changed(id);
            self.rows.insert(record);
            self.line_up(id);
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

    /// Where something goes by its name, as far as that is known when it is added: what the source
    /// calls it decides, when its pull begins.
    fn folder_for(&self, item: &NewDownload) -> PathBuf {
        let name = item.name.clone().or_else(|| match &item.source {
            DownloadSource::File { .. } => None,
            DownloadSource::Url { url } | DownloadSource::Direct { url } => name_in(url),
        });
        let sorted = name.and_then(|name| by_rules(&self.settings.folders, &name));
        sorted.unwrap_or_else(|| self.folder())
    }

    fn act(&mut self, id: DownloadId, action: Action) -> Result<(), ManagerError> {
        let row = self.rows.get(id).ok_or(ManagerError::Unknown(id))?;
        let state = row.record.state.shown();
        let (job, server) = (row.record.job, row.record.server);
        let again = matches!(action, Action::Resume | Action::Retry | Action::KeepBoth);
        if again && !self.knows_server_of(id) {
            return Err(ManagerError::Invalid(
                "the server of this download was removed from the settings; add the file again from another one".to_owned(),
            ));
        }
        let event = match action {
            Action::Pause => Event::Pause,
            Action::Resume => Event::Resume,
            Action::Cancel => Event::Cancel,
            Action::Retry => Event::Retry,
            Action::KeepBoth if can(&row.record.state).contains(&action) => Event::Retry,
            Action::KeepBoth
            | Action::Replace
            | Action::Remove
            | Action::Open
            | Action::ShowInFolder => {
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
                    self.tell_unwanted(server, id, job);
                }
                self.throw_away(id);
            }
            Action::Retry => self.keep_part(id),
            Action::KeepBoth => {
                if let Some(row) = self.rows.get_mut(id) {
                    row.record.keeps_both = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Puts the file away that has the row's name, and pulls the row.
    fn replace(
        &mut self,
        id: DownloadId,
        reply: tokio::sync::oneshot::Sender<Result<(), ManagerError>>,
    ) {
        let taken = self.rows.get(id).ok_or(ManagerError::Unknown(id));
        let path = taken.and_then(|row| {
            let record = &row.record;
            let action = Action::Replace;
            match &record.name {
                Some(name) if can(&record.state).contains(&action) => Ok(record.folder.join(name)),
                _ => Err(ManagerError::NotNow {
                    action,
                    state: record.state.shown(),
                }),
            }
        });
        match path {
            Ok(path) => {
                let put_away = self.parts.put_away;
                self.spawn(Errand::Delete, async move {
                    let outcome = blocking(move || delete(&path, put_away)).await;
                    Done::MadeRoom { id, outcome, reply }
                });
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// The name is free now, or not.
    pub(super) fn made_room(
        &mut self,
        id: DownloadId,
        outcome: std::io::Result<()>,
        reply: tokio::sync::oneshot::Sender<Result<(), ManagerError>>,
    ) {
        let outcome = match outcome {
            Ok(()) => self.act(id, Action::Retry),
            Err(error) => Err(ManagerError::Delete(error)),
        };
        let _ = reply.send(outcome);
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

    /// Puts rows of the queue, in the order in which they stand there, to another place.
    fn put(&mut self, ids: &[DownloadId], place: QueuePlace) -> Result<(), ManagerError> {
        let queue = self.rows.queue();
        let chosen: HashSet<_> = ids.iter().copied().collect();
        let (moved, mut order): (Vec<_>, Vec<_>) = queue
            .iter()
            .map(|(_, id)| *id)
            .partition(|id| chosen.contains(id));
        let at = match place {
            QueuePlace::First => 0,
            QueuePlace::Last => order.len(),
            QueuePlace::Before { id } => order
                .iter()
                .position(|other| *other == id)
                .ok_or(ManagerError::Unknown(id))?,
        };
        order.splice(at..at, moved);
        for ((was, before), id) in queue.into_iter().zip(order) {
            if before != id {
                self.give_place(id, was);
            }
        }
        Ok(())
    }

    fn give_place(&mut self, id: DownloadId, order: u64) {
        if let Some(row) = self.rows.get(id) {
            self.schedule.renumber(id, row.record.order, order);
        }
        self.rows.put(id, order);
        self.hub.changed(id);
        self.keep(id);
    }

    fn limit(&mut self, id: DownloadId, limit: Option<u64>) -> Result<(), ManagerError> {
        let row = self.rows.get_mut(id).ok_or(ManagerError::Unknown(id))?;
        row.record.limit = limit;
        if let Some(pull) = self.pulls.get(&id) {
            pull.limit.set(limit);
        }
        self.touch(id);
        self.keep(id);
        Ok(())
    }

    /// As set, with the folder that really holds.
    fn settings(&self) -> Settings {
        Settings {
            folder: self.folder().to_string_lossy().into_owned(),
            ..self.settings.clone()
        }
    }

    async fn set_settings(&mut self, settings: Settings) -> Result<(), ManagerError> {
        settings.check()?;
        let changes = crate::list::Changes {
            settings: Some(settings.clone()),
            ..crate::list::Changes::default()
        };
        self.list.write(&changes, true).await?;
        self.settings = settings;
        self.next_look = Instant::now();
        self.keep_time(self.next_look);
        Ok(())
    }

    /// Whatever waits to try again tries now.
    fn poke(&mut self) {
        let now = Instant::now();
        self.poke_ways(now);
        self.schedule.hurry();
    }
}

/// Does it to each row, whatever becomes of the others.
fn each(
    ids: &[DownloadId],
    mut act: impl FnMut(DownloadId) -> Result<(), ManagerError>,
) -> Result<(), ManagerError> {
    let mut refused = Refused::default();
    for id in ids {
        refused.note(act(*id));
    }
    refused.outcome(ids.len() > 1)
}
