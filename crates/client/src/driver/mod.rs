//! The task behind the door: it alone holds the rows, starts what is due, and moves states on by
//! what comes back. Everything that takes time runs as a task of its own set and answers here.
//!
//! Its parts, one a step of the way: `commands` (what the user wants), `ways` (how each server is),
//! `asking` (initiate), `polling`, `pulling`, `saving`.

mod asking;
mod bin;
mod commands;
mod polling;
mod pulling;
mod rows;
mod saving;
mod time;
mod ways;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use longhaul_protocol::{Clock, DownloadId, JobId, Sha256, Token};
use longhaul_transfer::Engine;
use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinError, JoinSet},
    time::Instant,
};

use crate::{
    addition::NewDownload,
    api::{Api, ApiError, Server},
    download::{Event, State},
    error::ManagerError,
    events::{Hub, Subscription},
    list::{Changes, List, Opened},
    manager::{Drive, PutAway},
    many::Refused,
    meter::Meter,
    poll::Polled,
    pull::{End, SharedApi},
    schedule::Schedule,
    servers::{ServerId, ServerRecord, Vault, VaultError},
    timetable::Hours,
    view::{Action, Notice, QueuePlace, SegmentMap, Settings, Snapshot, Totals},
};
use bin::Bin;
use pulling::Pull;
use rows::{Rows, view_of};
use ways::{Way, Ways};

/// Notices that a snapshot repeats at most.
const MAX_NOTICES: usize = 20;

/// What was begun by the user's last word is waited for so long when the program ends.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a caller asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Snapshot(oneshot::Sender<Snapshot>),
    Subscribe(oneshot::Sender<Subscription>),
    Add(
        Vec<NewDownload>,
        oneshot::Sender<Result<Vec<DownloadId>, ManagerError>>,
    ),
    Act(
        Vec<DownloadId>,
        Action,
        oneshot::Sender<Result<(), ManagerError>>,
    ),
    Replace(DownloadId, oneshot::Sender<Result<(), ManagerError>>),
    Expect(
        DownloadId,
        Option<Sha256>,
        oneshot::Sender<Result<(), ManagerError>>,
    ),
    Remove(Vec<DownloadId>, bool, oneshot::Sender<Refused>),
    Restore(Vec<DownloadId>, oneshot::Sender<usize>),
    Move(
        Vec<DownloadId>,
        QueuePlace,
        oneshot::Sender<Result<(), ManagerError>>,
    ),
    Limit(
        Vec<DownloadId>,
        Option<u64>,
        oneshot::Sender<Result<(), ManagerError>>,
    ),
    Segments(
        DownloadId,
        oneshot::Sender<Result<SegmentMap, ManagerError>>,
    ),
    Settings(oneshot::Sender<Settings>),
    SetSettings(Box<Settings>, oneshot::Sender<Result<(), ManagerError>>),
    NewServer(oneshot::Sender<()>),
    Server(ServerId, oneshot::Sender<Option<Server>>),
    PutServer(
        Box<(ServerRecord, Api, Result<(), VaultError>)>,
        oneshot::Sender<Result<ServerId, ManagerError>>,
    ),
    RemoveServer(ServerId, oneshot::Sender<Result<(), ManagerError>>),
    Seen(ServerId),
    Poke,
    DismissNotices,
    Shutdown,
}

/// What a task of the set brings back.
#[derive(Debug)]
enum Done {
    /// An initiate call.
    Asked {
        server: ServerId,
        id: DownloadId,
        began: Instant,
        outcome: Result<JobId, ApiError>,
    },
    /// A poll.
    Polled {
        server: ServerId,
        began: Instant,
        outcome: Result<Polled, ApiError>,
    },
    /// The keyring gave a token, or did not.
    Unlocked {
        server: ServerId,
        outcome: Result<Option<Token>, VaultError>,
    },
    /// A pull.
    Pulled { id: DownloadId, end: End },
    /// The server's job of a cancelled or removed row was told so, as well as that went.
    Told { id: DownloadId },
    /// A part file was thrown away.
    Discarded { id: DownloadId },
    /// The record of a finished file was removed.
    Settled { id: DownloadId },
    /// A file that was finished just too late is gone.
    Swept,
    /// A file that had the name of a row was put away, or not.
    MadeRoom {
        id: DownloadId,
        outcome: std::io::Result<()>,
        reply: oneshot::Sender<Result<(), ManagerError>>,
    },
    /// Finished files were deleted, or not.
    Deleted {
        outcomes: Vec<(DownloadId, std::io::Result<()>)>,
        refused: Refused,
        reply: oneshot::Sender<Refused>,
    },
}

/// What a task is for, so that even one that dies is answered for.
#[derive(Debug, Clone, Copy)]
enum Errand {
    Ask(ServerId, DownloadId),
    Poll(ServerId),
    Unlock(ServerId),
    Pull(DownloadId),
    Tell(DownloadId),
    Discard,
    Delete,
    Look,
}

/// What the driver is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) api: SharedApi,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) folder: PathBuf,
    pub(crate) hold: bool,
    pub(crate) drive: Drive,
    pub(crate) poll_interval: Duration,
    pub(crate) put_away: PutAway,
    pub(crate) undo: Duration,
}

/// The driver's whole state. No field is shared with any other task.
#[derive(Debug)]
pub(crate) struct Driver {
    parts: Parts,
    list: List,
    settings: Settings,
    inbox: mpsc::Receiver<Command>,
    rows: Rows,
    hub: Hub,
    schedule: Schedule,
    pulls: HashMap<DownloadId, Pull>,
    /// The speed of all pulls together; also what a pull is expected to make.
    line: Option<Meter>,
    line_bytes: u64,
    next_sample: Instant,
    ways: Ways,
    /// Rows whose job is being told that it is not wanted; asking again waits for that.
    telling: HashSet<DownloadId>,
    /// Part files to throw away once nothing writes to them; kept on the disk until done.
    discards: HashMap<DownloadId, PathBuf>,
    /// Records of finished files that go once the list is written.
    settling: Vec<(DownloadId, PathBuf)>,
    /// Rows that were removed a moment ago.
    bin: Bin,
    /// What the timetable says, and when it is asked again.
    hours: Option<Hours>,
    next_look: Instant,
    notices: Vec<Notice>,
    /// Rows that have changed since they were written.
    unsaved_rows: HashSet<DownloadId>,
    /// Other changes that are still to be written.
    unsaved: Changes,
    /// When to write again after a failure.
    retry_save: Option<Instant>,
    save_failed: bool,
    tasks: JoinSet<Done>,
    errands: HashMap<tokio::task::Id, Errand>,
    random: StdRng,
}

impl Driver {
    pub(crate) fn new(parts: Parts, opened: Opened, inbox: mpsc::Receiver<Command>) -> Self {
        let now = Instant::now();
        let settings = opened.settings.unwrap_or_default();
        let mut driver = Self {
            list: opened.list,
            schedule: Schedule::new(settings.concurrent),
            settings,
            inbox,
            rows: Rows::default(),
            hub: Hub::new(now),
            pulls: HashMap::new(),
            line: None,
            line_bytes: 0,
            next_sample: now,
            ways: Ways::new(Way::new(parts.api.clone(), now, parts.poll_interval)),
            telling: HashSet::new(),
            discards: opened.discards.into_iter().collect(),
            settling: Vec::new(),
            bin: Bin::default(),
            hours: None,
            next_look: now,
            notices: opened.notices,
            unsaved_rows: HashSet::new(),
            unsaved: Changes::default(),
            retry_save: None,
            save_failed: false,
            tasks: JoinSet::new(),
            errands: HashMap::new(),
            random: StdRng::from_rng(&mut rand::rng()),
            parts,
        };
        for record in opened.servers {
            driver.take_up_server(record, now);
        }
        for record in opened.records {
            driver.take_up(record);
        }
        driver.keep_time(now);
        for id in driver.discards.keys().copied().collect::<Vec<_>>() {
            driver.discard(id);
        }
        driver
    }

    /// A row of an earlier run goes on from where it can.
    fn take_up(&mut self, record: crate::download::Record) {
        let id = record.id;
        self.rows.insert(record);
        let running = self.rows.state(id).is_some_and(State::is_running);
        if running {
            self.step(id, Event::Recheck);
            if self.parts.hold {
                self.step(id, Event::Pause);
            }
        }
    }

    /// Runs until told to shut down, or until nobody is left to tell it anything.
    pub(crate) async fn run(mut self) {
        loop {
            self.start_due();
            self.save().await;
            let wake = self.next_wake();
            tokio::select! {
                command = self.inbox.recv() => match command {
                    None | Some(Command::Shutdown) => break,
                    Some(command) => self.obey(command).await,
                },
                Some(done) = self.tasks.join_next_with_id() => self.take(done),
                () = sleep_until(wake) => {}
            }
        }
        self.close().await;
    }

    /// Everything whose time has come.
    fn start_due(&mut self) {
        let now = Instant::now();
        if self.parts.drive != Drive::Nothing {
            self.unlock_due(now);
            self.fail_orphans();
            self.ask_due(now);
        }
        if self.parts.drive == Drive::All {
            self.poll_due(now);
            self.pull_due(now);
        }
        self.sample_due(now);
        self.empty_bin(Some(now));
        self.keep_time(now);
        self.refresh_links(now);
        self.tell(now);
    }

    /// The next moment at which something is due by the clock alone.
    fn next_wake(&self) -> Option<Instant> {
        let drive = self.parts.drive;
        [
            self.next_ask().filter(|_| drive != Drive::Nothing),
            self.next_poll().filter(|_| drive == Drive::All),
            self.ways.vault_due().filter(|_| drive != Drive::Nothing),
            self.schedule.due(),
            (!self.pulls.is_empty()).then_some(self.next_sample),
            self.hub.due(),
            self.bin.due(),
            self.settings.timetable.as_ref().map(|_| self.next_look),
            self.retry_save,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn take(&mut self, done: Result<(tokio::task::Id, Done), JoinError>) {
        let (task, done) = match done {
            Ok((task, done)) => (task, Ok(done)),
            Err(error) => (error.id(), Err(error)),
        };
        let errand = self.errands.remove(&task);
        match done {
            Ok(Done::Asked {
                server,
                id,
                began,
                outcome,
            }) => self.asked(server, id, began, outcome),
            Ok(Done::Polled {
                server,
                began,
                outcome,
            }) => self.polled(server, began, outcome),
            Ok(Done::Unlocked { server, outcome }) => self.unlocked(server, outcome),
            Ok(Done::Pulled { id, end }) => self.pulled(id, end),
            Ok(Done::Told { id }) => {
                self.telling.remove(&id);
            }
            Ok(Done::Discarded { id }) => self.discarded(id),
            Ok(Done::Settled { id }) => self.unsaved.discarded.push(id),
            Ok(Done::Swept) => {}
            Ok(Done::Deleted {
                outcomes,
                refused,
                reply,
            }) => self.deleted(outcomes, refused, reply),
            Ok(Done::MadeRoom { id, outcome, reply }) => self.made_room(id, outcome, reply),
            Err(error) => self.lost(errand, &error),
        }
    }

    /// A task ended without an answer: it was aborted, or it panicked. Neither may stop the list.
    fn lost(&mut self, errand: Option<Errand>, error: &JoinError) {
        if !error.is_cancelled() {
            tracing::error!(?errand, "a task of the download manager died");
        }
        match errand {
            Some(Errand::Ask(server, id)) => {
                if let Some(way) = self.ways.get_mut(server) {
                    way.asking.remove(&id);
                }
                if !error.is_cancelled() {
                    self.fail_inside(id);
                }
            }
            Some(Errand::Poll(server)) => {
                // Another one may have begun since this one was stopped.
                if let Some(way) = self.ways.get_mut(server)
                    && way.runs(error.id())
                {
                    way.poll = None;
                }
            }
            Some(Errand::Unlock(server)) => self.locked(server, "the keyring could not be asked"),
            Some(Errand::Pull(id)) => {
                self.pulls.remove(&id);
                self.schedule.free(id);
                self.fail_inside(id);
            }
            Some(Errand::Tell(id)) => {
                self.telling.remove(&id);
            }
            Some(Errand::Discard | Errand::Delete | Errand::Look) | None => {}
        }
    }

    fn spawn(
        &mut self,
        errand: Errand,
        task: impl Future<Output = Done> + Send + 'static,
    ) -> AbortHandle {
        let handle = self.tasks.spawn(task);
        self.errands.insert(handle.id(), errand);
        handle
    }

    /// Moves a row on, notes that it changed and must be saved; answers whether it could.
    fn step(&mut self, id: DownloadId, event: Event) -> bool {
        let now = self.now();
        let before = self.rows.state(id).map(State::shown);
        match self.rows.step(id, event, now) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                // A reply that came after the user had changed their mind.
                tracing::debug!(download = %id, %error, "too late");
                return false;
            }
            None => return false,
        }
        self.hub.changed(id);
        self.keep(id);
        if let Some(row) = self.rows.get(id)
            && before != Some(row.record.state.shown())
        {
            tracing::info!(download = %id, job = row.record.job.map(tracing::field::display), state = ?row.record.state.shown(), "download moved on");
        }
        self.line_up(id);
        true
    }

    /// Who is ready stands in line to be pulled; who is not, does not.
    fn line_up(&mut self, id: DownloadId) {
        let Some(row) = self.rows.get(id) else { return };
        let order = row.record.order;
        match row.record.state {
            State::Ready => self.schedule.wait(id, order),
            State::Downloading | State::Verifying => {}
            _ => self.schedule.leave(id, order),
        }
    }

    /// Changes what is shown of a row without moving it on.
    fn touch(&mut self, id: DownloadId) {
        if let Some(row) = self.rows.get_mut(id) {
            row.record.revision += 1;
            self.hub.changed(id);
        }
    }

    fn notify(&mut self, code: &str, message: String) {
        let notice = Notice {
            code: code.to_owned(),
            message,
        };
        self.hub.notice(&notice);
        if self.notices.len() >= MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(notice);
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn totals(&self, now: Instant) -> Totals {
        let mut totals = self.rows.totals();
        if !self.pulls.is_empty() {
            totals.speed = self.line_speed(now).unwrap_or(0);
        }
        let table = self.settings.timetable.as_ref();
        if let (Some(table), Some(hours)) = (table, self.hours) {
            totals.rests = hours.now && table.limit.is_none();
            totals.slowed = table.limit.filter(|_| hours.now);
            totals.until = hours.until;
        }
        totals
    }

    /// Sends the batch that is due.
    fn tell(&mut self, now: Instant) {
        if self.hub.due().is_none_or(|due| due > now) {
            return;
        }
        let totals = self.totals(now);
        let per_pull = self.per_pull(now);
        let (hub, rows) = (&mut self.hub, &self.rows);
        let (first, others) = (self.ways.first_link(), self.ways.views());
        hub.flush(now, &totals, &first, &others, |id| {
            Some(view_of(rows.get(id)?, now, per_pull))
        });
    }

    /// Stops what runs, waits for the pulls to write down what they have, saves, closes.
    async fn close(mut self) {
        self.empty_bin(None);
        for pull in self.pulls.values() {
            pull.stop.cancel();
        }
        for way in self.ways.all_mut() {
            way.stop_poll();
        }
        self.save().await;
        // Calls and part files first begun by the user's last word are carried through as well.
        let patience = Instant::now() + LAST_WORDS;
        while self.errands.values().any(|errand| {
            matches!(errand, Errand::Pull(_))
                || !matches!(
                    errand,
                    Errand::Ask(..) | Errand::Poll(_) | Errand::Unlock(_)
                ) && Instant::now() < patience
        }) {
            tokio::select! {
                Some(done) = self.tasks.join_next_with_id() => {
                    self.take(done);
                    // What has finished is noted, and settled.
                    self.save().await;
                }
                () = tokio::time::sleep_until(patience), if Instant::now() < patience => {}
                else => break,
            }
        }
        self.tasks.shutdown().await;
        let now = Instant::now();
        self.tell(now);
        self.save().await;
        self.list.close().await;
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
