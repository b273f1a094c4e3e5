//! What a front end sees of the downloads: the window, the terminal and the notifier read these
//! types and no others. TypeScript's are generated from them.

use jiff::Timestamp;
use longhaul_protocol::{Crc64Nvme, DownloadId, FileId, JobId, Sha256, Stage};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    servers::{ServerId, ServerView},
    timetable::Timetable,
};

/// Where a download stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum DownloadState {
    /// In the list; the server has not been asked yet, or it waits for its turn to be pulled.
    Queued,
    /// The server is making and storing the file.
    Preparing,
    /// Bytes come from S3.
    Downloading,
    /// All bytes are here; the last checks are running.
    Verifying,
    /// Complete, verified, under its final name.
    Completed,
    /// Stopped by the user; goes on when told to.
    Paused,
    /// Ended with an error; what is on the disk is kept.
    Failed,
    /// Given up by the user; the part file is gone.
    Cancelled,
}

/// What can be done with a download now. The list of a row comes from the state machine: no
/// front end keeps a second copy of these rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Action {
    /// Stop for now.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Give up; the server's job and the part file go.
    Cancel,
    /// Try again after a failure or a cancellation.
    Retry,
    /// Its name is taken: pull it under a numbered one.
    KeepBoth,
    /// Its name is taken: put the file that has it away, and pull it.
    Replace,
    /// Take the row off the list.
    Remove,
    /// Open the finished file.
    Open,
    /// Show it in its folder.
    ShowInFolder,
}

/// What a download is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum DownloadSource {
    /// A file of the server's catalogue.
    File {
        /// Its id.
        file_id: FileId,
    },
    /// A URL that the server fetches.
    Url {
        /// Without user information; the query is shown as it was given.
        url: String,
    },
    /// A URL that this machine pulls by itself, without any server.
    Direct {
        /// As above.
        url: String,
    },
}

impl DownloadSource {
    /// Whether it takes no job: there is nothing to make, and nobody to ask.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        matches!(self, Self::Direct { .. })
    }
}

/// Who fetches a URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Via {
    /// This machine, by itself.
    #[default]
    Direct,
    /// The job server, from which the file is pulled then: it can verify every block.
    Server,
}

/// Where in the queue something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "at", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[ts(export)]
pub enum QueuePlace {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// Before that one.
    Before {
        /// A row that has not ended.
        id: DownloadId,
    },
}

/// A button that may mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Fix {
    /// Retry may help.
    Retry,
    /// Space must be made first; then retry.
    FreeSpace,
    /// The user must say which of two files of one name they want.
    ChooseName,
    /// Nothing the user can do here.
    None,
}

/// Why a download failed: what happened, what was kept, what comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct DownloadFault {
    /// Stable, for programs and translations: a server's fault code, or one of the transfer's.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// Bytes that are on the disk and will be used again.
    pub kept: u64,
    /// What may mend it.
    pub fix: Fix,
}

/// How far the server is with making and storing the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct MadeView {
    /// Whole percent.
    pub percent: u8,
    /// What the server is doing.
    pub stage: Stage,
    /// Bytes stored.
    pub done: u64,
    /// Null while unknown.
    pub total: Option<u64>,
    /// How many jobs come first; null unless pending.
    pub queue_position: Option<u64>,
    /// Which attempt runs, and how many there will be.
    pub attempt: u32,
    /// Attempts that the server makes by itself.
    pub max_attempts: u32,
}

/// How far the pull is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PulledView {
    /// Bytes on the disk.
    pub done: u64,
    /// Null while unknown.
    pub total: Option<u64>,
    /// Bytes proven against the manifest.
    pub verified: u64,
    /// Bytes that came over the network for them, over all runs.
    pub fetched: u64,
    /// Open connections.
    pub connections: u32,
    /// How often the link was renewed.
    pub links_renewed: u32,
    /// How many blocks came damaged and were fetched again.
    pub blocks_refetched: u32,
    /// Why the last try failed, while the engine waits to try again.
    pub trouble: Option<String>,
}

/// One step of a download's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum MomentKind {
    /// The click.
    Clicked,
    /// The server answered 202.
    Accepted,
    /// A worker began.
    Started,
    /// The artifact is stored.
    Stored,
    /// The first byte was pulled.
    Pulling,
    /// The last byte was pulled.
    Pulled,
    /// Verified and under its final name.
    Finished,
}

/// When a step was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Moment {
    /// Which step.
    pub kind: MomentKind,
    /// When.
    #[ts(type = "string")]
    pub at: Timestamp,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct DownloadView {
    /// The row's id, and the click's idempotency key.
    pub id: DownloadId,
    /// The job on the server, once there is one.
    pub job_id: Option<JobId>,
    /// The name to show: the file's own once known.
    pub name: String,
    /// What it is of.
    pub source: DownloadSource,
    /// The added server whose job it is; null for the first one's.
    pub server: Option<ServerId>,
    /// Where it stands.
    pub state: DownloadState,
    /// What can be done with it now.
    pub can: Vec<Action>,
    /// Bytes, once known.
    pub size: Option<u64>,
    /// The server's part; null before it is known.
    pub made: Option<MadeView>,
    /// This machine's part; null before the first byte.
    pub pulled: Option<PulledView>,
    /// Bytes per second of whichever part runs, smoothed; null when nothing moves.
    pub speed: Option<u64>,
    /// Seconds until the file is here, over both parts; null when it cannot be said honestly.
    pub eta_seconds: Option<u64>,
    /// Why it failed.
    pub fault: Option<DownloadFault>,
    /// The folder that it goes into.
    pub folder: String,
    /// The file, once finished.
    pub path: Option<String>,
    /// Its digest, once proven.
    pub sha256: Option<Sha256>,
    /// What the user says its digest must be.
    #[serde(default)]
    pub wanted_sha256: Option<Sha256>,
    /// Its digest, once proven.
    pub crc64nvme: Option<Crc64Nvme>,
    /// Whether the finished file was held against digests that were known beforehand; else only
    /// its length is known to be right.
    pub proven: bool,
    /// Bytes per second of this one at most; null for no limit of its own.
    pub limit: Option<u64>,
    /// Its place: what has a lower one comes first.
    pub place: u64,
    /// What happened when, oldest first.
    pub moments: Vec<Moment>,
    /// When it was added.
    #[ts(type = "string")]
    pub added_at: Timestamp,
    /// When it ended, well or badly.
    #[ts(type = "string | null")]
    pub ended_at: Option<Timestamp>,
    /// Grows with each change of the row: an older view never replaces a newer one.
    pub revision: u64,
}

/// The segments of one download, asked for by the details panel alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SegmentMap {
    /// Whose.
    pub id: DownloadId,
    /// `[start, done, end, active]` of each, by start: bytes from the file's beginning, `done` being
    /// the first that is missing.
    pub segments: Vec<(u64, u64, u64, bool)>,
}

/// Sums over the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Totals {
    /// All rows.
    pub all: u32,
    /// Preparing, downloading or verifying.
    pub active: u32,
    /// Queued or paused.
    pub waiting: u32,
    /// Completed.
    pub completed: u32,
    /// Failed or cancelled.
    pub failed: u32,
    /// Bytes per second that come in now, over all.
    pub speed: u64,
    /// Bytes on the disk of the active rows whose size is known; for those who draw one bar for all.
    #[serde(skip)]
    #[ts(skip)]
    pub done: u64,
    /// Bytes that those rows will have.
    #[serde(skip)]
    #[ts(skip)]
    pub whole: u64,
    /// By the timetable: whether downloads rest now.
    pub rests: bool,
    /// By the timetable: bytes per second at most now.
    pub slowed: Option<u64>,
    /// When the timetable says otherwise.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
}

/// How the way to the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "state",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum ServerLink {
    /// Not spoken with yet.
    Connecting,
    /// The last request was answered.
    Online,
    /// Five polls or more failed in a row.
    Offline {
        /// Stable, for programs and translations: `unreachable`, `faulty_server`, `keyring`, or the
        /// code of the problem that the server named.
        code: String,
        /// What happened, without secrets.
        reason: String,
        /// When the next try is.
        #[ts(type = "string")]
        next_try_at: Timestamp,
    },
}

/// Something the user must be told once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Notice {
    /// Stable, for programs and translations.
    pub code: String,
    /// What happened, what was kept, what comes next.
    pub message: String,
}

/// Everything, for a front end that starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Snapshot {
    /// Newest first.
    pub downloads: Vec<DownloadView>,
    /// Sums.
    pub totals: Totals,
    /// The way to the first server.
    pub server: ServerLink,
    /// Servers that the user has added, by name.
    pub servers: Vec<ServerView>,
    /// What must still be told.
    pub notices: Vec<Notice>,
}

/// What changed; batched, at most four times a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ClientEvent {
    /// Rows that are new or changed, whole.
    pub changed: Vec<DownloadView>,
    /// Rows that are gone.
    pub removed: Vec<DownloadId>,
    /// Sums.
    pub totals: Totals,
    /// The way to the first server.
    pub server: ServerLink,
    /// Servers that the user has added, by name.
    pub servers: Vec<ServerView>,
    /// What must be told, once.
    pub notices: Vec<Notice>,
}

/// One thing to add: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum AddItem {
    /// From the catalogue.
    File {
        /// Its id.
        file_id: FileId,
        /// The name to show until the server says its own.
        #[ts(optional)]
        #[serde(default)]
        name: Option<String>,
        /// What its digest must be; anything else is never put under its final name.
        #[ts(optional)]
        #[serde(default)]
        sha256: Option<Sha256>,
    },
    /// A URL.
    Url {
        /// http or https.
        url: String,
        /// Who fetches it; as the settings say where absent.
        #[ts(optional)]
        #[serde(default)]
        via: Option<Via>,
        /// What its digest must be; anything else is never put under its final name.
        #[ts(optional)]
        #[serde(default)]
        sha256: Option<Sha256>,
    },
}

/// Downloads to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AddRequest {
    /// What.
    pub items: Vec<AddItem>,
    /// Whose catalogue, and who fetches URLs where a server does; the first where absent.
    #[ts(optional)]
    #[serde(default)]
    pub server: Option<ServerId>,
    /// Where to; the settings' folder where absent.
    #[ts(optional)]
    #[serde(default)]
    pub folder: Option<String>,
}

/// What became of an addition: the ids, in the order of the items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AddOutcome {
    /// Of the new rows.
    pub ids: Vec<DownloadId>,
}

/// What the user can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export)]
pub struct Settings {
    /// Where files go.
    pub folder: String,
    /// Pulls at a time, 1–64.
    pub concurrent: u32,
    /// Connections for each file at most, 1–64.
    pub connections: u8,
    /// Bytes per second over all pulls; null for no limit.
    pub limit: Option<u64>,
    /// Native notifications.
    pub notify: bool,
    /// Who fetches a URL, unless its addition says otherwise.
    pub urls: Via,
    /// Whether a window that is closed stays in the tray, and downloads go on.
    pub close_to_tray: bool,
    /// Whether the system is kept from sleeping by itself while something runs.
    pub keep_awake: bool,
    /// Whether links to files that are copied are offered to be downloaded.
    pub watch_clipboard: bool,
    /// Whether new versions of the app are looked for once a day, where they have a source.
    pub look_for_updates: bool,
    /// Hours in which downloads go slower or rest.
    pub timetable: Option<Timetable>,
    /// Where files of some kinds go instead; the first that fits.
    pub folders: Vec<FolderRule>,
    /// What becomes of a download whose name is taken in its folder.
    #[serde(default)]
    pub same_name: SameName,
}

/// What becomes of a download whose name is taken in its folder. No file is ever overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum SameName {
    /// It gets a number: `name (1).ext`.
    #[default]
    Number,
    /// It waits for the user to say what they want.
    Ask,
}

/// Files with these endings go there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FolderRule {
    /// Without the dot, in lower case.
    pub endings: Vec<String>,
    /// From the root on.
    pub folder: String,
}

impl FolderRule {
    /// Whether it is for a file of that name.
    pub(crate) fn is_for(&self, name: &str) -> bool {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| {
            self.endings
                .iter()
                .any(|one| one.eq_ignore_ascii_case(ending))
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: String::new(),
            concurrent: 3,
            connections: 16,
            limit: None,
            notify: true,
            urls: Via::Direct,
            close_to_tray: false,
            keep_awake: true,
            watch_clipboard: false,
            look_for_updates: true,
            timetable: None,
            folders: Vec::new(),
            same_name: SameName::Number,
        }
    }
}
