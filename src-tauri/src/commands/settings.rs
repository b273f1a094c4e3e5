//! Commands on what the user can set.

use longhaul_client::Settings;
use serde::Deserialize;
use serde_json::Value;
use tauri::Manager as _;
use tauri_plugin_autostart::ManagerExt as _;
use ts_rs::TS;

use super::{Call, CommandError};
use crate::{lifecycle::Lifecycle, links::Given, look::Look};

/// One choice of how the window looks.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Choice {
    /// Which.
    name: String,
    /// What was chosen.
    #[ts(type = "unknown")]
    value: Value,
}

pub(crate) async fn settings(call: &Call<'_>, (): ()) -> Result<Settings, CommandError> {
    Ok(call.host.manager.settings().await?)
}

pub(crate) async fn set_settings(
    call: &Call<'_>,
    settings: Settings,
) -> Result<Settings, CommandError> {
    call.host.manager.set_settings(settings).await?;
    let settings = call.host.manager.settings().await?;
    call.app.state::<Lifecycle>().obey(&settings);
    Ok(settings)
}

pub(crate) async fn remember(call: &Call<'_>, choice: Choice) -> Result<(), CommandError> {
    let look = call.app.state::<Look>();
    look.keep(choice.name, choice.value)
        .await
        .map_err(|error| CommandError::new("not_kept", format!("{error:#}")))
}

pub(crate) async fn autostart(call: &Call<'_>, (): ()) -> Result<bool, CommandError> {
    call.app
        .autolaunch()
        .is_enabled()
        .map_err(|error| refused(&error))
}

pub(crate) async fn set_autostart(call: &Call<'_>, on: bool) -> Result<bool, CommandError> {
    let auto = call.app.autolaunch();
    match on {
        true => auto.enable(),
        false => auto.disable(),
    }
    .map_err(|error| refused(&error))?;
    auto.is_enabled().map_err(|error| refused(&error))
}

fn refused(error: &tauri_plugin_autostart::Error) -> CommandError {
    CommandError::new(
        "autostart_failed",
        format!("the system does not let Longhaul start by itself: {error}"),
    )
}

pub(crate) async fn given(call: &Call<'_>, (): ()) -> Result<Vec<String>, CommandError> {
    Ok(call.app.state::<Given>().take())
}
