//! `longhaul get` and `longhaul watch`: downloads carried out in the foreground.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use longhaul_client::{
    DownloadState, DownloadView, Manager, ManagerError, NewDownload, Options, ServerLink, Settings,
    Subscription,
};
use longhaul_protocol::DownloadId;

use crate::{
    args::{Get, Pulls},
    outcome::{Outcome, Stop},
    place::{self, Place},
    show::Show,
    slot::Slot,
};

/// `get`: exit 0 only when every file is complete and verified.
pub(crate) async fn get(place: &Place, wanted: Get) -> Result<Outcome, Stop> {
    if wanted.sha256.is_some() && wanted.items.len() != 1 {
        return Err(Stop::usage(
            "--sha256 is for a single file; give each file a run of its own",
        ));
    }
    let folder = place::folder(&wanted.output)?;
    let sources: Vec<_> = wanted.items.iter().map(|item| item.0.clone()).collect();
    let slot = Slot::take(place, &folder, &sources).await?;
    let manager = slot.manager.clone();
    let settings = Settings {
        folder: folder.to_string_lossy().into_owned(),
        ..Settings::default()
    };
    manager.set_settings(with(&wanted.pulls, settings)).await?;

    let events = manager.subscribe().await?;
    let ids = take_up(&manager, &wanted, &folder).await?;
    let watched = Watched::new(place.json, ids);
    let ended = watch_until(&manager, events, watched, false).await;
    let (rows, why) = match ended {
        Ok(Ended::Interrupted) => {
            slot.close(false).await?;
            if !place.json {
                eprintln!(
                    "Stopped. What is there is kept; run the same command again to go on from it."
                );
            }
            return Ok(Outcome::Interrupted);
        }
        Ok(Ended::Away(rows, why)) => (rows, Some(why)),
        Ok(Ended::All(rows)) => (rows, None),
        Err(stop) => {
            slot.close(false).await?;
            return Err(stop);
        }
    };
    // What is complete is forgotten, and so is what has left nothing to go on from.
    for row in &rows {
        let kept = row.fault.as_ref().is_some_and(|fault| fault.kept > 0)
            || row.pulled.as_ref().is_some_and(|pulled| pulled.done > 0);
        if row.state == DownloadState::Completed || !kept {
            manager.remove(row.id, false).await?;
        }
    }
    let left = manager.snapshot().await?.downloads.len();
    slot.close(left == 0).await?;
    if let Some(why) = why {
        return Err(Stop::failed(format!(
            "the server at {} {why} Nothing was begun.",
            place.server.base_url
        )));
    }
    Ok(outcome_of(&rows))
}

/// `watch`: the list, until nothing on it is left to do. Pauses are left alone.
pub(crate) async fn watch(place: &Place, pulls: &Pulls) -> Result<Outcome, Stop> {
    let folder = place::folder(std::path::Path::new("."))?;
    let manager = Manager::open(Options::new(place.list(), place.server.clone(), folder)).await?;
    let settings = manager.settings().await?;
    // For this run and those after it, as with the app's settings.
    manager.set_settings(with(pulls, settings)).await?;
    let events = manager.subscribe().await?;
    let ids = manager.went_on().to_vec();
    let ended = watch_until(&manager, events, Watched::new(place.json, ids), true).await;
    manager.shutdown().await;
    match ended? {
        Ended::Interrupted => {
            if !place.json {
                eprintln!("Stopped. What is there is kept; `longhaul watch` goes on from it.");
            }
            Ok(Outcome::Interrupted)
        }
        Ended::Away(rows, _) | Ended::All(rows) => Ok(outcome_of(&rows)),
    }
}

fn with(pulls: &Pulls, mut settings: Settings) -> Settings {
    if let Some(connections) = pulls.pace.connections {
        settings.connections = connections;
    }
    if let Some(concurrent) = pulls.concurrent {
        settings.concurrent = concurrent;
    }
    if pulls.pace.limit_rate.is_some() {
        settings.limit = pulls.pace.limit_rate;
    }
    settings
}

/// The rows for what is wanted: those that an earlier run left unfinished go on, the rest is new.
async fn take_up(
    manager: &Manager,
    wanted: &Get,
    folder: &std::path::Path,
) -> Result<Vec<DownloadId>, Stop> {
    let snapshot = manager.snapshot().await?;
    let mut taken = HashSet::new();
    let mut ids = Vec::new();
    let mut new = Vec::new();
    for item in &wanted.items {
        let before = snapshot.downloads.iter().find(|row| {
            row.source == item.0
                && row.state != DownloadState::Completed
                && !taken.contains(&row.id)
        });
        if let Some(row) = before {
            taken.insert(row.id);
            manager.expect(row.id, wanted.sha256).await?;
            if row.state == DownloadState::Paused {
                manager.resume(row.id).await?;
            } else {
                manager.retry(row.id).await?;
            }
            ids.push(row.id);
        } else {
            new.push(NewDownload {
                folder: Some(folder.to_owned()),
                sha256: wanted.sha256,
                ..NewDownload::of(item.0.clone())
            });
        }
    }
    // A row that completed while the last run was killed is of no more use here.
    for row in &snapshot.downloads {
        if row.state == DownloadState::Completed {
            manager.remove(row.id, false).await?;
        }
    }
    ids.extend(manager.add_all(new).await?);
    Ok(ids)
}

/// The rows that a run waits for.
struct Watched {
    show: Show,
    ids: Vec<DownloadId>,
    rows: HashMap<DownloadId, DownloadView>,
    waiting: HashSet<DownloadId>,
    server: Option<ServerLink>,
    met: bool,
}

/// How the waiting ended.
enum Ended {
    All(Vec<DownloadView>),
    /// The server does not answer, or does not let us in.
    Away(Vec<DownloadView>, String),
    Interrupted,
}

impl Watched {
    fn new(json: bool, ids: Vec<DownloadId>) -> Self {
        Self {
            show: Show::new(json),
            waiting: ids.iter().copied().collect(),
            ids,
            rows: HashMap::new(),
            server: None,
            met: false,
        }
    }

    fn see(&mut self, row: DownloadView) {
        if !self.waiting.contains(&row.id) {
            return;
        }
        match self.rows.get(&row.id) {
            None => self.show.added(&row),
            Some(before) if before.revision >= row.revision => return,
            Some(_) => self.show.changed(&row),
        }
        if !goes_on(row.state) {
            self.waiting.remove(&row.id);
            self.show.ended(&row);
        }
        self.rows.insert(row.id, row);
    }

    fn see_server(&mut self, server: ServerLink) {
        self.met |= server == ServerLink::Online;
        let news = match &self.server {
            None => server != ServerLink::Connecting,
            Some(before) => *before != server,
        };
        if news {
            self.show.server(&server);
            self.server = Some(server);
        }
    }

    fn rows(&self) -> Vec<DownloadView> {
        self.ids
            .iter()
            .filter_map(|id| self.rows.get(id).cloned())
            .collect()
    }
}

const fn goes_on(state: DownloadState) -> bool {
    matches!(
        state,
        DownloadState::Queued
            | DownloadState::Preparing
            | DownloadState::Downloading
            | DownloadState::Verifying
    )
}

async fn watch_until(
    manager: &Manager,
    mut events: Subscription,
    mut watched: Watched,
    patient: bool,
) -> Result<Ended, Stop> {
    let began = Instant::now();
    let snapshot = manager.snapshot().await?;
    for notice in &snapshot.notices {
        watched.show.notice(notice);
    }
    for row in snapshot.downloads.into_iter().rev() {
        watched.see(row);
    }
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    while !watched.waiting.is_empty() {
        let event = tokio::select! {
            event = events.next() => event.ok_or(ManagerError::Closed)?,
            () = &mut interrupted => {
                watched.show.close();
                return Ok(Ended::Interrupted);
            }
        };
        for notice in &event.notices {
            watched.show.notice(notice);
        }
        for row in event.changed {
            watched.see(row);
        }
        watched.see_server(event.server);
        // A server that has never answered is more likely a wrong address than an outage.
        if let (Some(ServerLink::Offline { code, reason, .. }), false, false) =
            (&watched.server, watched.met, patient)
        {
            let why = match code.as_str() {
                "unauthorized" => format!(
                    "does not let us in: {reason}. Is the token right? `longhaul get --help` names the ways to give it."
                ),
                _ => format!(
                    "cannot be reached: {reason}. Is it running, and is --server (or LONGHAUL_SERVER) right?"
                ),
            };
            watched.show.close();
            return Ok(Ended::Away(watched.rows(), why));
        }
    }
    let rows = watched.rows();
    watched.show.summary(&rows, began.elapsed().as_secs_f64());
    Ok(Ended::All(rows))
}

fn outcome_of(rows: &[DownloadView]) -> Outcome {
    if rows.iter().all(|row| row.state == DownloadState::Completed) {
        Outcome::Done
    } else {
        Outcome::Failed
    }
}

/// Ctrl-C, or the system's word that the program shall end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                outcome = tokio::signal::ctrl_c() => {
                    if outcome.is_ok() {
                        return;
                    }
                }
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
