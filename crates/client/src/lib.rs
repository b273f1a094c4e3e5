//! The download manager without a window: local list, poller, pull scheduling, events.
//!
//! [`Manager`] is the door. The way of a click: `list` (it is on the disk), `initiate` (the server
//! is asked, once), `poll` (how far is it), `schedule` (whose turn is it), `pull` (the engine makes
//! a verified file of it), `events` (everybody is told). `download` is the state machine, pure;
//! `driver` is the task that carries all this out; `many` is how many rows are acted on at once.

mod addition;
mod api;
mod download;
mod driver;
mod error;
mod events;
mod initiate;
mod list;
mod manager;
mod many;
mod mark;
mod meter;
mod poll;
mod pull;
mod schedule;
mod servers;
mod settings;
mod timetable;
mod view;

pub use addition::NewDownload;
pub use api::{ApiError, Server};
pub use error::ManagerError;
pub use events::Subscription;
pub use list::ListError;
pub use manager::{Catalogue, Drive, MAX_ITEMS, Manager, Options, PutAway};
pub use servers::{ServerEdit, ServerId, ServerView, Vault, VaultError};
pub use timetable::Timetable;
pub use view::{
    Action, AddItem, AddOutcome, AddRequest, ClientEvent, DownloadFault, DownloadSource,
    DownloadState, DownloadView, Fix, FolderRule, MadeView, Moment, MomentKind, Notice, PulledView,
    QueuePlace, SameName, SegmentMap, ServerLink, Settings, Snapshot, Totals, Via,
};
