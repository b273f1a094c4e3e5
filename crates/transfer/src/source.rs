//! The sources of one file: the one that was given, and its mirrors. Each has its own link, its
//! own waits and its own measured speed; one that proves bad is dropped while another is left.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderMap;
use tokio::time::Instant;
use url::Url;

use crate::{
    EngineConfig, Error, Link, LinkSource, Request, SourceUse,
    connection::From,
    patience::Patience,
    probe::{Fault, Object},
    renew::{Generation, Links, Renewal},
};

/// Damaged blocks from one mirror after which it is not asked again. The first may be bad luck.
const BAD_BLOCKS: u32 = 2;

/// A connection to a source that is so much slower than the best source's is given to that one.
const SLOW: f64 = 0.5;

/// How much a new measurement counts against the earlier ones.
const FRESH: f64 = 0.3;

/// Index of a source in [`Sources`].
pub(crate) type SourceId = usize;

/// Where one source of the file stands.
pub(crate) struct Source {
    origin: Arc<dyn LinkSource>,
    /// Sent along to it.
    headers: HeaderMap,
    pub(crate) links: Option<Links>,
    pub(crate) patience: Patience,
    /// The object in this source's own words; none until it has answered.
    pub(crate) object: Option<Arc<Object>>,
    /// Its mirror's first question is on its way.
    pub(crate) asked: bool,
    /// Why it is not used any more.
    dropped: Option<String>,
    /// The present link was refused.
    pub(crate) refused: bool,
    pub(crate) renewing: bool,
    pub(crate) pause: Option<Instant>,
    /// How often the whole came for a range.
    pub(crate) ignored: u32,
    /// Open connections.
    pub(crate) lanes: usize,
    pub(crate) counts: Arc<Counts>,
    seen: u64,
    /// Bytes per second of one connection.
    speed: Option<f64>,
}

/// What connections count for their source.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Bytes that came.
    pub(crate) fetched: AtomicU64,
    /// Blocks that came damaged.
    pub(crate) damaged: AtomicU32,
}

impl Source {
    fn new(origin: Arc<dyn LinkSource>, headers: HeaderMap, config: &EngineConfig) -> Self {
        Self {
            origin,
            headers,
            links: None,
            patience: Patience::new(config),
            object: None,
            asked: false,
            dropped: None,
            refused: false,
            renewing: false,
            pause: None,
            ignored: 0,
            lanes: 0,
            counts: Arc::default(),
            seen: 0,
            speed: None,
        }
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn origin(&self) -> Arc<dyn LinkSource> {
        Arc::clone(&self.origin)
    }

    /// The present link, where there is one.
    pub(crate) fn link(&self) -> Option<&Link> {
        self.links.as_ref().map(Links::link)
    }

    pub(crate) fn generation(&self) -> Generation {
        self.links.as_ref().map_or(0, Links::generation)
    }

    pub(crate) fn fetched(&self) -> u64 {
        self.counts.fetched.load(Ordering::Relaxed)
    }

    /// Whether it can be given a connection now.
    fn is_usable(&self) -> bool {
        self.dropped.is_none()
            && self.object.is_some()
            && self.links.is_some()
            && !self.refused
            && self.pause.is_none()
    }

    fn is_damaging(&self) -> bool {
        self.counts.damaged.load(Ordering::Relaxed) >= BAD_BLOCKS
    }

    /// Asks for a fresh link.
    pub(crate) fn renew(&mut self) -> Option<Renewal> {
        self.renewing = true;
        self.links.as_mut().map(Links::renew)
    }
}

/// All sources of one file; the first is the one that the pull began with.
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    pub(crate) fn new(request: &Request, config: &EngineConfig) -> Self {
        let first = Source::new(Arc::clone(&request.source), request.headers.clone(), config);
        let mut all = Self(vec![first]);
        for mirror in &request.mirrors {
            all.add(Arc::clone(mirror), config);
        }
        all
    }

    /// What a connection to a source needs; none before it has answered.
    pub(crate) fn from(&self, id: SourceId) -> Option<From> {
        let source = &self.0[id];
        Some(From {
            url: source.link()?.url.expose().clone(),
            headers: source.headers.clone(),
            object: source.object.clone()?,
            counts: Arc::clone(&source.counts),
        })
    }

    /// Takes another place of the file into account.
    pub(crate) fn add(&mut self, origin: Arc<dyn LinkSource>, config: &EngineConfig) {
        self.0.push(Source::new(origin, HeaderMap::new(), config));
    }

    pub(crate) fn get(&mut self, id: SourceId) -> &mut Source {
        &mut self.0[id]
    }

    /// The first source that is still of use: the one to begin with.
    pub(crate) fn first(&mut self) -> &mut Source {
        let id = self.first_id();
        &mut self.0[id]
    }

    pub(crate) fn first_id(&self) -> SourceId {
        self.0
            .iter()
            .position(|source| source.dropped.is_none())
            .unwrap_or_default()
    }

    pub(crate) fn all(&mut self) -> impl Iterator<Item = (SourceId, &mut Source)> {
        self.0
            .iter_mut()
            .enumerate()
            .filter(|(_, source)| source.dropped.is_none())
    }

    /// How many are still of use.
    pub(crate) fn left(&self) -> usize {
        self.0
            .iter()
            .filter(|source| source.dropped.is_none())
            .count()
    }

    /// Gives a source up, where another is left. Answers whether one was.
    pub(crate) fn drop_one(&mut self, id: SourceId, why: &str) -> bool {
        if self.0[id].dropped.is_some() {
            return true;
        }
        if self.left() < 2 {
            return false;
        }
        tracing::warn!(source = id, "a source of the file is given up: {why}");
        self.0[id].dropped = Some(why.to_owned());
        true
    }

    pub(crate) fn is_dropped(&self, id: SourceId) -> bool {
        self.0[id].dropped.is_some()
    }

    /// The source to give a further connection to: one that was not tried yet, else
    /// the fastest. `has_room` says whether its host takes one more beside those that are open.
    pub(crate) fn pick(&self, mut has_room: impl FnMut(&Url, usize) -> bool) -> Option<SourceId> {
        let mut usable: Vec<_> = (0..self.0.len())
            .filter(|id| self.0[*id].is_usable())
            .collect();
        let rank = |id: &SourceId| match (self.0[*id].lanes, self.0[*id].speed) {
            (0, None) => f64::INFINITY,
            // Its first connection is still to be measured.
            (_, speed) => speed.unwrap_or_default(),
        };
        usable.sort_by(|one, other| rank(other).total_cmp(&rank(one)));
        usable.into_iter().find(|id| {
            let source = &self.0[*id];
            source
                .link()
                .is_some_and(|link| has_room(link.url.expose(), source.lanes))
        })
    }

    /// Measures all sources over the last `time`. Answers how many bytes came in it.
    pub(crate) fn measure(&mut self, time: Duration) -> u64 {
        let mut all = 0;
        for source in &mut self.0 {
            let fetched = source.fetched();
            let came = fetched - source.seen;
            source.seen = fetched;
            all += came;
            if source.lanes == 0 || (source.speed.is_none() && came == 0) {
                continue;
            }
            let now = came as f64 / time.as_secs_f64() / source.lanes as f64;
            source.speed = Some(
                source
                    .speed
                    .map_or(now, |before| before + FRESH * (now - before)),
            );
        }
        all
    }

    /// A source whose connections would do much more elsewhere, and where.
    pub(crate) fn laggard(&self) -> Option<(SourceId, SourceId)> {
        let usable = || {
            self.0
                .iter()
                .enumerate()
                .filter(|(_, source)| source.is_usable() && source.lanes > 0)
                .filter_map(|(id, source)| Some((id, source.speed?)))
        };
        let (fastest, best) = usable().max_by(|one, other| one.1.total_cmp(&other.1))?;
        let (slowest, worst) = usable().min_by(|one, other| one.1.total_cmp(&other.1))?;
        (worst < best * SLOW).then_some((slowest, fastest))
    }

    /// A source that could be tried, and has no connection yet.
    pub(crate) fn untried(&self) -> Option<SourceId> {
        self.0
            .iter()
            .position(|source| source.is_usable() && source.lanes == 0 && source.speed.is_none())
    }

    /// The source with the most connections, where it has some to give.
    pub(crate) fn crowded(&self) -> Option<SourceId> {
        let most = (0..self.0.len()).max_by_key(|id| self.0[*id].lanes)?;
        (self.0[most].lanes > 1).then_some(most)
    }

    /// A source whose blocks came damaged, while another is left.
    pub(crate) fn damaging(&self) -> Option<SourceId> {
        let found = self
            .0
            .iter()
            .position(|source| source.dropped.is_none() && source.is_damaging())?;
        (self.left() > 1).then_some(found)
    }

    /// When the first wait of a source is over.
    pub(crate) fn pause(&self) -> Option<Instant> {
        self.0.iter().filter_map(|source| source.pause).min()
    }

    /// When the first link is to be renewed, where no renewal is on its way.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0
            .iter()
            .filter(|source| source.dropped.is_none() && !source.renewing)
            .filter_map(|source| source.links.as_ref()?.due())
            .min()
    }

    /// Whether any source waits or has no link that works.
    pub(crate) fn is_troubled(&self) -> bool {
        self.0
            .iter()
            .any(|source| source.pause.is_some() || source.renewing)
    }

    /// Whether any source that is left has answered.
    pub(crate) fn any_known(&self) -> bool {
        self.0
            .iter()
            .any(|source| source.dropped.is_none() && source.object.is_some())
    }

    /// All connections, waits and questions are over.
    pub(crate) fn rest(&mut self) {
        for source in &mut self.0 {
            source.lanes = 0;
            source.pause = None;
            source.renewing = false;
            source.refused = false;
            source.asked = false;
        }
    }

    /// What each source did, in the order in which they were given.
    pub(crate) fn uses(&self) -> Vec<SourceUse> {
        self.0
            .iter()
            .map(|source| SourceUse {
                fetched: source.fetched(),
                dropped: source.dropped.clone(),
            })
            .collect()
    }

    /// Forgets all but the first: the bytes of several together were not those promised.
    pub(crate) fn alone(&mut self) -> bool {
        if self.left() < 2 {
            return false;
        }
        let first = self.first_id();
        for (_, source) in self.all().filter(|(id, _)| *id != first) {
            source.dropped =
                Some("the bytes of all sources together were not those promised".into());
        }
        true
    }
}

/// Whether a failure is the source's own, so that another source may do better.
pub(crate) const fn is_its_own(fault: &Fault) -> bool {
    match fault {
        Fault::Stopped => false,
        Fault::Fatal(error) => matches!(
            error,
            Error::Changed { .. }
                | Error::NotFound { .. }
                | Error::Refused { .. }
                | Error::Redirect { .. }
                | Error::NotAllowed { .. }
                | Error::Untrusted { .. }
                | Error::LinkRefused { .. }
                | Error::NotAFile { .. }
                | Error::DigestMismatch { .. }
                | Error::Network { .. }
                | Error::Overloaded { .. }
                | Error::BadReply { .. }
        ),
        _ => true,
    }
}
