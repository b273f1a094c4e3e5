//! The rows in memory and the views of them that the driver needs, kept up to date with each step
//! instead of searched for.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use longhaul_protocol::{DownloadId, JobId};
use tokio::time::Instant;

use crate::{
    download::{Event, Impossible, Record, State, apply, can},
    meter::{Meter, seconds},
    servers::ServerId,
    view::{DownloadSource, DownloadState, DownloadView, Totals},
};

/// One row: what is kept on the disk, and what is known only while the program runs.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) record: Record,
    /// Speed of whichever part runs.
    pub(crate) meter: Option<Meter>,
    /// The initiate calls that the server answered with a fault of its own, in a row.
    pub(crate) faulty: u32,
}

/// All rows, with an index for each question that the driver asks often.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: HashMap<DownloadId, Row>,
    order: BTreeSet<(u64, DownloadId)>,
    to_ask: HashMap<ServerId, BTreeSet<(u64, DownloadId)>>,
    preparing: HashMap<ServerId, BTreeSet<(u64, DownloadId)>>,
    /// How many rows of a server wait to be pulled, and have been made.
    ready: HashMap<ServerId, usize>,
    jobs: HashMap<JobId, DownloadId>,
    /// Rows that something is done for now: few, however long the list is.
    active: HashSet<DownloadId>,
    totals: Totals,
}

impl Rows {
    pub(crate) fn insert(&mut self, record: Record) {
        let row = Row {
            record,
            meter: None,
            faulty: 0,
        };
        self.order.insert((row.record.order, row.record.id));
        self.enter(&row.record);
        self.rows.insert(row.record.id, row);
    }

    pub(crate) fn remove(&mut self, id: DownloadId) -> Option<Record> {
        let row = self.rows.remove(&id)?;
        self.order.remove(&(row.record.order, id));
        self.leave(&row.record);
        Some(row.record)
    }

    pub(crate) fn get(&self, id: DownloadId) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// For changes that move no state and no job; those go through [`Rows::step`].
    pub(crate) fn get_mut(&mut self, id: DownloadId) -> Option<&mut Row> {
        self.rows.get_mut(&id)
    }

    pub(crate) fn state(&self, id: DownloadId) -> Option<&State> {
        self.rows.get(&id).map(|row| &row.record.state)
    }

    /// Moves a row on; none where there is no such row.
    pub(crate) fn step(
        &mut self,
        id: DownloadId,
        event: Event,
        now: Timestamp,
    ) -> Option<Result<(), Impossible>> {
        let mut row = self.rows.remove(&id)?;
        self.leave(&row.record);
        let before = row.record.state.shown();
        let outcome = apply(&mut row.record, event, now);
        if row.record.state.shown() != before {
            row.meter = None;
            row.faulty = 0;
        }
        self.enter(&row.record);
        self.rows.insert(id, row);
        Some(outcome)
    }

    /// Takes a job in whatever the state: the answer to a question from before a pause.
    pub(crate) fn adopt(&mut self, id: DownloadId, job: JobId) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.record.job = Some(job);
            self.jobs.insert(job, id);
        }
    }

    fn enter(&mut self, record: &Record) {
        let place = (record.order, record.id);
        match record.state {
            State::Queued => {
                self.to_ask.entry(record.server).or_default().insert(place);
            }
            State::Preparing => {
                let of_server = self.preparing.entry(record.server);
                of_server.or_default().insert(place);
            }
            State::Ready if !record.source.is_direct() => {
                *self.ready.entry(record.server).or_default() += 1;
            }
            _ => {}
        }
        if let Some(job) = record.job {
            self.jobs.insert(job, record.id);
        }
        if is_active(&record.state) {
            self.active.insert(record.id);
        }
        self.totals.all += 1;
        *self.sum_of(&record.state) += 1;
    }

    fn leave(&mut self, record: &Record) {
        let place = (record.order, record.id);
        for index in [&mut self.to_ask, &mut self.preparing] {
            if let Some(places) = index.get_mut(&record.server) {
                places.remove(&place);
            }
        }
        if matches!(record.state, State::Ready)
            && !record.source.is_direct()
            && let Some(count) = self.ready.get_mut(&record.server)
        {
            *count -= 1;
        }
        if let Some(job) = record.job
            && self.jobs.get(&job) == Some(&record.id)
        {
            self.jobs.remove(&job);
        }
        self.active.remove(&record.id);
        self.totals.all -= 1;
        *self.sum_of(&record.state) -= 1;
    }

    const fn sum_of(&mut self, state: &State) -> &mut u32 {
        match state.shown() {
            DownloadState::Queued | DownloadState::Paused => &mut self.totals.waiting,
            DownloadState::Preparing | DownloadState::Downloading | DownloadState::Verifying => {
                &mut self.totals.active
            }
            DownloadState::Completed => &mut self.totals.completed,
            DownloadState::Failed | DownloadState::Cancelled => &mut self.totals.failed,
        }
    }

    /// Rows for which that server must be asked, first come first.
    pub(crate) fn to_ask(&self, server: ServerId) -> impl Iterator<Item = DownloadId> {
        let places = self.to_ask.get(&server).into_iter().flatten();
        places.map(|(_, id)| *id)
    }

    /// How many jobs of that server the poller watches.
    pub(crate) fn preparing(&self, server: ServerId) -> usize {
        self.preparing.get(&server).map_or(0, BTreeSet::len)
    }

    /// How many files that server makes, or has made, ahead of their being pulled.
    pub(crate) fn ahead(&self, server: ServerId) -> usize {
        self.preparing(server) + self.ready.get(&server).copied().unwrap_or(0)
    }

    /// The jobs of that server that the poller watches.
    pub(crate) fn jobs_to_poll(&self, server: ServerId) -> Vec<JobId> {
        let places = self.preparing.get(&server).into_iter().flatten();
        places
            .filter_map(|(_, id)| self.rows.get(id)?.record.job)
            .collect()
    }

    /// Rows that wait for a server which is none of these.
    pub(crate) fn orphans(&self, known: impl Fn(ServerId) -> bool) -> Vec<DownloadId> {
        [&self.to_ask, &self.preparing]
            .into_iter()
            .flatten()
            .filter(|(server, _)| !known(**server))
            .flat_map(|(_, places)| places.iter().map(|(_, id)| *id))
            .collect()
    }

    /// How many rows of that server have not ended.
    pub(crate) fn unfinished(&self, server: ServerId) -> usize {
        let records = self.rows.values().map(|row| &row.record);
        let of_server = records.filter(|record| {
            record.server == server && !record.source.is_direct() && !record.state.has_ended()
        });
        of_server.count()
    }

    /// The row that a job belongs to.
    pub(crate) fn row_of(&self, job: JobId) -> Option<DownloadId> {
        self.jobs.get(&job).copied()
    }

    /// The sums, without the speed.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = self.totals.clone();
        for row in self.active.iter().filter_map(|id| self.rows.get(id)) {
            let pulled = row.record.pulled.as_ref();
            let size = row.record.size.or_else(|| pulled?.total);
            let Some(size) = size else { continue };
            let done = pulled.map_or(0, |pulled| pulled.done);
            totals.done = totals.done.saturating_add(done.min(size));
            totals.whole = totals.whole.saturating_add(size);
        }
        totals
    }

    /// All ids, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = DownloadId> {
        self.order.iter().rev().map(|(_, id)| *id)
    }

    /// Gives a row another place.
    pub(crate) fn put(&mut self, id: DownloadId, order: u64) {
        if let Some(mut row) = self.rows.remove(&id) {
            self.leave(&row.record);
            self.order.remove(&(row.record.order, id));
            row.record.order = order;
            row.record.revision += 1;
            self.order.insert((order, id));
            self.enter(&row.record);
            self.rows.insert(id, row);
        }
    }

    /// Rows that have not ended, by their place.
    pub(crate) fn queue(&self) -> Vec<(u64, DownloadId)> {
        self.order
            .iter()
            .filter(|(_, id)| self.state(*id).is_some_and(|state| !state.has_ended()))
            .copied()
            .collect()
    }

    /// The place that the next new row takes.
    pub(crate) fn next_order(&self) -> u64 {
        self.order.last().map_or(1, |(order, _)| order + 1)
    }
}

const fn is_active(state: &State) -> bool {
    matches!(
        state.shown(),
        DownloadState::Preparing | DownloadState::Downloading | DownloadState::Verifying
    )
}

/// A row as front ends see it. `pull_speed` is what pulls make at present, for the part of a
/// preparing download that is still to come.
pub(crate) fn view_of(row: &Row, now: Instant, pull_speed: Option<u64>) -> DownloadView {
    let record = &row.record;
    let shown = record.state.shown();
    let speed = row.meter.as_ref().and_then(|meter| meter.speed(now));
    let (path, sha256, crc64nvme, proven) = match &record.state {
        State::Completed {
            path,
            sha256,
            crc64nvme,
            proven,
        } => (
            Some(path.to_string_lossy().into_owned()),
            *sha256,
            Some(*crc64nvme),
            *proven,
        ),
        _ => (None, None, None, false),
    };
    let fault = match &record.state {
        State::Failed { fault, .. } => Some(fault.clone()),
        _ => None,
    };
    DownloadView {
        id: record.id,
        job_id: record.job,
        name: name_of(record),
        source: record.source.clone(),
        server: Some(record.server).filter(|server| !server.is_first()),
        state: shown,
        can: can(&record.state),
        size: record.size,
        made: record.made.clone(),
        pulled: record.pulled.clone(),
        speed,
        eta_seconds: eta(record, shown, speed, pull_speed),
        fault,
        folder: record.folder.to_string_lossy().into_owned(),
        path,
        sha256,
        wanted_sha256: record.wanted_sha256,
        crc64nvme,
        proven,
        limit: record.limit,
        place: record.order,
        moments: record.moments.clone(),
        added_at: record.added_at,
        ended_at: record.ended_at,
        revision: record.revision,
    }
}

/// Over both parts: what the server has still to make, and what is still to be pulled.
fn eta(
    record: &Record,
    shown: DownloadState,
    speed: Option<u64>,
    pull_speed: Option<u64>,
) -> Option<u64> {
    match shown {
        DownloadState::Downloading => {
            let pulled = record.pulled.as_ref()?;
            seconds(record.size?.saturating_sub(pulled.done), speed)
        }
        DownloadState::Preparing => {
            let made = record.made.as_ref()?;
            let total = made.total?;
            let pull = seconds(total, pull_speed)?;
            Some(seconds(total.saturating_sub(made.done), speed)? + pull)
        }
        _ => None,
    }
}

fn name_of(record: &Record) -> String {
    if let Some(name) = &record.name {
        return name.clone();
    }
    match &record.source {
        DownloadSource::File { file_id } => format!("#{file_id}"),
        DownloadSource::Url { url } | DownloadSource::Direct { url } => {
            name_in(url).unwrap_or_else(|| url.clone())
        }
    }
}

/// The last part of a URL's path.
pub(crate) fn name_in(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let last = url.path_segments()?.rfind(|part| !part.is_empty())?;
    Some(last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::PulledView;

    fn pulled(done: u64, total: Option<u64>) -> PulledView {
        PulledView {
            done,
            total,
            verified: 0,
            fetched: done,
            connections: 1,
            links_renewed: 0,
            blocks_refetched: 0,
            trouble: None,
        }
    }

    #[test]
    fn one_bar_for_all_is_of_the_active_rows_whose_size_is_known() {
        let mut rows = Rows::default();
        let mut add = |state, size, pulled| {
            let id = DownloadId::random();
            let source = DownloadSource::Direct { url: String::new() };
            let mut record = Record::new(id, 1, source, "/".into(), Timestamp::UNIX_EPOCH);
            (record.state, record.size, record.pulled) = (state, size, pulled);
            rows.insert(record);
            id
        };
        let first = add(State::Downloading, Some(100), Some(pulled(40, Some(100))));
        add(State::Preparing, Some(300), None);
        add(State::Verifying, None, Some(pulled(50, Some(50))));
        // Of these nobody knows, or nothing is done for them now.
        add(State::Downloading, None, Some(pulled(7, None)));
        add(State::Paused, Some(1000), Some(pulled(500, Some(1000))));
        add(State::Ready, Some(1000), None);
        let totals = rows.totals();
        assert_eq!((totals.done, totals.whole, totals.active), (90, 450, 4));
        rows.step(first, Event::Pause, Timestamp::UNIX_EPOCH)
            .expect("there")
            .expect("pauses");
        let totals = rows.totals();
        assert_eq!((totals.done, totals.whole, totals.active), (50, 350, 3));
        rows.remove(first);
        assert_eq!(rows.totals().whole, 350);
    }
}
