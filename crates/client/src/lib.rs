//! The download manager without a window: local list, poller, pull scheduling, events.

mod view;

pub use view::{
    Action, AddItem, AddOutcome, AddRequest, ClientEvent, DownloadFault, DownloadSource,
    DownloadState, DownloadView, Fix, MadeView, Moment, MomentKind, Notice, PulledView, SegmentMap,
    ServerLink, Settings, Snapshot, Totals,
};
