//! The icon in the system's tray: how all of it goes, and the few actions that need no window.

use std::path::Path;

use longhaul_client::{Action, ClientEvent, Totals};
use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuItem, PredefinedMenuItem},
    tray::TrayIconBuilder,
    window::{ProgressBarState, ProgressBarStatus},
};

use crate::{app, host::Host, lifecycle::Lifecycle};

/// Where Linux keeps the library that shows icons in trays. It is not linked: without it there is no
/// tray, and everything else works.
const FOLDERS: [&str; 5] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/lib",
];
const LIBRARIES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];

/// The tray's first line, which tells how it goes.
pub(crate) struct Tray {
    state: MenuItem<Wry>,
    told: std::sync::Mutex<String>,
}

/// Whether this system can show one.
pub(crate) fn is_possible() -> bool {
    !cfg!(target_os = "linux")
        || FOLDERS.iter().any(|folder| {
            LIBRARIES
                .iter()
                .any(|name| Path::new(folder).join(name).exists())
        })
}

/// Puts the icon into the tray.
///
/// # Errors
/// When the system refuses.
pub(crate) fn show(app: &AppHandle) -> tauri::Result<Tray> {
    let state = MenuItem::with_id(app, "state", said(&Totals::default()), false, None::<&str>)?;
    let item = |id: &str, text: &str| MenuItem::with_id(app, id, text, true, None::<&str>);
    let line = || PredefinedMenuItem::separator(app);
    let menu = Menu::with_items(
        app,
        &[
            &state,
            &line()?,
            &item("show", "Show Longhaul")?,
            &item("pause", "Pause all")?,
            &item("resume", "Resume all")?,
            &line()?,
            &item("quit", "Quit")?,
        ],
    )?;
    TrayIconBuilder::with_id("longhaul")
        .icon(Image::from_bytes(include_bytes!("../../icons/tray.png"))?)
        .tooltip("Longhaul")
        .menu(&menu)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "show" => app::raise(app),
            "pause" => every(app, Action::Pause),
            "resume" => every(app, Action::Resume),
            "quit" => app.exit(0),
            _ => {}
        })
        .build(app)?;
    Ok(Tray {
        state,
        told: std::sync::Mutex::default(),
    })
}

/// Does it to every row that allows it.
fn every(app: &AppHandle, action: Action) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let host = app.state::<Lifecycle>().host().await;
        let done = match host {
            Ok(host) => all(&host, action).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, ?action, "the tray's action did not work");
        }
    });
}

async fn all(host: &Host, action: Action) -> Result<(), String> {
    let snapshot = host.manager.snapshot().await;
    let rows = snapshot.map_err(|error| error.to_string())?.downloads;
    for row in rows.iter().filter(|row| row.can.contains(&action)) {
        // A row may have moved on meanwhile: then there is nothing to do.
        let _ = match action {
            Action::Pause => host.manager.pause(row.id).await,
            _ => host.manager.resume(row.id).await,
        };
    }
    Ok(())
}

impl Tray {
    /// Tells how it goes now, where that has changed.
    pub(crate) fn tell(&self, event: &ClientEvent) {
        let text = said(&event.totals);
        let mut told = self
            .told
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *told == text {
            return;
        }
        if let Err(error) = self.state.set_text(&text) {
            tracing::debug!(%error, "the tray could not be told");
        }
        *told = text;
    }
}

/// Shows on the window's icon in the taskbar that something is under way.
pub(crate) fn mark(app: &AppHandle, totals: &Totals) {
    let status = match (totals.active, totals.failed) {
        (0, _) => ProgressBarStatus::None,
        _ => ProgressBarStatus::Indeterminate,
    };
    if let Some(window) = app.get_webview_window(app::WINDOW) {
        let state = ProgressBarState {
            status: Some(status),
            progress: None,
        };
        if let Err(error) = window.set_progress_bar(state) {
            tracing::debug!(%error, "the taskbar could not be told");
        }
    }
}

/// In whole megabytes: a figure that changes four times a second would only flicker there.
fn said(totals: &Totals) -> String {
    match totals.active {
        0 => "Nothing is being downloaded".to_owned(),
        1 => format!("1 download · {} MB/s", totals.speed / 1_000_000),
        active => format!("{active} downloads · {} MB/s", totals.speed / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_much_runs_and_how_fast() {
        let totals = |active, speed| Totals {
            active,
            speed,
            ..Totals::default()
        };
        assert_eq!(said(&totals(0, 5)), "Nothing is being downloaded");
        assert_eq!(said(&totals(1, 41_900_000)), "1 download · 41 MB/s");
        assert_eq!(said(&totals(12, 0)), "12 downloads · 0 MB/s");
    }
}
