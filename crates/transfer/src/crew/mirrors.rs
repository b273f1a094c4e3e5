//! Mirrors: asked once there is something to compare, dropped once they prove bad, and given as
//! many connections as their speed is worth.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Crew, Handle};
use crate::{
    Error,
    file::read_exact_at,
    introduce::{Introduced, SAMPLE, Sample, introduce},
    source::SourceId,
};

/// Connections move from a slow source to a fast one no more often than this.
const MOVES: Duration = Duration::from_millis(300);

impl Crew<'_, '_> {
    pub(super) fn look_at_mirrors(&mut self) {
        if !self.job.ranged {
            return;
        }
        self.ask_mirrors();
        while let Some(id) = self.sources.damaging() {
            self.sources.drop_one(id, "its blocks came damaged");
            for handle in self.open.values().filter(|handle| handle.source == id) {
                handle.stop.cancel();
            }
        }
        if self.lanes.len() >= self.growth.wanted()
            && let Some(untried) = self.sources.untried()
        {
            let last = self.sources.crowded().and_then(|id| self.last_of(id));
            self.make_way(last, untried);
        }
        if self.moved.elapsed() >= MOVES
            && let Some((laggard, best)) = self.sources.laggard()
        {
            self.moved = Instant::now();
            let last = self.last_of(laggard);
            self.make_way(last.filter(|handle| handle.since.elapsed() >= MOVES), best);
        }
    }

    /// Ends a connection at once, so that its place is `source`'s, if that one's host has room; what
    /// it has is kept.
    fn make_way(&self, handle: Option<&Handle>, source: SourceId) {
        let room = self
            .sources
            .from(source)
            .and_then(|from| self.job.parts.hosts.room(&from.url));
        if let (Some(handle), Some(_)) = (handle, room) {
            handle.stop.cancel();
        }
    }

    /// The connection to a source that came last.
    fn last_of(&self, id: SourceId) -> Option<&Handle> {
        self.open.values().rev().find(|handle| handle.source == id)
    }

    fn ask_mirrors(&mut self) {
        let Some(size) = self.job.site.object.size else {
            return;
        };
        let unasked: Vec<_> = self
            .sources
            .all()
            .filter(|(_, source)| !source.asked && source.object.is_none())
            .map(|(id, source)| (id, source.origin()))
            .collect();
        if unasked.is_empty() {
            return;
        }
        let sample = match self.job.proven {
            true => None,
            false => match self.sample() {
                Some(sample) => Some(sample),
                // Nothing is there to compare: at a later look.
                None => return,
            },
        };
        for (id, origin) in unasked {
            self.sources.get(id).asked = true;
            let sample = sample.as_ref().map(|sample| Sample {
                start: sample.start,
                bytes: sample.bytes.clone(),
            });
            let (asker, stall) = (self.job.site.asker.clone(), self.job.site.stall);
            self.introductions
                .push(Box::pin(introduce(id, origin, asker, size, sample, stall)));
        }
    }

    /// Bytes that are on the disk; read from the page cache, into which they were just written.
    fn sample(&self) -> Option<Sample> {
        let (view, _) = self.job.site.table().view(&self.positions());
        let longest = view.iter().max_by_key(|segment| segment.done)?;
        let size = self.job.site.object.size?;
        if longest.done < SAMPLE.min(size) {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(longest.done.min(SAMPLE)).ok()?];
        read_exact_at(self.job.site.writer.file(), &mut bytes, longest.start).ok()?;
        Some(Sample {
            start: longest.start,
            bytes,
        })
    }

    /// Whether no source is left that has answered, and none can be asked.
    pub(super) fn is_stranded(&self) -> bool {
        self.lanes.is_empty()
            && self.introductions.is_empty()
            && !self.sources.any_known()
            && !self.job.proven
            && self.sample().is_none()
    }

    pub(super) fn introduced(&mut self, mirror: Introduced) -> Result<(), Error> {
        match mirror.result {
            Ok((links, object)) => {
                let source = self.sources.get(mirror.source);
                source.links = Some(links);
                source.object = Some(Arc::new(object));
                Ok(())
            }
            Err(fault) => self.give_up(mirror.source, fault),
        }
    }
}
