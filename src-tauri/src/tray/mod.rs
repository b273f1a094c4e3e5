//! The icon in the system's tray: how all of it goes, and the few actions that need no window.

mod place;

use std::sync::{Mutex, PoisonError};

use longhaul_client::{Action, ClientEvent, Totals};
use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuItem, PredefinedMenuItem},
    tray::TrayIconBuilder,
    window::{ProgressBarState, ProgressBarStatus},
};

pub(crate) use self::place::{is_possible, is_shown};
use crate::{
    app,
    host::Host,
    language::{Language, Words, with},
    lifecycle::Lifecycle,
};

/// The menu of the icon in the tray; its first line tells how it goes.
pub(crate) struct Tray {
    state: MenuItem<Wry>,
    /// Each action, and where its words are.
    actions: Vec<(MenuItem<Wry>, Label)>,
    now: Mutex<Now>,
}

type Label = fn(&Words) -> &'static str;

/// What the menu says.
#[derive(Default)]
struct Now {
    language: Language,
    totals: Totals,
    told: String,
}

/// Puts the icon into the tray.
///
/// # Errors
/// When the system refuses.
pub(crate) fn show(app: &AppHandle, language: Language) -> tauri::Result<Tray> {
    let words = language.words();
    let item = |id: &str, label: Label| {
        let item = MenuItem::with_id(app, id, label(words), true, None::<&str>)?;
        Ok::<_, tauri::Error>((item, label))
    };
    let line = || PredefinedMenuItem::separator(app);
    let told = said(&Totals::default(), words);
    let state = MenuItem::with_id(app, "state", &told, false, None::<&str>)?;
    let show = item("show", |words| words.show_longhaul)?;
    let pause = item("pause", |words| words.pause_all)?;
    let resume = item("resume", |words| words.resume_all)?;
    let quit = item("quit", |words| words.quit)?;
    let (first, last) = (line()?, line()?);
    let menu = Menu::with_items(
        app,
        &[&state, &first, &show.0, &pause.0, &resume.0, &last, &quit.0],
    )?;
    TrayIconBuilder::with_id("longhaul")
        .icon(Image::from_bytes(include_bytes!(
            "../../../icons/tray.png"
        ))?)
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
        actions: vec![show, pause, resume, quit],
        now: Mutex::new(Now {
            language,
            told,
            ..Now::default()
        }),
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
    let allow = rows.into_iter().filter(|row| row.can.contains(&action));
    let ids = allow.map(|row| row.id).collect();
    // A row may have moved on meanwhile: then there is nothing to do.
    let _ = host.manager.act(ids, action).await;
    Ok(())
}

impl Tray {
    /// Tells how it goes now, where that has changed.
    pub(crate) fn tell(&self, event: &ClientEvent) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.totals = event.totals.clone();
        self.say(&mut now);
    }

    /// Speaks another language from now on.
    pub(crate) fn speak(&self, language: Language) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.language = language;
        self.say(&mut now);
        for (item, label) in &self.actions {
            set(item, label(language.words()));
        }
    }

    fn say(&self, now: &mut Now) {
        let text = said(&now.totals, now.language.words());
        if now.told != text {
            set(&self.state, &text);
            now.told = text;
        }
    }
}

fn set(item: &MenuItem<Wry>, text: &str) {
    if let Err(error) = item.set_text(text) {
        tracing::debug!(%error, "the tray could not be told");
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
fn said(totals: &Totals, words: &Words) -> String {
    let downloads = match totals.active {
        0 => return words.tray_idle.to_owned(),
        1 => words.tray_one.to_owned(),
        active => with(words.tray_many, &active),
    };
    format!("{downloads} · {} MB/s", totals.speed / 1_000_000)
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
        let in_english = |totals| said(&totals, Language::En.words());
        assert_eq!(in_english(totals(0, 5)), "Nothing is being downloaded");
        assert_eq!(in_english(totals(1, 41_900_000)), "1 download · 41 MB/s");
        assert_eq!(in_english(totals(12, 0)), "12 downloads · 0 MB/s");
        let in_german = said(&totals(12, 0), Language::De.words());
        assert_eq!(in_german, "12 Downloads · 0 MB/s");
    }
}
