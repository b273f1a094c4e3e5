//! How a pull begins: a link, the first reply, and the part file that its bytes go into.

use std::{sync::Arc, time::Duration};

use longhaul_protocol::SignedUrl;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::Instant;
use url::Url;

use crate::{
    Error, Phase, Plain, WhenTaken,
    connection::First,
    discover::discover,
    download::{Begun, Pull, Ready},
    file::{self, Earlier, Part, blocking, name},
    patience::{in_the_end, in_words},
    probe::{Asked, Fault, Object, Reply},
    renew::Links,
    reply::is_page,
    small::Short,
    source::is_its_own,
    table::Table,
};

/// Endings of files that are never web pages.
const NEVER_PAGES: [&str; 24] = [
    "7z", "apk", "avi", "bin", "bz2", "deb", "dmg", "exe", "flac", "gz", "img", "iso", "jpg",
    "mkv", "mp3", "mp4", "msi", "pdf", "png", "rar", "tgz", "xz", "zip", "zst",
];

/// The first usable reply: what it is of, and its body where it has one.
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) object: Object,
    pub(crate) ranged: bool,
    pub(crate) first: Option<First>,
}

impl Pull<'_> {
    /// Asks for the first bytes, and makes the part file that they go into.
    pub(crate) async fn begin(
        &mut self,
        part: Option<Arc<Part>>,
        whole_only: bool,
    ) -> Result<Begun, Error> {
        loop {
            let asked = Instant::now();
            let (reply, url) = self.first_reply(whole_only).await?;
            let answer = asked.elapsed();
            let opened = self.opened(reply, &url)?;
            let opened = match part {
                Some(_) => opened,
                None if self.sorted(&opened.name).await? => return Ok(Begun::Elsewhere),
                None => match self.small(self.named(opened).await?).await? {
                    Short::There(finished) => return Ok(Begun::There(finished)),
                    Short::Long(opened) => opened,
                    Short::Again => continue,
                },
            };
            return self.prepared(part, opened, answer).await.map(Begun::Ready);
        }
    }

    /// Turns to the folder for what has this name; answers whether an earlier run has left
    /// something there.
    async fn sorted(&mut self, name: &str) -> Result<bool, Error> {
        let sort = self.request.sort.take();
        let folder = sort.map(|sort| sort.folder_of(name));
        let Some(folder) = folder.filter(|folder| *folder != self.request.folder) else {
            return Ok(false);
        };
        self.request.folder.clone_from(&folder);
        // Told before anything is in it: whoever is to clean up must know where.
        self.report.now.folder = Some(folder);
        self.report.tell();
        Ok(!matches!(self.earlier().await?, Earlier::Nothing))
    }

    /// The same again where its name may be used: who wants no other is told before a byte is fetched.
    async fn named(&self, opened: Opened) -> Result<Opened, Error> {
        let when_taken = self.request.when_taken;
        if when_taken == WhenTaken::Refuse {
            let (folder, name) = (self.request.folder.clone(), opened.name.clone());
            if !blocking(move || Ok(file::is_free(&folder, &name))).await? {
                return Err(when_taken.none_is_free(&opened.name));
            }
        }
        Ok(opened)
    }

    /// Takes the first reply apart.
    fn opened(&mut self, reply: Reply, url: &Url) -> Result<Opened, Error> {
        let (mut object, headers, body, ranged) = match reply {
            Reply::Empty { headers, object } => (object, headers, None, true),
            Reply::Stream { body, object } => {
                (object, body.headers().clone(), Some((body, None)), false)
            }
            // A server may send less than all, if it says so: the rest is asked for later.
            Reply::Bytes { body, object, end } => (
                object,
                body.headers().clone(),
                Some((body, Some(end))),
                true,
            ),
            Reply::AskWhole => {
                return Err(Error::BadReply {
                    what: "no way to ask for the file works".to_owned(),
                    kept: 0,
                });
            }
        };
        object.size = object.size.or(self.expected.size);
        self.discover(&headers, url);
        let first = body.map(|(body, end)| First {
            body,
            start: 0,
            end: end.or(object.size),
        });
        Ok(Opened {
            name: self.name(&headers, url)?,
            object,
            ranged,
            first,
        })
    }

    /// Takes in the mirrors that the server names, where the bytes of all can be proven together.
    fn discover(&mut self, headers: &HeaderMap, url: &Url) {
        let found = discover(headers, url);
        if found.mirrors.is_empty() || self.has_discovered {
            return;
        }
        self.has_discovered = true;
        let expected = &mut self.request.expected;
        expected.sha256 = expected.sha256.or(found.sha256);
        if expected.sha256.is_none() && expected.manifest.is_none() {
            return;
        }
        for mirror in found.mirrors {
            let mirror = Plain::new(SignedUrl::new(mirror));
            self.sources.add(Arc::new(mirror), &self.parts.config);
        }
    }

    async fn prepared(
        &mut self,
        part: Option<Arc<Part>>,
        opened: Opened,
        answer: Duration,
    ) -> Result<Box<Ready>, Error> {
        let part = self.part(part, opened.name, opened.object.size).await?;
        let (object, ranged, first) = (opened.object, opened.ranged, opened.first);
        Ok(Box::new(self.ready(part, object, ranged, first, answer)))
    }

    fn ready(
        &self,
        part: Arc<Part>,
        object: Object,
        ranged: bool,
        first: Option<First>,
        answer: Duration,
    ) -> Ready {
        let manifest = self.request.expected.manifest.clone();
        let table = Table::new(object.clone(), manifest, ranged);
        let site = self.site(&part, object, table);
        Ready {
            part,
            site,
            ranged,
            first,
            answer,
        }
    }

    /// The first usable reply, however many tries it takes.
    async fn first_reply(&mut self, whole_only: bool) -> Result<(Reply, Url), Error> {
        loop {
            match self.first_reply_of_first(whole_only).await {
                Err(error) if self.is_replaced(&error) => {}
                answer => return answer,
            }
        }
    }

    /// Whether the source that failed like this was given up for another one.
    fn is_replaced(&mut self, error: &Error) -> bool {
        let first = self.sources.first_id();
        let fault = Fault::Fatal(error.clone());
        is_its_own(&fault) && self.sources.drop_one(first, &in_words(&fault))
    }

    async fn first_reply_of_first(&mut self, whole_only: bool) -> Result<(Reply, Url), Error> {
        let mut asked = if whole_only { Asked::Whole } else { Asked::All };
        let known = match self.sources.first_id() {
            0 => self.expected.clone(),
            // Another server has other validators for the same bytes.
            _ => Object {
                size: self.expected.size,
                ..Object::default()
            },
        };
        loop {
            let url = self.link().await?;
            let headers = self.sources.first().headers().clone();
            let reply = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Error::Stopped { kept: 0 }),
                reply = self.parts.asker.ask(&url, &headers, asked, Some(&known)) => reply,
            };
            match reply {
                Ok(Reply::AskWhole) if asked == Asked::All => asked = Asked::Whole,
                Ok(reply) => return Ok((reply, url)),
                Err(Fault::Expired { status }) => self.renew(status).await?,
                Err(Fault::Changed(what)) => return Err(Error::changed(what)),
                Err(fault) => self.wait_out(fault).await?,
            }
        }
    }

    /// The present link; the first is asked for here.
    pub(crate) async fn link(&mut self) -> Result<Url, Error> {
        loop {
            if let Some(link) = self.sources.first().link() {
                return Ok(link.url.expose().clone());
            }
            let asked = Links::start(self.sources.first().origin());
            let links = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Error::Stopped { kept: 0 }),
                links = asked => links,
            };
            match links {
                Ok(links) => self.sources.first().links = Some(links),
                Err(error) if error.retryable => {
                    self.wait_out(Fault::Fatal(error.into())).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn renew(&mut self, status: u16) -> Result<(), Error> {
        let fetched = self.report.fetched();
        let base = self.parts.config.backoff;
        let Some(links) = &mut self.sources.first().links else {
            return Ok(());
        };
        links.refused(status, fetched)?;
        let wait = links.wait(base);
        let renewal = links.renew();
        let link = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(Error::Stopped { kept: 0 }),
            link = async { tokio::time::sleep(wait).await; renewal.await } => link,
        };
        match link {
            Ok(link) => {
                links.install(link, fetched);
                self.report.here.links_renewed += 1;
                Ok(())
            }
            Err(error) if error.retryable => self.wait_out(Fault::Fatal(error.into())).await,
            Err(error) => Err(Error::LinkRefused {
                reason: format!("{} (status {status})", error.message),
                retryable: false,
                kept: 0,
            }),
        }
    }

    /// Waits before another try, if there is to be one.
    pub(crate) async fn wait_out(&mut self, fault: Fault) -> Result<(), Error> {
        // What cannot be cured is not waited for; only a link that may be had later is.
        if let Fault::Fatal(error) = &fault
            && !error.retryable()
        {
            return Err(error.clone());
        }
        if matches!(fault, Fault::Stopped) {
            return Err(in_the_end(fault));
        }
        let words = in_words(&fault);
        let furthest = self.high_water();
        let wait = self.sources.first().patience.failed(fault, furthest)?;
        tracing::debug!(?wait, "the source failed: {words}");
        self.report.now.trouble = Some(words);
        self.report.now.phase = Phase::BackingOff;
        self.report.tell();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Stopped { kept: 0 }),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// What counts as progress between failures here: a stream that begins again and again has
    /// made some only once it gets further than ever before.
    fn high_water(&mut self) -> u64 {
        self.report.furthest = self.report.furthest.max(self.report.now.done);
        self.report.furthest
    }

    /// The part file for this reply: a new one under a free name, or the emptied old one.
    async fn part(
        &mut self,
        part: Option<Arc<Part>>,
        name: String,
        size: Option<u64>,
    ) -> Result<Arc<Part>, Error> {
        let (folder, id) = (self.request.folder.clone(), self.request.id);
        let when_taken = self.request.when_taken;
        self.parts.leftovers.begun(&folder, id);
        let counters = self.report.counters();
        let part = blocking(move || {
            let part = match part {
                Some(part) => {
                    part.blank(id, counters)?;
                    part
                }
                None => Arc::new(file::begin(&folder, id, &name, when_taken)?),
            };
            if let Err(error) = part.allocate(size.unwrap_or_default()) {
                // Nothing is in it: an empty part file would only be litter.
                part.remove()?;
                return Err(error);
            }
            Ok(part)
        })
        .await?;
        self.report.now.name = Some(part.place.name.clone());
        Ok(part)
    }

    /// The name for what this reply is of.
    fn name(&self, headers: &HeaderMap, url: &Url) -> Result<String, Error> {
        let disposition = headers.get(CONTENT_DISPOSITION).map(HeaderValue::as_bytes);
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let name = name::choose(self.request.name.as_deref(), disposition, url, kind);
        if self.is_unexpected_page(headers, &name) {
            return Err(Error::NotAFile {
                what: "a web page".to_owned(),
                kept: 0,
            });
        }
        Ok(name)
    }

    /// A page where a file was asked for: a login, an error, "your link has expired".
    fn is_unexpected_page(&self, headers: &HeaderMap, name: &str) -> bool {
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase());
        self.expected == Object::default()
            && is_page(headers)
            && ending.is_some_and(|ending| NEVER_PAGES.contains(&ending.as_str()))
    }
}
