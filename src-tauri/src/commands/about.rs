//! What this program is, and where it keeps things.

use serde::Serialize;
use tauri::Manager as _;
use ts_rs::TS;

use super::{Call, CommandError};
use crate::lifecycle::Lifecycle;

/// For the "about" panel and for bug reports.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct About {
    /// Of the app, and of the server inside.
    version: &'static str,
    /// The list, the server's records, the log.
    data_dir: String,
    /// What the server inside offers; null where the server is elsewhere.
    library: Option<String>,
    /// The server's address.
    server: String,
    /// Whether it runs inside.
    embedded: bool,
    /// Whether there is an icon in the system's tray.
    tray: bool,
}

pub(crate) async fn about(call: &Call<'_>, (): ()) -> Result<About, CommandError> {
    let (host, app) = (call.host, call.app.clone());
    // It asks others.
    let tray = tokio::task::spawn_blocking(move || app.state::<Lifecycle>().is_in_tray()).await;
    Ok(About {
        version: env!("CARGO_PKG_VERSION"),
        data_dir: host.places.data.display().to_string(),
        library: host
            .is_embedded()
            .then(|| host.places.library.display().to_string()),
        server: host.address.clone(),
        embedded: host.is_embedded(),
        tray: tray.unwrap_or_default(),
    })
}
