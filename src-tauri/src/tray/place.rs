//! Whether there is a tray: a library that draws icons, and in this session somebody who shows them.
//! Without either a window that hides there would be lost.

#[cfg(target_os = "linux")]
use std::path::Path;

#[cfg(target_os = "linux")]
use gtk::{
    gio,
    glib::{Variant, prelude::*},
};

/// Where Linux keeps the library that shows icons in trays. It is not linked: without it there is no
/// tray, and everything else works.
#[cfg(target_os = "linux")]
const FOLDERS: [&str; 5] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/lib",
];
#[cfg(target_os = "linux")]
const LIBRARIES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];

/// Who takes the icons, and tells whether anybody shows them.
#[cfg(target_os = "linux")]
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// The bus and the watcher are on this computer.
#[cfg(target_os = "linux")]
const ANSWER_MS: i32 = 500;

/// Whether an icon can be made, for a tray that is there or comes later.
pub(crate) fn is_possible() -> bool {
    #[cfg(target_os = "linux")]
    return FOLDERS.iter().any(|folder| {
        let folder = Path::new(folder);
        LIBRARIES.iter().any(|name| folder.join(name).exists())
    });
    #[cfg(not(target_os = "linux"))]
    true
}

/// Whether somebody shows icons now. Panels come, go and are started anew while the app runs: asked
/// each time. Blocks for a moment.
pub(crate) fn is_shown() -> bool {
    #[cfg(target_os = "linux")]
    return is_watched() || has_dock();
    #[cfg(not(target_os = "linux"))]
    true
}

#[cfg(target_os = "linux")]
fn is_watched() -> bool {
    let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else {
        return false;
    };
    // Or else GIO ends the process where the bus goes away.
    bus.set_exit_on_close(false);
    let ask = |whom, path, interface, what, arguments: Variant| {
        let answer = bus.call_sync(
            Some(whom),
            path,
            interface,
            what,
            Some(&arguments),
            None,
            // Nobody is started by the question.
            gio::DBusCallFlags::NO_AUTO_START,
            ANSWER_MS,
            gio::Cancellable::NONE,
        );
        answer.ok()
    };
    let (dbus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
    let owned = ask(dbus, path, dbus, "NameHasOwner", (WATCHER,).to_variant());
    if owned.is_none_or(|answer| answer.get() != Some((true,))) {
        return false;
    }
    let properties = "org.freedesktop.DBus.Properties";
    let which = (WATCHER, "IsStatusNotifierHostRegistered").to_variant();
    let shown = ask(WATCHER, "/StatusNotifierWatcher", properties, "Get", which);
    is_shown_by(shown.as_ref())
}

/// Whether the watcher hands icons on; one that does not know the question is a tray all the same.
#[cfg(target_os = "linux")]
fn is_shown_by(answer: Option<&Variant>) -> bool {
    let property = answer.and_then(Variant::get::<(Variant,)>);
    property.and_then(|(value,)| value.get()) != Some(false)
}

/// Whether a panel of the older kind takes icons as windows: the library falls back to that on X11
/// (freedesktop.org's System Tray Protocol).
#[cfg(target_os = "linux")]
fn has_dock() -> bool {
    use x11rb::{connection::Connection as _, protocol::xproto::ConnectionExt as _};

    if std::env::var_os("WAYLAND_DISPLAY").is_some() {
        return false;
    }
    let owner = || {
        let (display, screen) = x11rb::connect(None).ok()?;
        let name = format!("_NET_SYSTEM_TRAY_S{screen}");
        let atom = display
            .intern_atom(true, name.as_bytes())
            .ok()?
            .reply()
            .ok()?;
        let owner = display.get_selection_owner(atom.atom).ok()?.reply().ok()?;
        (display.setup().roots.len() > screen).then_some(owner.owner)
    };
    owner().is_some_and(|owner| owner != x11rb::NONE)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_is_a_tray_unless_it_says_that_nobody_shows_icons() {
        // As the bus answers: a tuple of one variant, and in that the value.
        let says = |shown: bool| (shown.to_variant(),).to_variant();
        assert!(is_shown_by(Some(&says(true))));
        assert!(!is_shown_by(Some(&says(false))));
        assert!(is_shown_by(Some(&(7,).to_variant())));
        assert!(is_shown_by(None));
    }
}
