//! Commands on the list: read it, add to it, act on its rows.

use longhaul_client::{
    AddOutcome, AddRequest, Manager, ManagerError, QueuePlace, SegmentMap, Snapshot,
};
use longhaul_protocol::DownloadId;
use serde::Deserialize;
use ts_rs::TS;

use super::{Call, CommandError};

/// Some rows.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Ids {
    /// Their ids.
    pub(crate) ids: Vec<DownloadId>,
}

/// One row.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct One {
    /// Its id.
    id: DownloadId,
}

/// Rows to take off the list.
#[derive(Debug, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct Removal {
    /// Their ids.
    ids: Vec<DownloadId>,
    /// Whether a finished file shall go too.
    with_file: bool,
}

/// Rows that change their place in the queue.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Moving {
    /// Their ids.
    ids: Vec<DownloadId>,
    /// Where to; the order among them stays.
    place: QueuePlace,
}

/// A speed limit of one row's own.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Limiting {
    /// The row.
    id: DownloadId,
    /// Bytes per second; null for none.
    limit: Option<u64>,
}

pub(crate) async fn snapshot(call: &Call<'_>, (): ()) -> Result<Snapshot, CommandError> {
    call.host.snapshot().await
}

pub(crate) async fn dismiss_notices(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    call.host.dismiss_notices().await;
    Ok(())
}

pub(crate) async fn add(call: &Call<'_>, request: AddRequest) -> Result<AddOutcome, CommandError> {
    Ok(call.host.manager.add(request).await?)
}

pub(crate) async fn pause(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    each(call, &rows.ids, Act::Pause).await
}

pub(crate) async fn resume(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    each(call, &rows.ids, Act::Resume).await
}

pub(crate) async fn cancel(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    each(call, &rows.ids, Act::Cancel).await
}

pub(crate) async fn retry(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    each(call, &rows.ids, Act::Retry).await
}

pub(crate) async fn keep_both(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    each(call, &rows.ids, Act::KeepBoth).await
}

pub(crate) async fn replace(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    each(call, &rows.ids, Act::Replace).await
}

pub(crate) async fn remove(call: &Call<'_>, rows: Removal) -> Result<(), CommandError> {
    let with_file = rows.with_file;
    each(call, &rows.ids, Act::Remove { with_file }).await
}

pub(crate) async fn restore(call: &Call<'_>, rows: Ids) -> Result<u32, CommandError> {
    let count = call.host.manager.restore(rows.ids).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) async fn put(call: &Call<'_>, rows: Moving) -> Result<(), CommandError> {
    Ok(call.host.manager.put(rows.ids, rows.place).await?)
}

pub(crate) async fn limit(call: &Call<'_>, row: Limiting) -> Result<(), CommandError> {
    Ok(call.host.manager.limit(row.id, row.limit).await?)
}

pub(crate) async fn segments(call: &Call<'_>, row: One) -> Result<SegmentMap, CommandError> {
    Ok(call.host.manager.segments(row.id).await?)
}

/// What is done to rows one by one.
#[derive(Debug, Clone, Copy)]
enum Act {
    Pause,
    Resume,
    Cancel,
    Retry,
    KeepBoth,
    Replace,
    Remove { with_file: bool },
}

impl Act {
    async fn on(self, manager: &Manager, id: DownloadId) -> Result<(), ManagerError> {
        match self {
            Self::Pause => manager.pause(id).await,
            Self::Resume => manager.resume(id).await,
            Self::Cancel => manager.cancel(id).await,
            Self::Retry => manager.retry(id).await,
            Self::KeepBoth => manager.keep_both(id).await,
            Self::Replace => manager.replace(id).await,
            Self::Remove { with_file } => manager.remove(id, with_file).await,
        }
    }
}

/// Does it to every row, whatever becomes of the others, and tells the first refusal.
async fn each(call: &Call<'_>, ids: &[DownloadId], act: Act) -> Result<(), CommandError> {
    let mut refused = None;
    let mut count = 0;
    for id in ids {
        if let Err(error) = act.on(&call.host.manager, *id).await {
            count += 1;
            refused.get_or_insert_with(|| CommandError::from(error));
        }
    }
    match refused {
        None => Ok(()),
        Some(error) if count == 1 => Err(error),
        Some(error) => Err(CommandError::new(
            &error.code,
            format!("{}, and {} more", error.message, count - 1),
        )),
    }
}
