//! The crew looks up from its work: it measures, tells and records.

use std::{collections::HashMap, sync::atomic::Ordering};

use tokio::time::Instant;

use super::Crew;
use crate::{Phase, file::control::Record, segments::LaneId};

/// How much a new measurement of a connection counts against the earlier ones.
const FRESH: f64 = 0.2;

impl Crew<'_, '_> {
    /// Measures, tells and records, when it is time for each.
    pub(super) fn look_up(&mut self) {
        let fetched = self.report.fetched();
        let site = &self.job.site;
        let held_back = site.limits.are_set() || site.writer.is_slow();
        let (now, open) = (self.begun.elapsed(), self.lanes.len());
        self.growth.observe(now, fetched, open, held_back);
        self.measure();
        // Those that came last leave first; the work that they leave is taken by who stays.
        let wanted = self.growth.wanted();
        for handle in self.open.values().skip(wanted) {
            handle.leave.store(true, Ordering::Relaxed);
        }
        // Once those who leave know it, nobody takes an errand for more.
        let trying = self.growth.is_trying();
        self.job.site.table().set_trying(trying);
        self.look_at_mirrors();
        self.look_at_tail();
        if let Some(trailing) = self.job.trailing {
            trailing.reached(self.job.site.table().segments.frontier());
        }
        if self.report.is_due() {
            self.look();
            let waiting = self.lanes.is_empty();
            self.report.now.phase = match waiting {
                true => Phase::BackingOff,
                false => Phase::Pulling,
            };
            self.report.tell();
        }
        if self.job.ranged && self.saving.is_none() && self.job.keeper.is_due(fetched) {
            let record = self.record();
            self.saving = Some(self.job.keeper.save(record, fetched));
        }
    }

    fn measure(&mut self) {
        let time = self.looked.elapsed();
        if time.is_zero() {
            return;
        }
        self.looked = Instant::now();
        let came = self.sources.measure(time);
        // A connection may be done before it was looked at twice: all together are a measure too.
        let each = came as f64 / time.as_secs_f64() / self.open.len().max(1) as f64;
        self.tail.saw(each);
        for handle in self.open.values_mut() {
            let at = handle.position.load(Ordering::Relaxed);
            // It may have taken other work meanwhile, elsewhere in the file.
            if handle.seen > 0 && at >= handle.seen {
                let now = (at - handle.seen) as f64 / time.as_secs_f64();
                handle.speed += FRESH * (now - handle.speed);
            }
            handle.seen = at;
        }
    }

    /// How far each connection is.
    pub(super) fn positions(&self) -> HashMap<LaneId, u64> {
        self.open
            .iter()
            .map(|(lane, open)| (*lane, open.position.load(Ordering::Relaxed)))
            .collect()
    }

    /// Takes the present state into the next report.
    pub(super) fn look(&mut self) {
        let positions = self.positions();
        let table = self.job.site.table();
        let (segments, done) = table.view(&positions);
        let now = &mut self.report.now;
        // Once bytes come again, the last trouble is over.
        if done > now.done && !self.sources.is_troubled() {
            now.trouble = None;
        }
        now.segments = segments;
        now.done = done;
        now.verified = table.blocks.proven();
        now.connections = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        self.report.here.blocks_refetched = self.damaged + table.blocks.damaged();
    }

    pub(super) fn record(&self) -> Record {
        let mut record = self.job.record.clone();
        self.job.site.table().note(&mut record);
        record.counters = self.report.counters();
        record
    }
}
