//! What becomes of a connection's end: nothing, a wait, a fresh link, another source, or the end.

use std::time::Duration;

use tokio::time::Instant;

use super::{Crew, Ended, Outcome};
use crate::{
    Error, Link, LinkError,
    patience::{in_the_end, in_words},
    probe::Fault,
    renew::Generation,
    source::{SourceId, is_its_own},
};

/// Between questions for a fresh link while the old one still brings bytes.
const UNHURRIED: Duration = Duration::from_secs(5);

/// The whole coming for a range this often means that ranges are not to be had.
const RANGES_IGNORED: u32 = 3;

impl Crew<'_, '_> {
    /// A connection is over: by plan, or by a fault that is cured here.
    pub(super) fn ended(
        &mut self,
        ended: Result<Ended, tokio::task::JoinError>,
    ) -> Result<Option<Outcome>, Error> {
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Ok(None),
        };
        self.open.remove(&ended.lane);
        self.sources.get(ended.source).lanes -= 1;
        self.rest_of(ended.lane);
        let Err(fault) = ended.result else {
            return Ok(None);
        };
        self.fault(ended.source, ended.generation, fault)
    }

    fn fault(
        &mut self,
        id: SourceId,
        generation: Generation,
        fault: Fault,
    ) -> Result<Option<Outcome>, Error> {
        if self.sources.is_dropped(id) {
            return Ok(None);
        }
        match fault {
            Fault::Stopped => return Ok(None),
            Fault::Fatal(error) => self.give_up(id, Fault::Fatal(error))?,
            Fault::Changed(what) if !self.sources.drop_one(id, &what) => {
                return Ok(Some(Outcome::Changed(what)));
            }
            Fault::Changed(_) => {}
            fault if !self.job.ranged => return Ok(Some(Outcome::Again(fault))),
            Fault::Expired { status } => self.refused(id, status, generation)?,
            Fault::RangesIgnored => {
                let source = self.sources.get(id);
                source.ignored += 1;
                if source.ignored < RANGES_IGNORED {
                    self.failed(id, Fault::RangesIgnored)?;
                } else if !self.sources.drop_one(id, "it does not serve ranges") {
                    return Ok(Some(Outcome::RangesIgnored));
                }
            }
            fault => self.failed(id, fault)?,
        }
        Ok(None)
    }

    /// There is no use in asking this source again: another one, or the end.
    pub(super) fn give_up(&mut self, id: SourceId, fault: Fault) -> Result<(), Error> {
        let words = in_words(&fault);
        if is_its_own(&fault) && self.sources.drop_one(id, &words) {
            self.report.now.trouble = Some(format!("a source was given up: {words}"));
            return Ok(());
        }
        Err(in_the_end(fault))
    }

    fn refused(&mut self, id: SourceId, status: u16, of: Generation) -> Result<(), Error> {
        let source = self.sources.get(id);
        let fetched = source.fetched();
        let Some(links) = source.links.as_mut().filter(|_| !source.refused) else {
            return Ok(());
        };
        // Many connections meet the same end of a link: the first asks for all.
        if of != links.generation() {
            return Ok(());
        }
        tracing::info!(status, "the link was refused; a fresh one is asked for");
        if let Err(error) = links.refused(status, fetched) {
            return self.give_up(id, Fault::Fatal(error));
        }
        let wait = links.wait(self.job.parts.config.backoff);
        source.refused = true;
        let on_its_way = source.renewing;
        self.report.now.trouble = Some(in_words(&Fault::Expired { status }));
        // One that is on its way already, because the link was old, will do.
        if !on_its_way {
            self.renew_after(id, wait);
        }
        Ok(())
    }

    fn renew_after(&mut self, id: SourceId, wait: Duration) {
        if let Some(renewal) = self.sources.get(id).renew() {
            self.renewals.push(Box::pin(async move {
                tokio::time::sleep(wait).await;
                (id, renewal.await)
            }));
        }
    }

    /// Renews the links that are about to run out.
    pub(super) fn renew_due(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self
            .sources
            .all()
            .filter(|(_, source)| !source.renewing)
            .filter(|(_, source)| {
                let due = source.links.as_ref().and_then(crate::renew::Links::due);
                due.is_some_and(|due| due <= now)
            })
            .map(|(id, _)| id)
            .collect();
        for id in due {
            tracing::debug!("the link is about to run out; it is renewed");
            self.renew_after(id, Duration::ZERO);
        }
    }

    pub(super) fn renewed(
        &mut self,
        id: SourceId,
        link: Result<Link, LinkError>,
    ) -> Result<(), Error> {
        let source = self.sources.get(id);
        source.renewing = false;
        let fetched = source.fetched();
        match link {
            Ok(link) => {
                source.refused = false;
                if let Some(links) = &mut source.links {
                    links.install(link, fetched);
                }
                self.report.here.links_renewed += 1;
                Ok(())
            }
            // Whoever is still reading by the old link goes on meanwhile.
            Err(error) if error.retryable || source.lanes > 0 => {
                let reads_on = source.lanes > 0;
                let what = error.message.clone();
                let waits = source.patience.failed(Fault::Fatal(error.into()), fetched);
                self.report.now.trouble = Some(format!("no fresh link: {what}"));
                let mut wait = match waits {
                    Ok(wait) => wait,
                    Err(error) => return self.give_up(id, Fault::Fatal(error)),
                };
                if reads_on {
                    // Bytes still come, and reset the waits: there is no hurry.
                    wait = wait.max(UNHURRIED);
                }
                self.renew_after(id, wait);
                Ok(())
            }
            Err(error) => self.give_up(id, Fault::Fatal(error.into())),
        }
    }

    /// A failure that another try may cure.
    fn failed(&mut self, id: SourceId, fault: Fault) -> Result<(), Error> {
        let words = in_words(&fault);
        let busy = matches!(fault, Fault::Busy { .. });
        let source = self.sources.get(id);
        let fetched = source.fetched();
        let wait = match source.patience.failed(fault, fetched) {
            Ok(wait) => wait,
            Err(error) => return self.give_up(id, Fault::Fatal(error)),
        };
        tracing::debug!(?wait, "a connection failed: {words}");
        let until = Instant::now() + wait;
        source.pause = Some(source.pause.map_or(until, |pause| pause.max(until)));
        self.report.now.trouble = Some(words);
        if busy || self.sources.get(id).patience.failures() > 1 {
            self.growth.shrink(self.begun.elapsed());
        }
        Ok(())
    }

    /// The waits that are over end.
    pub(super) fn wake(&mut self) {
        let now = Instant::now();
        for (_, source) in self.sources.all() {
            source.pause = source.pause.filter(|pause| *pause > now);
        }
    }
}
