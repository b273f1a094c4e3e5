//! Pulls: begun when it is their turn, watched while they run, answered for when they end.

use std::path::PathBuf;

use longhaul_protocol::{DownloadId, ProblemCode};
use longhaul_transfer::{Finished, Limit, Phase, Progress, SegmentView, Sort, Verified, WhenTaken};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Done, Driver, Errand};
use crate::{
    download::{Event, Record, State},
    error::ManagerError,
    events::BATCH,
    mark::{mark, origin_of},
    meter::Meter,
    pull::{self, End, Order, What},
    servers::ServerId,
    settings::by_rules,
    view::{DownloadFault, DownloadSource, Fix, MomentKind, PulledView, SameName, SegmentMap},
};

/// A pull that runs.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) stop: CancellationToken,
    /// Of this pull alone.
    pub(super) limit: Limit,
    /// Bytes on the disk at the last look.
    seen: u64,
}

/// The segments as they are shown.
fn segments_of(segments: &[SegmentView]) -> Vec<(u64, u64, u64, bool)> {
    let views = segments.iter();
    views
        .map(|part| (part.start, part.start + part.done, part.end, part.active))
        .collect()
}

impl Driver {
    pub(super) fn pull_due(&mut self, now: Instant) {
        while let Some(id) = self.schedule.next(now) {
            if !self.step(id, Event::Turn) {
                self.schedule.free(id);
                continue;
            }
            self.begin(id, now);
        }
    }

    fn begin(&mut self, id: DownloadId, now: Instant) {
        let Some(row) = self.rows.get(id) else { return };
        let Some(what) = what_of(&row.record) else {
            self.schedule.free(id);
            self.fail_inside(id);
            return;
        };
        let limit = Limit::new(row.record.limit);
        let order = Order {
            id: id.0,
            what,
            folder: row.record.folder.clone(),
            sort: row.record.unsorted.clone().map(|otherwise| {
                let rules = self.settings.folders.clone();
                Sort::new(move |name| by_rules(&rules, name).unwrap_or_else(|| otherwise.clone()))
            }),
            when_taken: match self.settings.same_name {
                SameName::Ask if !row.record.keeps_both => WhenTaken::Refuse,
                SameName::Ask | SameName::Number => WhenTaken::Number,
            },
            wanted_sha256: row.record.wanted_sha256,
            connections: self.settings.connections,
            limit: limit.clone(),
        };
        // A direct pull asks nobody.
        let server = match order.what {
            What::Direct(_) => ServerId::FIRST,
            What::Job(_) => row.record.server,
        };
        let Some(api) = self.ways.get(server).map(|way| way.api.clone()) else {
            self.schedule.free(id);
            self.fail_orphan(id);
            return;
        };
        let (sender, progress) = watch::channel(Progress::default());
        let stop = CancellationToken::new();
        let task = pull::run(api, self.parts.engine.clone(), order, sender, stop.clone());
        if self.pulls.is_empty() {
            self.next_sample = now + BATCH;
            self.line = None;
        }
        self.pulls.insert(
            id,
            Pull {
                progress,
                stop,
                limit,
                seen: 0,
            },
        );
        self.spawn(Errand::Pull(id), async move {
            Done::Pulled {
                id,
                // Boxed: the engine's future is large, and a task set would copy it.
                end: Box::pin(task).await,
            }
        });
    }

    /// The map of a row: of its pull, or of what an earlier one left.
    pub(super) fn segments(
        &mut self,
        id: DownloadId,
        reply: oneshot::Sender<Result<SegmentMap, ManagerError>>,
    ) {
        let Some(row) = self.rows.get(id) else {
            let _ = reply.send(Err(ManagerError::Unknown(id)));
            return;
        };
        if let Some(pull) = self.pulls.get(&id) {
            let mut segments = segments_of(&pull.progress.borrow().segments);
            // It was told to stop, and is about to.
            let stops = pull.stop.is_cancelled();
            segments.iter_mut().for_each(|part| part.3 &= !stops);
            let _ = reply.send(Ok(SegmentMap { id, segments }));
            return;
        }
        if row.record.pulled.is_none() || matches!(row.record.state, State::Completed { .. }) {
            let segments = Vec::new();
            let _ = reply.send(Ok(SegmentMap { id, segments }));
            return;
        }
        let (engine, folder) = (self.parts.engine.clone(), row.record.folder.clone());
        self.spawn(Errand::Look, async move {
            let segments = match engine.kept(&folder, id.0).await {
                Ok(segments) => segments_of(&segments),
                Err(error) => {
                    tracing::debug!(download = %id, %error, "what is kept could not be looked at");
                    Vec::new()
                }
            };
            let _ = reply.send(Ok(SegmentMap { id, segments }));
            Done::Swept
        });
    }

    pub(super) fn stop_pull(&self, id: DownloadId) {
        if let Some(pull) = self.pulls.get(&id) {
            pull.stop.cancel();
        }
    }

    /// Looks at each pull four times a second.
    pub(super) fn sample_due(&mut self, now: Instant) {
        if self.pulls.is_empty() || now < self.next_sample {
            return;
        }
        self.next_sample = now + BATCH;
        let ids: Vec<_> = self.pulls.keys().copied().collect();
        for id in ids {
            self.sample(id, now);
        }
        let bytes = self.line_bytes;
        // The wait for the first byte is no speed of the line, as it is none of a row's.
        if self.line.is_some() || self.pulls.values().any(|pull| pull.seen > 0) {
            self.line
                .get_or_insert_with(|| Meter::new(now, bytes))
                .sample(now, bytes);
        }
    }

    fn sample(&mut self, id: DownloadId, now: Instant) {
        let Some(pull) = self.pulls.get_mut(&id) else {
            return;
        };
        let news = pull.progress.has_changed().unwrap_or(false);
        let (phase, size, name, folder, view) = {
            let progress = pull.progress.borrow_and_update();
            (
                progress.phase,
                progress.size,
                progress.name.clone(),
                progress.folder.clone(),
                pulled_of(&progress),
            )
        };
        // The engine reports what was there before as well; only what comes now is speed.
        let before = std::mem::replace(&mut pull.seen, view.done);
        if before > 0 {
            self.line_bytes += view.done.saturating_sub(before);
        }
        if let Some(folder) = folder {
            self.sorted(id, folder);
        }
        let Some(row) = self.rows.get_mut(id) else {
            return;
        };
        if !matches!(row.record.state, State::Downloading | State::Verifying) {
            return;
        }
        let was = row.meter.as_ref().and_then(|meter| meter.speed(now));
        if view.done > 0 || row.meter.is_some() {
            row.meter
                .get_or_insert_with(|| Meter::new(now, view.done))
                .sample(now, view.done);
        }
        let stalled = was.is_some()
            && row
                .meter
                .as_ref()
                .is_some_and(|meter| meter.speed(now).is_none());
        if !news && !stalled {
            return;
        }
        let first = view.done > 0
            && row
                .record
                .moments
                .iter()
                .all(|moment| moment.kind != MomentKind::Pulling);
        row.record.size = size.or(row.record.size);
        if name.is_some() {
            row.record.name = name;
        }
        if phase != Phase::Starting {
            row.record.pulled = Some(view);
        }
        let verifying = row.record.state == State::Verifying;
        self.touch(id);
        if first {
            self.step(id, Event::FirstByte);
        }
        match phase {
            Phase::Finishing if !verifying => {
                self.step(id, Event::AllBytes);
            }
            Phase::Pulling | Phase::BackingOff if verifying => {
                self.step(id, Event::MoreBytes);
            }
            _ => {}
        }
    }

    /// The settings have another folder for what the source calls it: that is where its part file is.
    fn sorted(&mut self, id: DownloadId, folder: PathBuf) {
        if let Some(asked) = self.discards.get_mut(&id).filter(|asked| **asked != folder) {
            asked.clone_from(&folder);
            self.unsaved.discard.push((id, folder.clone()));
        }
        match self.rows.get_mut(id) {
            Some(row) if row.record.folder != folder => {
                row.record.folder = folder;
                self.touch(id);
                self.keep(id);
            }
            Some(_) => {}
            None => self.bin.sorted(id, folder),
        }
    }

    /// A pull has ended, one way or another.
    pub(super) fn pulled(&mut self, id: DownloadId, end: End) {
        let now = Instant::now();
        self.sample(id, now);
        self.pulls.remove(&id);
        tracing::debug!(download = %id, ?end, "a pull ended");
        match self.rows.state(id) {
            // Taken off the list a moment ago: that may still be undone.
            None if self.bin.holds(id) => {
                self.schedule.free(id);
                if let End::Finished(finished) = end {
                    if let Some(record) = finished.record() {
                        self.settling.push((id, record.to_owned()));
                    }
                    let now = self.now();
                    self.bin.finished(id, event_of(*finished), now);
                }
                return;
            }
            // Given up or taken off the list while it ran.
            None | Some(State::Cancelled) => {
                self.schedule.free(id);
                if let End::Finished(finished) = end {
                    self.delete_unwanted(&finished);
                }
                self.discard(id);
                return;
            }
            Some(_) => {}
        }
        match end {
            End::Finished(finished) => {
                self.schedule.free(id);
                self.finished(id, *finished);
            }
            End::Stopped => self.schedule.free(id),
            End::ServerAway => {
                self.schedule.free(id);
                self.step_if_pulling(id, Event::Recheck);
            }
            End::Forgotten => {
                self.schedule.free(id);
                if self.is_pulling(id) {
                    self.renew(id, true, forgotten_fault);
                }
            }
            End::JobChanged => {
                // Looked at again by the poller, which also finds a swept artifact.
                self.schedule.free(id);
                self.step_if_pulling(id, Event::Recheck);
            }
            End::JobFailed(fault) => {
                self.schedule.free(id);
                if self.is_pulling(id) {
                    self.job_failed(id, Some(fault));
                }
            }
            End::WrongDigest { wanted, offered } => {
                self.schedule.free(id);
                self.wrong_digest(id, wanted, offered);
            }
            End::Failed(error) => self.stumbled(id, &error, now),
        }
        // A pause and a resume while it was stopping: it stands in line only now.
        self.line_up(id);
    }

    fn is_pulling(&self, id: DownloadId) -> bool {
        matches!(
            self.rows.state(id),
            Some(State::Downloading | State::Verifying)
        )
    }

    fn step_if_pulling(&mut self, id: DownloadId, event: Event) {
        if self.is_pulling(id) {
            self.step(id, event);
        }
    }

    fn finished(&mut self, id: DownloadId, finished: Finished) {
        if let Some(row) = self.rows.get_mut(id) {
            row.record.pulled = Some(PulledView {
                done: finished.size,
                total: Some(finished.size),
                verified: finished.size,
                fetched: finished.bytes_fetched,
                connections: 0,
                links_renewed: finished.links_renewed,
                blocks_refetched: finished.blocks_refetched,
                trouble: None,
            });
            row.record.name = finished
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .or(row.record.name.take());
        }
        if let (Some(record), Some(folder)) = (finished.record(), finished.path.parent()) {
            // In one write with the end of the row: whichever is lost, the other is too.
            self.unsaved.discard.push((id, folder.to_owned()));
            self.settling.push((id, record.to_owned()));
        }
        let (path, origin) = (finished.path.clone(), self.origin(id));
        self.spawn(Errand::Discard, async move {
            let marked = tokio::task::spawn_blocking(move || mark(&path, origin.as_deref())).await;
            if let Ok(Err(error)) = marked {
                tracing::debug!(download = %id, %error, "the file bears no mark of its origin");
            }
            Done::Swept
        });
        self.step(id, event_of(finished));
    }

    fn origin(&self, id: DownloadId) -> Option<String> {
        self.rows
            .get(id)
            .and_then(|row| origin_of(&row.record.source))
    }

    /// The transfer failed: what may pass is tried again after a wait, the rest is told.
    fn stumbled(&mut self, id: DownloadId, error: &longhaul_transfer::Error, now: Instant) {
        let Some(row) = self.rows.get(id) else {
            self.schedule.free(id);
            return;
        };
        let order = row.record.order;
        if !self.is_pulling(id) {
            self.schedule.free(id);
            return;
        }
        if error.retryable() {
            let kept = error.kept().max(self.kept(id));
            if self
                .schedule
                .stumbled(id, order, kept, now, &mut self.random)
            {
                tracing::info!(download = %id, %error, "the pull stumbled and will try again");
                if let Some(pulled) = self
                    .rows
                    .get_mut(id)
                    .and_then(|row| row.record.pulled.as_mut())
                {
                    pulled.trouble = Some(error.to_string());
                    pulled.connections = 0;
                }
                self.step(id, Event::Yielded);
                return;
            }
        }
        self.schedule.free(id);
        let code = error.code().to_owned();
        let direct = row.record.source.is_direct();
        if !direct && matches!(code.as_str(), "not_found" | "changed") {
            // The object is not what the job said: the server looks again, and makes it anew if
            // it must.
            let fault = DownloadFault {
                code,
                message: error.to_string(),
                kept: 0,
                fix: Fix::Retry,
            };
            self.renew(id, false, || fault);
            return;
        }
        let fix = match error {
            longhaul_transfer::Error::DiskFull { .. } => Fix::FreeSpace,
            longhaul_transfer::Error::NameTaken { name, .. } => {
                // As the engine spells it: that is the file which may be put away.
                let name = name.clone();
                if let Some(row) = self.rows.get_mut(id) {
                    row.record.name = Some(name);
                }
                Fix::ChooseName
            }
            _ => Fix::Retry,
        };
        self.step(
            id,
            Event::Failed {
                fault: DownloadFault {
                    code,
                    message: error.to_string(),
                    kept: error.kept(),
                    fix,
                },
                job_failed: false,
            },
        );
    }

    /// The part file of a row is not wanted any more: it goes as soon as nothing writes to it.
    pub(super) fn throw_away(&mut self, id: DownloadId) {
        let Some(row) = self.rows.get(id) else { return };
        let folder = row.record.folder.clone();
        self.unsaved.discard.push((id, folder.clone()));
        self.discards.insert(id, folder);
        if self.pulls.contains_key(&id) {
            self.stop_pull(id);
        } else {
            self.discard(id);
        }
    }

    pub(super) fn discard(&mut self, id: DownloadId) {
        let Some(folder) = self.discards.get(&id).cloned() else {
            return;
        };
        let engine = self.parts.engine.clone();
        self.spawn(Errand::Discard, async move {
            if let Err(error) = engine.discard(&folder, id.0).await {
                tracing::warn!(download = %id, %error, "a part file could not be thrown away");
            }
            Done::Discarded { id }
        });
    }

    /// The list knows of what has finished: the engine need not remember it any longer.
    pub(super) fn settle(&mut self) {
        for (id, record) in std::mem::take(&mut self.settling) {
            let engine = self.parts.engine.clone();
            self.spawn(Errand::Discard, async move {
                match engine.settle(&record, id.0).await {
                    Ok(()) => Done::Settled { id },
                    Err(error) => {
                        tracing::warn!(download = %id, %error, "a record could not be removed");
                        Done::Swept
                    }
                }
            });
        }
    }

    pub(super) fn discarded(&mut self, id: DownloadId) {
        if self.discards.remove(&id).is_some() {
            self.unsaved.discarded.push(id);
        }
    }

    /// It was complete a moment before it was given up.
    fn delete_unwanted(&mut self, finished: &Finished) {
        self.delete_late(finished.path.clone());
    }

    pub(super) fn delete_late(&mut self, path: PathBuf) {
        self.spawn(Errand::Discard, async move {
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::warn!(%error, "a file that was given up could not be deleted");
            }
            Done::Swept
        });
    }

    /// Bytes per second over all pulls.
    pub(super) fn line_speed(&self, now: Instant) -> Option<u64> {
        self.line.as_ref().and_then(|line| line.speed(now))
    }

    /// What one more pull can be expected to make: its share of what the line makes now.
    pub(super) fn per_pull(&self, now: Instant) -> Option<u64> {
        let pulls = self.pulls.len() as u64;
        (pulls > 0)
            .then(|| self.line_speed(now))
            .flatten()?
            .checked_div(pulls)
    }
}

/// Where a row's bytes come from; none where it has no job yet, or its URL is none.
fn what_of(record: &Record) -> Option<What> {
    match &record.source {
        DownloadSource::Direct { url } => url.parse().ok().map(What::Direct),
        DownloadSource::File { .. } | DownloadSource::Url { .. } => record.job.map(What::Job),
    }
}

fn event_of(finished: Finished) -> Event {
    Event::Finished {
        path: finished.path,
        size: finished.size,
        sha256: finished.sha256,
        crc64nvme: finished.crc64nvme,
        proven: finished.verified != Verified::Length,
    }
}

fn pulled_of(progress: &Progress) -> PulledView {
    PulledView {
        done: progress.done,
        total: progress.size,
        verified: progress.verified,
        fetched: progress.fetched,
        connections: progress.connections,
        links_renewed: progress.links_renewed,
        blocks_refetched: progress.blocks_refetched,
        trouble: progress.trouble.clone(),
    }
}

fn forgotten_fault() -> DownloadFault {
    DownloadFault {
        code: ProblemCode::UnknownJob.as_str().to_owned(),
        message: "The server forgets this download again and again. What is on the disk is kept; try again later.".to_owned(),
        kept: 0,
        fix: Fix::Retry,
    }
}
