//! A file of another server: fetched whole into the spool by the transfer engine, in several ranges
//! and over as many attempts as it takes, then read from there.

mod address;
mod policy;
mod spool;

use std::{path::Path, sync::Arc};

use http::HeaderMap;
use longhaul_protocol::{JobId, SignedUrl};
use longhaul_transfer::{
    Engine, EngineConfig, Error, Expected, Guard, Limit, Plain, Progress, Request, WhenTaken,
};
use tokio::sync::watch;
use url::Url;

pub(crate) use self::{
    policy::{UrlPolicy, UrlRefusal},
    spool::Spool,
};
use super::{Place, Production, SourceError, Tether, path};

/// Connections to one origin at a time.
const CONNECTIONS: u8 = 8;
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Failures in a row that an attempt puts up with; the next attempt goes on from there.
const TRIES: u32 = 5;
/// The fetched file's name in its folder: the URL's own could be anything.
const NAME: &str = "blob";

/// What to fetch.
#[derive(Debug, Clone)]
pub(crate) struct UrlRecipe {
    /// From where. It may hold secrets, as a signed one does.
    pub url: SignedUrl,
    /// Sent to that host, and to none that it redirects to.
    pub headers: HeaderMap,
}

/// Fetches, for all jobs.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    engine: Engine,
    spool: Spool,
}

impl Fetcher {
    /// A fetcher that spools below the data folder, and connects where `policy` lets it.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system's certificates cannot be used.
    pub(crate) fn new(data_dir: &Path, policy: UrlPolicy) -> Result<Self, Error> {
        let config = EngineConfig {
            attempts: TRIES,
            redirects: REDIRECTS,
            guard: Some(Guard::new(move |address| policy.allows(address))),
            ..EngineConfig::default()
        };
        Ok(Self {
            engine: Engine::new(config)?,
            spool: Spool::below(data_dir),
        })
    }

    /// Where fetched files wait.
    pub(crate) const fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) async fn start(
        &self,
        recipe: UrlRecipe,
        job: JobId,
        tether: &Tether,
    ) -> Result<Production, SourceError> {
        let folder = self.spool.of(job);
        if !self.spool.is_there(job, NAME).await {
            self.fetch(recipe, job, tether).await?;
        }
        let opened = path::find(Place::below(&folder, Path::new(NAME))).await?;
        match opened.found {
            super::Found::Here(here) => here.start(opened.print, tether),
            super::Found::There(_) => Err(SourceError::Spool {
                why: "the fetched file is elsewhere".into(),
            }),
        }
    }

    async fn fetch(
        &self,
        recipe: UrlRecipe,
        job: JobId,
        tether: &Tether,
    ) -> Result<(), SourceError> {
        let host = host_of(recipe.url.expose());
        let request = Request {
            id: job.0,
            source: Arc::new(Plain::new(recipe.url)),
            mirrors: Vec::new(),
            folder: self.spool.of(job),
            sort: None,
            settles: false,
            name: Some(NAME.to_owned()),
            when_taken: WhenTaken::Number,
            expected: Expected::default(),
            connections: CONNECTIONS,
            limit: Limit::default(),
            headers: recipe.headers,
        };
        let (sender, mut progress) = watch::channel(Progress::default());
        let pull = self.engine.pull(request, &sender, tether.stop.clone());
        tokio::pin!(pull);
        let finished = loop {
            tokio::select! {
                finished = &mut pull => break finished,
                Ok(()) = progress.changed() => {
                    let now = progress.borrow_and_update();
                    tether.work.fetched(now.done, now.fetched, now.size);
                }
            }
        };
        match finished {
            Ok(finished) => {
                tether
                    .work
                    .fetched(finished.size, finished.bytes_fetched, Some(finished.size));
                Ok(())
            }
            Err(error) => Err(told(&host, error)),
        }
    }
}

/// Host and port: all of a URL that is ever told.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("nobody");
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Why an origin gave no file, and whose fault that is.
fn told(host: &str, error: Error) -> SourceError {
    let retryable = error.retryable();
    let origin = |why: String, gone: bool, retryable: bool| {
        let hope = if retryable {
            "trying again may help"
        } else {
            "trying again will not help"
        };
        SourceError::Origin {
            host: host.to_owned(),
            why: format!("{why}; {hope}"),
            gone,
            retryable,
        }
    };
    match error {
        Error::NotFound { status, .. } => origin(
            format!("does not have the file (status {status})"),
            true,
            false,
        ),
        Error::LinkRefused { reason, .. } => {
            origin(format!("gave no file: {reason}"), false, false)
        }
        Error::Refused { status, .. } => {
            origin(format!("refused with status {status}"), false, false)
        }
        Error::Redirect { .. } => origin(
            "redirects too often, or to where nobody may follow".into(),
            false,
            false,
        ),
        Error::NotAllowed { host: to, .. } => origin(
            format!("leads to {to}, which this server does not connect to"),
            false,
            false,
        ),
        Error::Overloaded { status, .. } => origin(
            format!("is overloaded or failing (status {status})"),
            false,
            true,
        ),
        Error::BadReply { what, .. } => origin(format!("answers wrongly: {what}"), false, true),
        Error::Network { what, .. } => origin(format!("cannot be reached: {what}"), false, true),
        Error::NotAFile { what, .. } => origin(format!("gave {what} for a file"), false, false),
        Error::Changed { .. } => SourceError::changed(format!("the file at {host}")),
        Error::DiskFull { needed, .. } => SourceError::Spool {
            why: format!("{needed} more bytes do not fit"),
        },
        other if retryable => origin(other.to_string(), false, true),
        other => SourceError::Spool {
            why: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use longhaul_protocol::FaultCode;

    use super::*;

    #[test]
    fn an_origins_fault_names_its_host_and_whether_a_retry_helps_and_no_query() {
        let url = Url::parse("https://files.example:8443/a?token=secret").expect("a URL");
        let host = host_of(&url);
        let gone = told(
            &host,
            Error::NotFound {
                status: 410,
                kept: 0,
            },
        )
        .fault();
        assert_eq!(
            gone.message,
            "the origin files.example:8443 does not have the file (status 410); \
             trying again will not help"
        );
        assert_eq!(
            (gone.code, gone.retryable),
            (FaultCode::SourceMissing, false)
        );
        let busy = told(
            &host,
            Error::Overloaded {
                status: 503,
                kept: 0,
            },
        )
        .fault();
        assert_eq!((busy.code, busy.retryable), (FaultCode::SourceFailed, true));
        assert!(busy.message.contains("status 503"), "{}", busy.message);
        let full = told(&host, Error::DiskFull { needed: 7, kept: 0 }).fault();
        assert_eq!((full.code, full.retryable), (FaultCode::Internal, true));
    }
}
