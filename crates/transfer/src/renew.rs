//! The link of a pull: renewed before it runs out, or when it is refused; once for all connections.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{Error, Link, LinkError, LinkReason, LinkSource};

/// Fresh links that may be refused one after the other before a single byte comes.
const REFUSALS: u32 = 4;

/// Part of a link's life after which it is renewed.
const WORN: f64 = 0.8;

/// However short a link lives, it is not renewed more often than this without being refused.
const AT_LEAST: Duration = Duration::from_secs(10);

/// Which link was used: a refusal of an older one is no news.
pub(crate) type Generation = u32;

/// The present link, and how it came.
pub(crate) struct Links {
    source: Arc<dyn LinkSource>,
    link: Link,
    generation: Generation,
    /// When it is due to be renewed, where its end is known.
    due: Option<Instant>,
    /// Bytes that had come when it was obtained.
    fetched: u64,
    refusals: u32,
}

/// A renewal on its way.
pub(crate) type Renewal = futures::future::BoxFuture<'static, Result<Link, LinkError>>;

impl Links {
    /// Asks for the first link.
    pub(crate) async fn start(source: Arc<dyn LinkSource>) -> Result<Self, LinkError> {
        let link = source.link(LinkReason::Start).await?;
        Ok(Self {
            due: due(&link),
            source,
            link,
            generation: 0,
            fetched: 0,
            refusals: 0,
        })
    }

    pub(crate) const fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) const fn generation(&self) -> Generation {
        self.generation
    }

    pub(crate) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Asks for a fresh link.
    pub(crate) fn renew(&mut self) -> Renewal {
        self.due = None;
        let source = Arc::clone(&self.source);
        Box::pin(async move { source.link(LinkReason::Expired).await })
    }

    /// Takes a fresh link into use, with `fetched` bytes come so far.
    pub(crate) fn install(&mut self, link: Link, fetched: u64) {
        self.due = due(&link);
        self.link = link;
        self.generation += 1;
        self.fetched = fetched;
    }

    /// The present link was refused. An error once fresh ones are refused again and again.
    pub(crate) fn refused(&mut self, status: u16, fetched: u64) -> Result<(), Error> {
        if fetched > self.fetched {
            self.refusals = 0;
        }
        self.refusals += 1;
        if self.refusals > REFUSALS {
            return Err(Error::LinkRefused {
                reason: format!("fresh links are refused with status {status}"),
                retryable: false,
                kept: 0,
            });
        }
        Ok(())
    }

    /// How long to wait before a fresh link is asked for: not at all at the first refusal.
    pub(crate) fn wait(&self, base: Duration) -> Duration {
        match self.refusals {
            0 | 1 => Duration::ZERO,
            more => base * (1 << (more - 2)),
        }
    }
}

fn due(link: &Link) -> Option<Instant> {
    let life = Duration::try_from(link.expires_at?.duration_since(Timestamp::now())).ok()?;
    // A life of nothing means that the clocks differ: then a refusal will tell.
    (!life.is_zero()).then(|| Instant::now() + life.mul_f64(WORN).max(AT_LEAST.min(life)))
}
