//! Where a job's bytes come from. A source is read once, in order, beside the upload; its chunks
//! come over a short channel, so that memory is bounded by the slower side.
//!
//! [`open`] finds a source and says what it is; [`Opened::start`] begins to make its bytes. All
//! that a source sets going is held by its [`Tether`], and is gone once the tether was let go.

mod archive;
mod command;
mod error;
mod path;
mod place;
mod print;
mod tether;
mod url;

use bytes::Bytes;
use longhaul_protocol::JobId;
use tokio::sync::mpsc;

pub(crate) use archive::{ArchiveRecipe, Folder, Format};
pub(crate) use command::CommandRecipe;
pub(crate) use error::SourceError;
pub(crate) use place::{Place, stays_below};
pub(crate) use tether::{Tether, Work};
pub(crate) use url::{Fetcher, Spool, UrlPolicy, UrlRecipe, UrlRefusal};

/// Chunks under way between the source and the upload.
const CHUNKS: usize = 4;
/// Bytes of a chunk at most.
const CHUNK: usize = 1 << 20;

/// What a catalogue entry is made of.
#[derive(Debug, Clone)]
pub(crate) enum Recipe {
    /// One file.
    Path(Place),
    /// Files and folders as one archive.
    Archive(ArchiveRecipe),
    /// What a program prints.
    Command(CommandRecipe),
    /// A file of another server.
    Url(UrlRecipe),
}

/// How long two jobs for one source may be given the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// While they are being made: nobody can say whether the source would give them again.
    Flight,
    /// As long as the source looks as it did.
    Lasting,
}

/// A source that was found; none of its bytes have been read yet.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What it looks like: two that look alike give the same bytes, as far as `sharing` goes.
    pub print: String,
    /// How far that can be relied on.
    pub sharing: Sharing,
    found: Found,
}

#[derive(Debug)]
enum Found {
    Here(Here),
    There(UrlRecipe),
}

/// A source on this machine.
#[derive(Debug)]
enum Here {
    Path(path::Found),
    Archive(archive::Listing),
    Command(CommandRecipe),
}

/// A source being read.
#[derive(Debug)]
pub struct Production {
    /// Bytes of the whole, where known beforehand.
    pub size: Option<u64>,
    /// What tells a later attempt that it would read the same bytes again; none where nothing can.
    pub print: Option<String>,
    /// The bytes, in order; an error is the last. Dropping it stops the source.
    pub chunks: mpsc::Receiver<Result<Bytes, SourceError>>,
}

/// Finds a source, and looks at it.
///
/// # Errors
/// [`SourceError`] where it is not there or cannot be opened.
pub(crate) async fn open(recipe: &Recipe) -> Result<Opened, SourceError> {
    match recipe {
        Recipe::Path(place) => path::find(place.clone()).await,
        Recipe::Archive(recipe) => archive::list(recipe.clone()).await,
        Recipe::Command(recipe) => Ok(unseen(Found::Here(Here::Command(recipe.clone())))),
        Recipe::Url(recipe) => Ok(unseen(Found::There(recipe.clone()))),
    }
}

/// A source that shows nothing of itself until it is read.
const fn unseen(found: Found) -> Opened {
    Opened {
        print: String::new(),
        sharing: Sharing::Flight,
        found,
    }
}

impl Opened {
    /// Whether its bytes wait in the spool before they are stored.
    pub(crate) const fn is_spooled(&self) -> bool {
        matches!(self.found, Found::There(_))
    }

    /// Begins to make the bytes; a file of another server is fetched first, for `job`.
    ///
    /// # Errors
    /// [`SourceError`] where they cannot even be begun.
    pub(crate) async fn start(
        self,
        tether: &Tether,
        fetcher: &Fetcher,
        job: JobId,
    ) -> Result<Production, SourceError> {
        match self.found {
            Found::Here(here) => here.start(self.print, tether),
            Found::There(recipe) => fetcher.start(recipe, job, tether).await,
        }
    }

    #[cfg(test)]
    fn start_here(self, tether: &Tether) -> Result<Production, SourceError> {
        match self.found {
            Found::Here(here) => here.start(self.print, tether),
            Found::There(_) => panic!("it is elsewhere"),
        }
    }
}

impl Here {
    fn start(self, print: String, tether: &Tether) -> Result<Production, SourceError> {
        match self {
            Self::Path(found) => Ok(path::start(found, print, tether)),
            Self::Archive(listing) => Ok(archive::start(listing, tether)),
            Self::Command(recipe) => command::start(recipe, tether),
        }
    }
}

/// Runs `read` on a blocking thread, feeding a short channel until it ends or nobody listens.
fn feed(
    tether: &Tether,
    size: Option<u64>,
    print: Option<String>,
    read: impl FnOnce(&mpsc::Sender<Result<Bytes, SourceError>>) -> Result<(), SourceError>
    + Send
    + 'static,
) -> Production {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    tether.spawn_blocking(move || {
        if let Err(error) = read(&sender) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Production {
        size,
        print,
        chunks,
    }
}
