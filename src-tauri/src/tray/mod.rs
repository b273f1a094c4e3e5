//! The icon in the system's tray: how all of it goes, and the few actions that need no window.

mod place;
mod taskbar;

use std::sync::{Mutex, PoisonError};

use longhaul_client::{Action, ClientEvent, Totals};
use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuItem, PredefinedMenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};

pub(crate) use self::{
    place::{is_possible, is_shown},
    taskbar::Taskbar,
};
use crate::{
    app,
    host::Host,
    language::{Language, Words, with},
    lifecycle::Lifecycle,
};

/// The icon in the tray; the first line of its menu tells how it goes, and so does its tooltip, which
/// Linux has none of.
pub(crate) struct Tray {
    icon: TrayIcon,
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
    let icon = TrayIconBuilder::with_id("longhaul")
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
        icon,
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
            if let Err(error) = self.icon.set_tooltip(Some(format!("Longhaul\n{text}"))) {
                tracing::debug!(%error, "the tray could not be told");
            }
            now.told = text;
        }
    }
}

fn set(item: &MenuItem<Wry>, text: &str) {
    if let Err(error) = item.set_text(text) {
        tracing::debug!(%error, "the tray could not be told");
    }
}

/// How much runs, how far it is, how fast it goes.
fn said(totals: &Totals, words: &Words) -> String {
    let downloads = match totals.active {
        0 => return words.tray_idle.to_owned(),
        1 => words.tray_one.to_owned(),
        active => with(words.tray_many, &active),
    };
    let percent = taskbar::percent(totals).map(|percent| format!("{percent} %"));
    let speed = Some(speed(totals.speed, words));
    let parts = [Some(downloads), percent, speed];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Two figures below 10 MB/s, and whole megabytes above: finer ones, four times a second, would only
/// flicker there.
fn speed(bytes: u64, words: &Words) -> String {
    match bytes {
        0..100_000 => format!("{} kB/s", bytes / 1000),
        100_000..1_000_000 => format!("{} kB/s", bytes / 10_000 * 10),
        1_000_000..10_000_000 => {
            let tenths = bytes / 100_000;
            format!("{}{}{} MB/s", tenths / 10, words.point, tenths % 10)
        }
        _ => format!("{} MB/s", bytes / 1_000_000),
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
        let in_english = |totals| said(&totals, Language::En.words());
        assert_eq!(in_english(totals(0, 5)), "Nothing is being downloaded");
        assert_eq!(in_english(totals(1, 41_900_000)), "1 download · 41 MB/s");
        assert_eq!(in_english(totals(12, 0)), "12 downloads · 0 kB/s");
        let in_german = said(&totals(12, 0), Language::De.words());
        assert_eq!(in_german, "12 Downloads · 0 kB/s");
        let half = Totals {
            done: 1,
            whole: 2,
            ..totals(2, 1_290_000)
        };
        assert_eq!(in_english(half.clone()), "2 downloads · 50 % · 1.2 MB/s");
        let in_german = said(&half, Language::De.words());
        assert_eq!(in_german, "2 Downloads · 50 % · 1,2 MB/s");
    }

    #[test]
    fn a_speed_is_told_coarsely_in_the_unit_that_fits() {
        for (bytes, told) in [
            (999, "0 kB/s"),
            (1_000, "1 kB/s"),
            (99_999, "99 kB/s"),
            (987_654, "980 kB/s"),
            (1_000_000, "1.0 MB/s"),
            (9_999_999, "9.9 MB/s"),
            (10_000_000, "10 MB/s"),
            (1_234_567_890, "1234 MB/s"),
        ] {
            assert_eq!(speed(bytes, Language::En.words()), told);
        }
    }
}
