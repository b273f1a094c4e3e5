//! The way of one download, top to bottom: what is there, the probe, the bytes, the proof, the name.

use std::{path::PathBuf, sync::Arc, time::Duration};

use longhaul_protocol::{Crc64Nvme, Sha256};
use reqwest::header::{self, HeaderName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Expected, Finished, Phase, Progress, Request, Verified,
    connection::{First, Site},
    crew::{Crew, Job, Outcome},
    engine::Parts,
    file::{self, Earlier, Keeper, Part, Writer, blocking, control::Record},
    limit::Limits,
    patience::in_words,
    probe::Object,
    reply::is_strong,
    report::Report,
    restore::restore,
    source::Sources,
    table::Table,
    verify::digest::Trailing,
};

/// An object that changes this often while it is pulled is not pulled.
const START_OVERS: u32 = 3;

/// Headers that say which bytes are asked for, or that belong to the connection.
const OWN_HEADERS: [HeaderName; 13] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub(crate) async fn pull(
    parts: &Parts,
    request: Request,
    progress: &watch::Sender<Progress>,
    stop: CancellationToken,
) -> Result<Finished, Error> {
    let mut pull = Pull {
        parts,
        expected: object_of(&request.expected),
        sources: Sources::new(&request, &parts.config),
        report: Report::new(progress),
        limits: Limits::new(parts.limit.clone(), request.limit.clone()),
        request,
        stop,
        may_be_small: true,
        has_discovered: false,
        resumed: false,
        kept: 0,
    };
    pull.report.tell();
    let result = pull.run().await;
    if let Err(error) = &result {
        pull.report.now.connections = 0;
        pull.report.now.trouble = Some(error.to_string());
        pull.report.tell();
    }
    result.map_err(|error| error.with_kept(pull.kept))
}

/// What the request says of the object, to be held against the first reply.
fn object_of(expected: &Expected) -> Object {
    let manifest = expected.manifest.as_deref();
    Object {
        size: expected.size.or(manifest.map(|manifest| manifest.size)),
        etag: expected
            .etag
            .clone()
            .or(manifest.map(|manifest| manifest.etag.clone()))
            .filter(|etag| is_strong(etag)),
        last_modified: None,
    }
}

/// A pull on its way.
pub(crate) struct Pull<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) request: Request,
    pub(crate) expected: Object,
    pub(crate) stop: CancellationToken,
    pub(crate) report: Report<'a>,
    pub(crate) sources: Sources,
    pub(crate) limits: Limits,
    /// Whether the file may be taken by the short way, should it be small.
    pub(crate) may_be_small: bool,
    /// Whether some of the bytes are an earlier run's, which nothing proved yet.
    pub(crate) resumed: bool,
    /// Whether the server's own mirrors are known.
    pub(crate) has_discovered: bool,
    /// Bytes on the disk that a later run goes on from.
    pub(crate) kept: u64,
}

/// Everything that the connections need.
pub(crate) struct Ready {
    pub(crate) part: Arc<Part>,
    pub(crate) site: Arc<Site>,
    pub(crate) ranged: bool,
    pub(crate) first: Option<First>,
    /// How long the source took to answer.
    pub(crate) answer: Duration,
}

/// What came of the beginning.
pub(crate) enum Begun {
    Ready(Box<Ready>),
    /// The file was small, and is there already.
    There(Finished),
    /// An earlier run began it in the folder that its name belongs to.
    Elsewhere,
}

/// Where to begin.
enum Start {
    Fresh(Option<Arc<Part>>),
    Resumed(Box<Ready>),
    There(Finished),
}

impl Pull<'_> {
    async fn run(&mut self) -> Result<Finished, Error> {
        self.check_expectations()?;
        let mut start = self.start().await?;
        let mut whole_only = false;
        let mut changes = 0;
        loop {
            let mut ready = match start {
                Start::There(finished) => return Ok(finished),
                Start::Resumed(ready) => *ready,
                Start::Fresh(part) => match self.begin(part, whole_only).await? {
                    Begun::Ready(ready) => *ready,
                    Begun::There(finished) => return Ok(finished),
                    Begun::Elsewhere => {
                        start = self.start().await?;
                        continue;
                    }
                },
            };
            let trailing = self.trailing(&ready);
            let first = ready.first.take();
            let worked = self.crew(&ready, first, trailing.as_ref()).await;
            let worked = worked.and_then(|(outcome, kept)| {
                self.kept = kept;
                outcome
            });
            let trailing = match (&worked, trailing) {
                (Ok(Outcome::Complete), trailing) => trailing,
                (_, Some(trailing)) => {
                    trailing.abandon().await;
                    None
                }
                (_, None) => None,
            };
            let why = match worked? {
                Outcome::Complete => match self.conclude(&ready, trailing).await? {
                    Some(finished) => return Ok(finished),
                    None => {
                        "the bytes of several runs or sources are not the file that was promised"
                            .to_owned()
                    }
                },
                Outcome::Changed(what) => {
                    changes += 1;
                    // Whoever said which object it is to be does not want another one.
                    if self.expected.etag.is_some() || changes > START_OVERS {
                        return Err(Error::changed(what));
                    }
                    format!("the file has changed at its source: {what}")
                }
                Outcome::RangesIgnored => {
                    whole_only = true;
                    "the source does not serve ranges after all".to_owned()
                }
                Outcome::Again(fault) => {
                    let words = in_words(&fault);
                    self.wait_out(fault).await?;
                    words
                }
            };
            self.starts_over(&why);
            self.kept = 0;
            start = Start::Fresh(Some(Arc::clone(&ready.part)));
        }
    }

    fn check_expectations(&self) -> Result<(), Error> {
        if let Some(name) = self
            .request
            .headers
            .keys()
            .find(|name| OWN_HEADERS.contains(name))
        {
            return Err(Error::Header {
                name: name.to_string(),
                kept: 0,
            });
        }
        let expected = &self.request.expected;
        let Some(manifest) = expected.manifest.as_deref() else {
            return Ok(());
        };
        if !manifest.is_consistent() {
            return Err(Error::Manifest { kept: 0 });
        }
        if expected.size.is_some_and(|size| size != manifest.size) {
            return Err(Error::changed("the manifest is of another size"));
        }
        if expected.sha256.is_some_and(|sha| sha != manifest.sha256) {
            return Err(Error::DigestMismatch {
                what: "the source has a file of another sha256".to_owned(),
                kept: 0,
            });
        }
        Ok(())
    }

    async fn start(&mut self) -> Result<Start, Error> {
        Ok(match self.earlier().await? {
            Earlier::Nothing => Start::Fresh(None),
            Earlier::Begun(part, record) => self.take_up(Arc::new(part), record).await?,
            Earlier::Landed(path, place, record) => {
                if !self.request.settles {
                    let done = place.clone();
                    blocking(move || file::settle(&done)).await?;
                }
                Start::There(self.landed(path, place, &record))
            }
        })
    }

    pub(crate) async fn earlier(&self) -> Result<Earlier, Error> {
        let (folder, id) = (self.request.folder.clone(), self.request.id);
        self.parts.leftovers.of(folder, id).await
    }

    /// An earlier run finished the file and died before it could say so.
    fn landed(&mut self, path: PathBuf, place: PathBuf, record: &Record) -> Finished {
        self.report.before = record.counters;
        let size = record.object.as_ref().map_or(0, |object| object.size);
        let whole = Crc64Nvme(crate::file::whole_of(record));
        self.finished(path, place, size, whole, None)
    }

    /// Goes on with what an earlier run left, as far as it can be trusted.
    async fn take_up(
        &mut self,
        part: Arc<Part>,
        record: Option<Box<Record>>,
    ) -> Result<Start, Error> {
        self.report.now.name = Some(part.place.name.clone());
        let Some(record) = record else {
            self.starts_over("the control record is damaged");
            return Ok(Start::Fresh(Some(part)));
        };
        self.report.before = record.counters;
        self.kept = claimed(&record);
        let (expected, manifest) = (
            self.expected.clone(),
            self.request.expected.manifest.clone(),
        );
        let (held, claims, stop) = (Arc::clone(&part), record.clone(), self.stop.clone());
        let restored =
            blocking(move || restore(&held, &claims, &expected, manifest.as_ref(), &stop)).await?;
        match restored {
            Ok((object, table)) => {
                self.kept = table.segments.done_bytes(|_| None);
                self.resumed = self.kept > 0;
                tracing::info!(bytes = self.kept, "the download goes on");
                let site = self.site(&part, object, table);
                Ok(Start::Resumed(Box::new(Ready {
                    part,
                    site,
                    ranged: true,
                    first: None,
                    answer: Duration::ZERO,
                })))
            }
            Err(distrust) => {
                // Nothing is lost by it where nothing was claimed.
                if self.kept > 0 {
                    self.starts_over(distrust);
                }
                self.kept = 0;
                Ok(Start::Fresh(Some(part)))
            }
        }
    }

    fn starts_over(&mut self, why: &str) {
        tracing::warn!(id = %self.request.id, "the download starts over: {why}");
        let now = &mut self.report.now;
        now.trouble = Some(format!("starting over: {why}"));
        now.started_over += 1;
        now.phase = Phase::Starting;
        now.done = 0;
        now.verified = 0;
        now.segments.clear();
        self.report.tell();
    }

    pub(crate) fn site(&self, part: &Part, object: Object, table: Table) -> Arc<Site> {
        Arc::new(Site::new(
            self.parts,
            object,
            Writer::new(Arc::clone(&part.file)),
            table,
            Arc::clone(&self.report.fetched),
            self.limits.clone(),
        ))
    }

    /// A sha256 costs as much CPU as the whole pull: only where it was asked for and no manifest
    /// proves more.
    fn trailing(&self, ready: &Ready) -> Option<Trailing> {
        let expected = &self.request.expected;
        (expected.sha256.is_some() && expected.manifest.is_none())
            .then(|| Trailing::start(Arc::clone(&ready.part.file)))
    }

    async fn crew(
        &mut self,
        ready: &Ready,
        first: Option<First>,
        trailing: Option<&Trailing>,
    ) -> Result<(Result<Outcome, Error>, u64), Error> {
        let (size, complete) = {
            let table = ready.site.table();
            (ready.site.object.size, table.segments.is_complete())
        };
        self.report.now.size = size;
        if complete {
            return Ok((Ok(Outcome::Complete), size.unwrap_or_default()));
        }
        self.link().await?;
        self.sources.first().object = Some(Arc::new(ready.site.object.clone()));
        let job = Job {
            parts: self.parts,
            site: Arc::clone(&ready.site),
            record: Record::new(self.request.id, &ready.part.place.name),
            keeper: Keeper::new(Arc::clone(&ready.part)),
            ranged: ready.ranged,
            proven: self.request.expected.manifest.is_some(),
            most: usize::from(self.request.connections.clamp(1, 64)),
            trailing,
            stop: &self.stop,
        };
        let crew = Crew::new(
            job,
            &mut self.sources,
            &mut self.report,
            first,
            ready.answer,
        );
        Ok(crew.run().await)
    }

    /// All bytes are there: the last proofs, the sync, the name. None where the bytes of several
    /// sources were not those promised: then one alone is to be asked.
    async fn conclude(
        &mut self,
        ready: &Ready,
        trailing: Option<Trailing>,
    ) -> Result<Option<Finished>, Error> {
        self.report.now.trouble = None;
        self.report.now.connections = 0;
        self.report.now.phase = Phase::Finishing;
        self.report.tell();
        let (part, site) = (Arc::clone(&ready.part), Arc::clone(&ready.site));
        let mut record = Record::new(self.request.id, &part.place.name);
        record.counters = self.report.counters();
        let (mut record, whole) = blocking(move || {
            let table = site.table();
            table.note(&mut record);
            Ok((record, table.whole()))
        })
        .await?;
        let size = record.object.as_ref().map_or(0, |object| object.size);
        let sha256 = match trailing {
            Some(trailing) => Some(
                trailing
                    .finish(size)
                    .await
                    .map_err(|error| Error::disk("read", &error))?,
            ),
            None => None,
        };
        if let Some(what) = self.mismatch(whole, sha256) {
            let several = self
                .sources
                .uses()
                .iter()
                .filter(|used| used.fetched > 0)
                .count()
                > 1;
            // Bytes that came damaged in an earlier run, or from one of several sources, are not
            // what this source gives: from it alone, and from the first byte on, once.
            if std::mem::take(&mut self.resumed) || (several && self.sources.alone()) {
                return Ok(None);
            }
            // Nobody can say which bytes are wrong, so none are worth keeping.
            blocking(move || part.remove()).await?;
            self.kept = 0;
            return Err(Error::DigestMismatch {
                what: what.to_owned(),
                kept: 0,
            });
        }
        let (settles, place) = (self.request.settles, part.place.record());
        let path = blocking(move || file::finish(&part, &mut record, settles)).await?;
        if !settles {
            self.parts
                .leftovers
                .gone(&self.request.folder, self.request.id);
        }
        self.report.now.size = Some(size);
        Ok(Some(self.finished(path, place, size, whole, sha256)))
    }

    pub(crate) fn mismatch(
        &self,
        whole: Crc64Nvme,
        sha256: Option<Sha256>,
    ) -> Option<&'static str> {
        let expected = &self.request.expected;
        if expected.crc64nvme.is_some_and(|crc| crc != whole) {
            return Some("the CRC-64/NVME of the whole differs");
        }
        match (expected.sha256, sha256) {
            (Some(expected), Some(found)) if expected != found => {
                Some("the sha256 of the whole differs")
            }
            _ => None,
        }
    }

    pub(crate) fn finished(
        &mut self,
        path: PathBuf,
        record: PathBuf,
        size: u64,
        crc64nvme: Crc64Nvme,
        sha256: Option<Sha256>,
    ) -> Finished {
        let expected = &self.request.expected;
        let verified = if expected.manifest.is_some() {
            Verified::Blocks
        } else if expected.crc64nvme.is_some() || expected.sha256.is_some() {
            Verified::Digest
        } else {
            Verified::Length
        };
        let now = &mut self.report.now;
        now.phase = Phase::Finishing;
        now.name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        now.size = Some(size);
        now.done = size;
        if verified == Verified::Blocks {
            now.verified = size;
        }
        self.report.tell();
        let counters = self.report.counters();
        tracing::info!(id = %self.request.id, bytes = size, fetched = counters.fetched, "the file is there");
        Finished {
            path,
            size,
            verified,
            crc64nvme,
            sha256,
            bytes_fetched: counters.fetched,
            links_renewed: counters.links_renewed,
            blocks_refetched: counters.blocks_refetched,
            sources: self.sources.uses(),
            record: self.request.settles.then_some(record),
        }
    }
}

/// Bytes that a record claims.
pub(crate) fn claimed(record: &Record) -> u64 {
    let Some(object) = &record.object else {
        return 0;
    };
    let granules = record.done.iter().map(|range| {
        let start = u64::from(range.start).saturating_mul(object.granule);
        let end = u64::from(range.end).saturating_mul(object.granule);
        end.min(object.size).saturating_sub(start)
    });
    let heads = record.heads.iter().map(|head| head.length);
    // Whoever can write a record can seal it: its numbers may be anything.
    granules.chain(heads).fold(0, u64::saturating_add)
}
