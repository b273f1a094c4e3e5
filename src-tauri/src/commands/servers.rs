//! Commands on the servers that the user has added.

use longhaul_client::{ServerEdit, ServerId};
use serde::Deserialize;
use ts_rs::TS;

use super::{Call, CommandError};

/// One added server.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct OneServer {
    /// Its id.
    id: ServerId,
}

pub(crate) async fn put(call: &Call<'_>, edit: ServerEdit) -> Result<ServerId, CommandError> {
    Ok(call.host.manager.put_server(edit).await?)
}

pub(crate) async fn remove(call: &Call<'_>, server: OneServer) -> Result<(), CommandError> {
    Ok(call.host.manager.remove_server(server.id).await?)
}

/// Whatever waits to try again tries now.
pub(crate) async fn try_now(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    call.host.manager.poke().await;
    Ok(())
}
