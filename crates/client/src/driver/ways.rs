//! The ways to the servers: each is asked and polled at its own pace, and one that is away holds up
//! none of the others.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use longhaul_protocol::{DownloadId, Token};
use tokio::{task::AbortHandle, time::Instant};

use super::{Done, Driver, Errand};
use crate::{
    api::{Api, Server},
    download::Event,
    error::ManagerError,
    list::Changes,
    poll::Pace,
    pull::SharedApi,
    servers::{MAX_SERVERS, ServerId, ServerRecord, ServerView, VaultError},
    view::{DownloadFault, Fix, ServerLink},
};

/// A keyring that was locked or away is asked again after so long.
const ASK_VAULT: Duration = Duration::from_secs(60);

/// The way to one server.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) api: SharedApi,
    pub(super) pace: Pace,
    /// The poll that runs, and whether the server holds its answer.
    pub(super) poll: Option<(AbortHandle, bool)>,
    pub(super) link: ServerLink,
    /// Initiate calls that run.
    pub(super) asking: HashSet<DownloadId>,
    /// No initiate before this: the server asked to wait.
    pub(super) ask_from: Instant,
    key: Key,
}

/// Whether the server can be spoken to at all: without its token it would only refuse.
#[derive(Debug, Clone)]
enum Key {
    Here,
    Asked,
    Missing { reason: String, again: Instant },
}

impl Way {
    pub(super) fn new(api: SharedApi, now: Instant, interval: Duration) -> Self {
        Self {
            api,
            pace: Pace::new(now, interval),
            poll: None,
            link: ServerLink::Connecting,
            asking: HashSet::new(),
            ask_from: now,
            key: Key::Here,
        }
    }

    /// Whether its token is here, or it needs none.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.key, Key::Here)
    }

    /// Whether that task is the poll that runs.
    pub(super) fn runs(&self, task: tokio::task::Id) -> bool {
        self.poll
            .as_ref()
            .is_some_and(|(poll, _)| poll.id() == task)
    }

    pub(super) fn stop_poll(&mut self) {
        if let Some((poll, _)) = self.poll.take() {
            poll.abort();
        }
    }

    /// What the user is told of it, and when it is tried again.
    fn state(&self) -> (Option<(&'static str, &str)>, Instant) {
        match &self.key {
            Key::Missing { reason, again } => (Some(("keyring", reason)), *again),
            Key::Here | Key::Asked => (self.pace.offline(), self.pace.due()),
        }
    }
}

/// All ways: the first server's, and those of the added ones.
#[derive(Debug)]
pub(super) struct Ways {
    ways: BTreeMap<ServerId, Way>,
    records: BTreeMap<ServerId, ServerRecord>,
}

impl Ways {
    pub(super) fn new(first: Way) -> Self {
        Self {
            ways: BTreeMap::from([(ServerId::FIRST, first)]),
            records: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, server: ServerId) -> Option<&Way> {
        self.ways.get(&server)
    }

    pub(super) fn get_mut(&mut self, server: ServerId) -> Option<&mut Way> {
        self.ways.get_mut(&server)
    }

    pub(super) fn ids(&self) -> Vec<ServerId> {
        self.ways.keys().copied().collect()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Way> {
        self.ways.values_mut()
    }

    pub(super) fn first_link(&self) -> ServerLink {
        let first = self.ways.get(&ServerId::FIRST);
        first.map_or(ServerLink::Connecting, |way| way.link.clone())
    }

    /// The added servers, by name.
    pub(super) fn views(&self) -> Vec<ServerView> {
        let mut views: Vec<_> = self
            .records
            .values()
            .filter_map(|record| {
                Some(ServerView {
                    id: record.id,
                    name: record.name.clone(),
                    address: record.address.to_string(),
                    has_token: record.has_token,
                    link: self.ways.get(&record.id)?.link.clone(),
                })
            })
            .collect();
        views.sort_by_cached_key(|view| (view.name.to_lowercase(), view.id));
        views
    }

    /// When a keyring is asked again for a token that it did not give.
    pub(super) fn vault_due(&self) -> Option<Instant> {
        let agains = self.ways.values().filter_map(|way| match way.key {
            Key::Missing { again, .. } => Some(again),
            Key::Here | Key::Asked => None,
        });
        agains.min()
    }
}

impl Driver {
    /// A server of an earlier run.
    pub(super) fn take_up_server(&mut self, record: ServerRecord, now: Instant) {
        let server = Server {
            base_url: record.address.clone(),
            token: None,
        };
        match Api::new(server) {
            Ok(api) => {
                let mut way = Way::new(SharedApi::new(api), now, self.parts.poll_interval);
                if record.has_token {
                    way.key = Key::Missing {
                        reason: "its token has not been read yet".to_owned(),
                        again: now,
                    };
                }
                self.ways.ways.insert(record.id, way);
                self.ways.records.insert(record.id, record);
            }
            Err(error) => tracing::warn!(%error, "a server of the list cannot be used"),
        }
    }

    /// Asks the keyring for the tokens that are still missing.
    pub(super) fn unlock_due(&mut self, now: Instant) {
        for id in self.ways.ids() {
            let Some(way) = self.ways.get_mut(id) else {
                continue;
            };
            if !matches!(way.key, Key::Missing { again, .. } if again <= now) {
                continue;
            }
            way.key = Key::Asked;
            let vault = self.parts.vault.clone();
            self.spawn(Errand::Unlock(id), async move {
                let asked = tokio::task::spawn_blocking(move || vault.get(id)).await;
                Done::Unlocked {
                    server: id,
                    outcome: asked.unwrap_or_else(|_| Err(VaultError("it died".to_owned()))),
                }
            });
        }
    }

    pub(super) fn unlocked(
        &mut self,
        server: ServerId,
        outcome: Result<Option<Token>, VaultError>,
    ) {
        let now = Instant::now();
        let Some(way) = self.ways.get_mut(server) else {
            return;
        };
        // Given anew by the user meanwhile.
        if !matches!(way.key, Key::Asked) {
            return;
        }
        let token = match outcome {
            Ok(Some(token)) => token,
            Ok(None) => {
                return self.locked(server, "the keyring has no token for it; give it anew");
            }
            Err(error) => {
                return self.locked(server, &format!("the keyring cannot be read ({error})"));
            }
        };
        let base_url = way.api.get().server().base_url.clone();
        let with = Server {
            base_url,
            token: Some(token),
        };
        match Api::new(with) {
            Ok(api) => {
                way.api.set(api);
                way.key = Key::Here;
                way.pace.poke(now);
            }
            Err(error) => self.locked(server, &error.to_string()),
        }
    }

    pub(super) fn locked(&mut self, server: ServerId, reason: &str) {
        tracing::warn!(%server, reason, "no token");
        if let Some(way) = self.ways.get_mut(server) {
            way.key = Key::Missing {
                reason: reason.to_owned(),
                again: Instant::now() + ASK_VAULT,
            };
        }
    }

    /// Adds a server, or turns one to another address, name or token; on the disk when this answers.
    pub(super) async fn put_server(
        &mut self,
        record: ServerRecord,
        api: Api,
        kept: Result<(), VaultError>,
    ) -> Result<ServerId, ManagerError> {
        let id = record.id;
        let is_new = !self.ways.records.contains_key(&id);
        if is_new && self.ways.records.len() >= MAX_SERVERS {
            return Err(ManagerError::Invalid(format!(
                "{MAX_SERVERS} servers are the most; remove one first"
            )));
        }
        let changes = Changes {
            servers: vec![record.clone()],
            ..Changes::default()
        };
        self.list.write(&changes, true).await?;
        if let Err(error) = kept {
            self.notify(
                "token_not_kept",
                format!(
                    "The token of “{}” holds until Longhaul is closed: the keyring could not take it ({error}).",
                    record.name
                ),
            );
        }
        let now = Instant::now();
        let api = match self.ways.ways.remove(&id) {
            Some(mut before) => {
                before.stop_poll();
                before.api.set(api);
                before.api
            }
            None => SharedApi::new(api),
        };
        let way = Way::new(api, now, self.parts.poll_interval);
        self.ways.ways.insert(id, way);
        self.ways.records.insert(id, record);
        self.hub.link_changed();
        Ok(id)
    }

    /// Forgets a server that nothing waits for.
    pub(super) async fn remove_server(&mut self, id: ServerId) -> Result<(), ManagerError> {
        let Some(record) = self.ways.records.get(&id) else {
            return Err(ManagerError::Invalid("there is no such server".to_owned()));
        };
        let open = self.rows.unfinished(id);
        if open > 0 {
            return Err(ManagerError::Invalid(format!(
                "“{}” still has to do with {open} unfinished downloads: let them finish, or cancel or remove them first",
                record.name
            )));
        }
        let changes = Changes {
            servers_removed: vec![id],
            ..Changes::default()
        };
        self.list.write(&changes, true).await?;
        self.ways.records.remove(&id);
        if let Some(mut way) = self.ways.ways.remove(&id) {
            way.stop_poll();
        }
        self.hub.link_changed();
        Ok(())
    }

    /// How an added server is reached now.
    pub(super) fn server_of(&self, id: ServerId) -> Option<Server> {
        let way = self.ways.get(id).filter(|way| way.is_open())?;
        Some(way.api.get().server().clone())
    }

    /// Whether a row's server is there.
    pub(super) fn knows_server_of(&self, id: DownloadId) -> bool {
        self.rows.get(id).is_some_and(|row| {
            row.record.source.is_direct() || self.ways.get(row.record.server).is_some()
        })
    }

    /// Rows whose server is not on the list any more: they were taken off with it, and brought back.
    pub(super) fn fail_orphans(&mut self) {
        let ways = &self.ways;
        for id in self.rows.orphans(|server| ways.get(server).is_some()) {
            self.fail_orphan(id);
        }
    }

    pub(super) fn fail_orphan(&mut self, id: DownloadId) {
        let fault = DownloadFault {
            code: "server_removed".to_owned(),
            message: "The server of this download was removed from the settings. What is on the disk is kept; add the file again from another server.".to_owned(),
            kept: self.kept(id),
            fix: Fix::None,
        };
        self.step(
            id,
            Event::Failed {
                fault,
                job_failed: false,
            },
        );
    }

    /// What the user is told of the ways to the servers, where that has changed.
    pub(super) fn refresh_links(&mut self, now: Instant) {
        let clock = self.now();
        let mut news = false;
        for way in self.ways.all_mut() {
            let link = match way.state() {
                (Some((code, reason)), due) => ServerLink::Offline {
                    code: code.to_owned(),
                    reason: reason.to_owned(),
                    next_try_at: at(clock, now, due),
                },
                // One lost answer is no news.
                (None, _) if way.pace.has_met() => ServerLink::Online,
                (None, _) => ServerLink::Connecting,
            };
            // The same outage with the same next try, but for the jitter of two clocks, is no news.
            let same = match (&way.link, &link) {
                (
                    ServerLink::Offline {
                        code: this,
                        next_try_at: a,
                        reason: one,
                    },
                    ServerLink::Offline {
                        code: that,
                        next_try_at: b,
                        reason: other,
                    },
                ) => {
                    (this, one) == (that, other)
                        && a.duration_since(*b).abs() < SignedDuration::from_millis(100)
                }
                (a, b) => a == b,
            };
            if !same {
                way.link = link;
                news = true;
            }
        }
        if news {
            self.hub.link_changed();
        }
    }

    /// Whatever waits to try again tries now.
    pub(super) fn poke_ways(&mut self, now: Instant) {
        for way in self.ways.all_mut() {
            way.stop_poll();
            way.pace.poke(now);
            way.ask_from = now;
            if let Key::Missing { again, .. } = &mut way.key {
                *again = now;
            }
        }
    }
}

/// The wall clock's reading at an instant.
fn at(clock: Timestamp, now: Instant, instant: Instant) -> Timestamp {
    let wait = instant.saturating_duration_since(now);
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    clock.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
