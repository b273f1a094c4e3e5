//! How far a pull is, for whoever watches.

/// What the engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Asking for a link, or for the first bytes.
    #[default]
    Starting,
    /// Bytes are coming.
    Pulling,
    /// Waiting before the next try, because the other side failed or asked for it.
    BackingOff,
    /// All bytes are here; the last checks, the sync and the rename are running.
    Finishing,
}

/// One stretch of the file: `done` bytes from `start` on are on the disk, `end` is where it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentView {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// Bytes written, counted from `start`.
    pub done: u64,
    /// Whether a connection is on it.
    pub active: bool,
}

/// A snapshot of a pull; published at most ten times a second.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What the engine is doing.
    pub phase: Phase,
    /// The name it will have, once known.
    pub name: Option<String>,
    /// The folder that it goes into, where its name took it to another one than was asked for.
    pub folder: Option<std::path::PathBuf>,
    /// Bytes of the whole, once known.
    pub size: Option<u64>,
    /// Bytes written.
    pub done: u64,
    /// Bytes proven against the manifest.
    pub verified: u64,
    /// Bytes that came over the network, over all runs: what `done` cost.
    pub fetched: u64,
    /// Open connections.
    pub connections: u32,
    /// How often the link was renewed, over all runs.
    pub links_renewed: u32,
    /// How many blocks came damaged and were fetched again, over all runs.
    pub blocks_refetched: u32,
    /// How often this run began again from nothing: the object changed, or what was on the disk
    /// could not be trusted.
    pub started_over: u32,
    /// The map of the file, by `start`, without gap or overlap.
    pub segments: Vec<SegmentView>,
    /// Why the last try failed, while backing off, or why the pull last started over: a sentence
    /// without URLs.
    pub trouble: Option<String>,
}
