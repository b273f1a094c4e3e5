//! The catalogue: what a file_id is. The files of the library folder, and the entries of a file.

mod entries;
mod library;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use longhaul_protocol::{FileEntry, FileId, FilesPage};

use crate::{config::ConfigError, source::Recipe};

/// The library is walked again when it is asked for and the last walk is older than this.
const FRESH: Duration = Duration::from_secs(2);

/// What a variable of the server's environment holds, for the entries that name it.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One thing that can be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// As the API shows it.
    pub entry: FileEntry,
    /// The name that its file is offered under.
    pub file_name: String,
    /// How it is made.
    pub recipe: Recipe,
}

/// The catalogue. Cheap to share.
#[derive(Debug)]
pub(crate) struct Catalogue {
    library: Option<PathBuf>,
    named: Vec<Arc<Item>>,
    seen: Mutex<Option<(Instant, Arc<Shelf>)>>,
}

/// The catalogue at one moment.
#[derive(Debug, Default)]
struct Shelf {
    /// By name.
    items: Vec<Arc<Item>>,
    by_id: HashMap<FileId, Arc<Item>>,
}

impl Catalogue {
    /// Reads the entries' file; the library is walked when it is asked for.
    ///
    /// # Errors
    /// [`ConfigError`] where the entries' file is wrong.
    pub(crate) fn open(
        library: Option<PathBuf>,
        entries: Option<PathBuf>,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            library,
            named: match entries {
                Some(path) => entries::read(&path, environment)?
                    .into_iter()
                    .map(Arc::new)
                    .collect(),
                None => Vec::new(),
            },
            seen: Mutex::new(None),
        })
    }

    /// One page of the files whose name holds `query`, whatever its case, by name.
    /// `cursor` is the name to go on after.
    pub(crate) async fn list(
        self: &Arc<Self>,
        query: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> FilesPage {
        let shelf = self.shelf(false).await;
        let query = query.to_lowercase();
        let start = cursor.map_or(0, |cursor| {
            shelf
                .items
                .partition_point(|item| item.entry.name.as_str() <= cursor)
        });
        let mut found = shelf.items[start..]
            .iter()
            .filter(|item| query.is_empty() || item.entry.name.to_lowercase().contains(&query));
        let files: Vec<_> = found
            .by_ref()
            .take(limit)
            .map(|item| item.entry.clone())
            .collect();
        let next_cursor = match found.next() {
            Some(_) => files.last().map(|last| last.name.clone()),
            None => None,
        };
        FilesPage { files, next_cursor }
    }

    /// The item with this id. One that is not known is looked for on the disk before it is denied.
    pub(crate) async fn find(self: &Arc<Self>, id: FileId) -> Option<Arc<Item>> {
        if let Some(item) = self.shelf(false).await.by_id.get(&id) {
            return Some(Arc::clone(item));
        }
        self.shelf(true).await.by_id.get(&id).cloned()
    }

    async fn shelf(self: &Arc<Self>, missed: bool) -> Arc<Shelf> {
        let at = Instant::now();
        // A miss may be a file of this very second; two walks a second are the most it can cause.
        let fresh = if missed { FRESH / 4 } else { FRESH };
        if let Some((then, shelf)) = &*self.lock()
            && at.duration_since(*then) < fresh
        {
            return Arc::clone(shelf);
        }
        let this = Arc::clone(self);
        let walked = tokio::task::spawn_blocking(move || Arc::new(this.walk())).await;
        let Ok(shelf) = walked else {
            tracing::error!("the library could not be walked");
            return self
                .lock()
                .as_ref()
                .map(|(_, shelf)| Arc::clone(shelf))
                .unwrap_or_default();
        };
        *self.lock() = Some((at, Arc::clone(&shelf)));
        shelf
    }

    fn walk(&self) -> Shelf {
        let mut by_id: HashMap<_, _> = self
            .named
            .iter()
            .map(|item| (item.entry.file_id, Arc::clone(item)))
            .collect();
        if let Some(root) = &self.library {
            library::walk(root, &mut by_id);
        }
        let mut items: Vec<_> = by_id.values().cloned().collect();
        items.sort_by(|a, b| {
            (&a.entry.name, a.entry.file_id).cmp(&(&b.entry.name, b.entry.file_id))
        });
        Shelf { items, by_id }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Arc<Shelf>)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
