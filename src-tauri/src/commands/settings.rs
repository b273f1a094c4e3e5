//! Commands on what the user can set.

use longhaul_client::Settings;

use super::{Call, CommandError};

pub(crate) async fn settings(call: &Call<'_>, (): ()) -> Result<Settings, CommandError> {
    Ok(call.host.manager.settings().await?)
}

pub(crate) async fn set_settings(
    call: &Call<'_>,
    settings: Settings,
) -> Result<Settings, CommandError> {
    call.host.manager.set_settings(settings).await?;
    Ok(call.host.manager.settings().await?)
}
