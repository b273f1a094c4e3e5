//! Keeps to the timetable: slower, at rest, or as fast as the settings say.

use std::time::Duration;

use jiff::tz::TimeZone;
use longhaul_protocol::DownloadId;
use tokio::time::Instant;

use super::Driver;
use crate::download::{Event, State};

/// The clock may be set, and the machine may sleep: it is looked at this often.
const LOOK: Duration = Duration::from_secs(30);

impl Driver {
    /// Does what the timetable says, where that has changed.
    pub(super) fn keep_time(&mut self, now: Instant) {
        let table = self.settings.timetable.as_ref();
        if self.hours.is_some() == table.is_some() && now < self.next_look {
            return;
        }
        let hours = table.map(|table| table.at(self.now(), &TimeZone::system()));
        let wait = hours
            .and_then(|hours| hours.until)
            .and_then(|until| Duration::try_from(until.duration_since(self.now())).ok());
        self.next_look = now
            + wait
                .map_or(LOOK, |wait| wait.min(LOOK))
                .max(Duration::from_millis(10));
        if hours != self.hours {
            self.hours = hours;
            self.hub.link_changed();
        }
        self.pace_line();
    }

    /// Sets the speed and the number of pulls that hold now.
    pub(super) fn pace_line(&mut self) {
        let within = self.hours.is_some_and(|hours| hours.now);
        let table = self.settings.timetable.as_ref().filter(|_| within);
        let rests = table.is_some_and(|table| table.limit.is_none());
        let limit = match (self.settings.limit, table.and_then(|table| table.limit)) {
            (Some(usual), Some(now)) => Some(usual.min(now)),
            (usual, now) => usual.or(now),
        };
        self.parts.engine.set_limit(limit);
        self.schedule
            .set_limit(if rests { 0 } else { self.settings.concurrent });
        if rests {
            self.rest();
        }
    }

    /// What runs stands in line again, with all that it has.
    fn rest(&mut self) {
        let running: Vec<DownloadId> = self.pulls.keys().copied().collect();
        for id in running {
            // The last checks of a complete file are let through.
            if matches!(self.rows.state(id), Some(State::Downloading)) {
                self.step(id, Event::Yielded);
                self.stop_pull(id);
            }
        }
    }
}
