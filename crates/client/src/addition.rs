//! One download to add, and whether it can be asked for at all.

use std::path::PathBuf;

use longhaul_protocol::{FileId, Sha256};
use url::Url;

use crate::{error::ManagerError, servers::ServerId, settings::at_least, view::DownloadSource};

/// One download to add, with what an [`AddItem`](crate::AddItem) cannot say.
#[derive(Debug, Clone)]
pub struct NewDownload {
    /// What.
    pub source: DownloadSource,
    /// The name to show until the server says its own.
    pub name: Option<String>,
    /// Where to; the settings' folder where absent. Absolute.
    pub folder: Option<PathBuf>,
    /// What its digest must be; anything else is never put under its final name.
    pub sha256: Option<Sha256>,
    /// Whose job it is, where it takes one.
    pub server: ServerId,
    /// Bytes per second at most.
    pub limit: Option<u64>,
    /// Whether it waits, paused, until it is told to go on.
    pub paused: bool,
}

impl NewDownload {
    /// A file of the catalogue.
    #[must_use]
    pub const fn file(file_id: FileId) -> Self {
        Self::of(DownloadSource::File { file_id })
    }

    /// A URL that the server shall fetch.
    #[must_use]
    pub const fn url(url: String) -> Self {
        Self::of(DownloadSource::Url { url })
    }

    /// A URL that this machine shall pull by itself.
    #[must_use]
    pub const fn direct(url: String) -> Self {
        Self::of(DownloadSource::Direct { url })
    }

    /// Anything that can be downloaded.
    #[must_use]
    pub const fn of(source: DownloadSource) -> Self {
        Self {
            source,
            name: None,
            folder: None,
            sha256: None,
            server: ServerId::FIRST,
            limit: None,
            paused: false,
        }
    }

    /// The same, its URL as it is kept, where it can be downloaded at all.
    ///
    /// # Errors
    /// When the folder is not absolute, the URL is none, is neither http nor https or holds a
    /// password, or the limit is below 1 KiB/s.
    pub fn checked(mut self) -> Result<Self, ManagerError> {
        let invalid = |why: String| Err(ManagerError::Invalid(why));
        if let Some(folder) = &self.folder
            && !folder.is_absolute()
        {
            let folder = folder.display();
            return invalid(format!(
                "the folder {folder} must be given from the root on"
            ));
        }
        at_least(self.limit)?;
        if let DownloadSource::Url { url } | DownloadSource::Direct { url } = &mut self.source {
            let parsed = Url::parse(url.trim())
                .map_err(|error| ManagerError::Invalid(format!("this is no URL ({error})")))?;
            if !matches!(parsed.scheme(), "http" | "https") {
                let scheme = parsed.scheme();
                return invalid(format!(
                    "a URL must begin with http:// or https://, not {scheme}:"
                ));
            }
            if !parsed.username().is_empty() || parsed.password().is_some() {
                return invalid(
                    "a URL with a user name or password would keep them in the list in plain text; \
                     take them out"
                        .to_owned(),
                );
            }
            *url = parsed.into();
        }
        Ok(self)
    }
}
