//! One connection: asks for a range, writes what comes, and takes the next work until there is none.
//!
//! The hot path is the loop over chunks: two relaxed atomics, one CRC and one positional write a
//! chunk; the table's lock is taken once a granule.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    answer::Answer,
    file::Writer,
    limit::Limits,
    probe::{Asked, Asker, Fault, Object, Reply},
    segments::{Head, LaneId, Work},
    source::Counts,
    table::{ERRAND, Table},
    verify::digest::{Crc, crc},
};

/// How long a body that is all there may take to say so.
const LAST_WORD: Duration = Duration::from_millis(100);

/// What all connections of one pull work with.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) asker: Asker,
    pub(crate) object: Object,
    pub(crate) writer: Writer,
    table: Mutex<Table>,
    /// Bytes that came over the network in this run.
    pub(crate) fetched: Arc<AtomicU64>,
    pub(crate) limits: Limits,
    /// Without a byte for this long a connection is given up.
    pub(crate) stall: Duration,
    pub(crate) stop: CancellationToken,
}

/// A reply that is already there when a connection starts: the probe's.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) body: Answer,
    /// The first byte of its body.
    pub(crate) start: u64,
    /// One past the last byte of its body; unknown for a stream without a length.
    pub(crate) end: Option<u64>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) id: LaneId,
    pub(crate) site: Arc<Site>,
    pub(crate) from: From,
    /// Work that was taken for it, where not just any will do.
    pub(crate) work: Option<Work>,
    pub(crate) first: Option<First>,
    /// How far it is, for whoever watches.
    pub(crate) position: Arc<AtomicU64>,
    /// Set when it is one too many: it ends after the granule in work, or a short errand.
    pub(crate) leave: Arc<AtomicBool>,
    /// Ends it at once; cancelled with the site's as well.
    pub(crate) stop: CancellationToken,
}

/// What a connection asks, and what it expects of the replies.
#[derive(Debug)]
pub(crate) struct From {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) object: Arc<Object>,
    pub(crate) counts: Arc<Counts>,
}

impl Site {
    pub(crate) fn new(
        parts: &crate::engine::Parts,
        object: Object,
        writer: Writer,
        table: Table,
        fetched: Arc<AtomicU64>,
        limits: Limits,
    ) -> Self {
        let config = &parts.config;
        Self {
            asker: parts.asker.clone(),
            object,
            writer,
            table: Mutex::new(table),
            fetched,
            limits,
            stall: config.stall_timeout,
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// Works until there is nothing left to do, or something is wrong.
    pub(crate) async fn run(mut self) -> Result<(), Fault> {
        loop {
            let work = self.work.take();
            let Some(work) = work.or_else(|| self.site.table().take(self.id)) else {
                return Ok(());
            };
            self.position.store(work.start, Ordering::Relaxed);
            let mut cursor = Cursor::new(&self.site, work);
            let fetched = self.fetch(work, &mut cursor).await;
            // Whatever came of it, the beginning of a granule is worth keeping.
            self.site.table().segments.park(self.id, cursor.head());
            fetched?;
            if self.leave.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    async fn fetch(&mut self, work: Work, cursor: &mut Cursor) -> Result<(), Fault> {
        let site = Arc::clone(&self.site);
        // A reply that is of other bytes than the work is of no use for it.
        let first = self.first.take().filter(|first| first.start == work.start);
        let (mut body, end) = match first {
            Some(first) => (first.body, first.end),
            None => {
                let (body, end) = self.request(work).await?;
                (body, Some(end))
            }
        };
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Fault::Stopped),
                next = tokio::time::timeout(site.stall, body.chunk()) => next,
            };
            let chunk = next.map_err(|_| Fault::Network("the connection stalled".to_owned()))??;
            let Some(chunk) = chunk else {
                return self.ended(cursor, end);
            };
            let length = chunk.len() as u64;
            site.fetched.fetch_add(length, Ordering::Relaxed);
            self.from
                .counts
                .fetched
                .fetch_add(length, Ordering::Relaxed);
            if end.is_some_and(|end| cursor.at + length > end) {
                return Err(Fault::Wrong(
                    "more bytes came than were asked for".to_owned(),
                ));
            }
            if !self.put_paced(cursor, chunk).await? {
                if end == Some(cursor.at) {
                    // The body's end, already here, gives the connection back to the pool.
                    let _ = tokio::time::timeout(LAST_WORD, body.chunk()).await;
                }
                return Ok(());
            }
        }
    }

    async fn request(&self, work: Work) -> Result<(Answer, u64), Fault> {
        let site = &self.site;
        let asked = Asked::Range {
            start: work.start,
            end: work.end,
        };
        let reply = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(Fault::Stopped),
            reply = site.asker.ask(&self.from.url, &self.from.headers, asked, Some(&self.from.object)) => reply?,
        };
        match reply {
            Reply::Bytes { body, end, .. } => Ok((body, end)),
            Reply::Stream { .. } => Err(Fault::RangesIgnored),
            Reply::Empty { .. } | Reply::AskWhole => Err(Fault::Wrong(
                "a range was asked for, and none came".to_owned(),
            )),
        }
    }

    /// Writes a chunk as fast as the limits allow: each piece is paid for before it counts, or every
    /// connection would be one piece ahead. Answers whether more is wanted.
    async fn put_paced(&self, cursor: &mut Cursor, mut chunk: Bytes) -> Result<bool, Fault> {
        let site = &self.site;
        loop {
            let step = usize::try_from(site.limits.step()).unwrap_or(usize::MAX);
            let piece = chunk.split_to(step.min(chunk.len()));
            tokio::select! {
                () = self.stop.cancelled() => return Err(Fault::Stopped),
                () = site.limits.take(piece.len() as u64) => {}
            }
            let more = self.put(cursor, piece).await?;
            if !more || chunk.is_empty() {
                return Ok(more);
            }
        }
    }

    /// Writes a piece. Answers whether more is wanted from this connection.
    async fn put(&self, cursor: &mut Cursor, mut chunk: Bytes) -> Result<bool, Fault> {
        while !chunk.is_empty() {
            let room = usize::try_from(cursor.end - cursor.at).unwrap_or(usize::MAX);
            let piece = chunk.split_to(room.min(chunk.len()));
            let length = piece.len() as u64;
            // Counted only once written: what a failed write left is not claimed.
            self.site.writer.write(cursor.at, piece.clone()).await?;
            cursor.crc.update(&piece);
            cursor.at += length;
            self.position.store(cursor.at, Ordering::Relaxed);
            if cursor.at == cursor.end {
                let landed = self
                    .site
                    .table()
                    .landed(self.id, cursor.granule, cursor.head().crc);
                cursor.advance(&self.site);
                if landed.is_damaged {
                    self.from.counts.damaged.fetch_add(1, Ordering::Relaxed);
                }
                if !landed.goes_on? || self.is_to_leave(cursor) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether it is one too many, and has more to bring than a short errand.
    fn is_to_leave(&self, cursor: &Cursor) -> bool {
        self.leave.load(Ordering::Relaxed) && cursor.until.saturating_sub(cursor.at) > ERRAND
    }

    /// The body is over: at its end, or too early.
    fn ended(&self, cursor: &Cursor, end: Option<u64>) -> Result<(), Fault> {
        match end {
            Some(end) if cursor.at < end => Err(Fault::Network(format!(
                "the reply ended {} bytes early",
                end - cursor.at
            ))),
            // A server may send less than the range that was asked for, if it says so.
            Some(_) => Ok(()),
            None => Ok(self.site.table().ended(cursor.granule, cursor.head())?),
        }
    }
}

/// Where a connection is inside its granule.
struct Cursor {
    granule: u32,
    /// Next byte.
    at: u64,
    /// One past the granule's last byte.
    end: u64,
    /// One past the last byte that was asked for.
    until: u64,
    /// What was there before this connection came.
    before: Head,
    /// Where `crc` begins.
    from: u64,
    crc: Crc,
}

impl Cursor {
    fn new(site: &Site, work: Work) -> Self {
        Self {
            granule: work.granule,
            at: work.start,
            end: site.table().segments.bytes(work.granule).end,
            until: work.end,
            before: work.head,
            from: work.start,
            crc: crc(),
        }
    }

    fn advance(&mut self, site: &Site) {
        self.granule = self.granule.saturating_add(1);
        self.end = site.table().segments.bytes(self.granule).end;
        self.before = Head::default();
        self.from = self.at;
        self.crc.reset();
    }

    /// The granule's bytes so far.
    fn head(&self) -> Head {
        match self.at - self.from {
            0 => self.before,
            length => self.before.longer(self.crc.finalize(), length),
        }
    }
}
