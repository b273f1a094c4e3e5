//! Commands on the list: read it, add to it, act on its rows.

use longhaul_client::{Action, AddOutcome, AddRequest, QueuePlace, SegmentMap, Snapshot};
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

/// A speed limit of each row's own.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Limiting {
    /// The rows.
    ids: Vec<DownloadId>,
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
    act(call, rows, Action::Pause).await
}

pub(crate) async fn resume(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    act(call, rows, Action::Resume).await
}

pub(crate) async fn cancel(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    act(call, rows, Action::Cancel).await
}

pub(crate) async fn retry(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    act(call, rows, Action::Retry).await
}

pub(crate) async fn keep_both(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    act(call, rows, Action::KeepBoth).await
}

pub(crate) async fn replace(call: &Call<'_>, rows: Ids) -> Result<(), CommandError> {
    act(call, rows, Action::Replace).await
}

async fn act(call: &Call<'_>, rows: Ids, action: Action) -> Result<(), CommandError> {
    Ok(call.host.manager.act(rows.ids, action).await?)
}

pub(crate) async fn remove(call: &Call<'_>, rows: Removal) -> Result<(), CommandError> {
    let removed = call.host.manager.remove_all(rows.ids, rows.with_file);
    Ok(removed.await?)
}

pub(crate) async fn restore(call: &Call<'_>, rows: Ids) -> Result<u32, CommandError> {
    let count = call.host.manager.restore(rows.ids).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) async fn put(call: &Call<'_>, rows: Moving) -> Result<(), CommandError> {
    Ok(call.host.manager.put(rows.ids, rows.place).await?)
}

pub(crate) async fn limit(call: &Call<'_>, rows: Limiting) -> Result<(), CommandError> {
    Ok(call.host.manager.limit(rows.ids, rows.limit).await?)
}

pub(crate) async fn segments(call: &Call<'_>, row: One) -> Result<SegmentMap, CommandError> {
    Ok(call.host.manager.segments(row.id).await?)
}
