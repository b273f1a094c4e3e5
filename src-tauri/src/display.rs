//! Whether there is a display to open a window on, asked before the toolkit panics over it.

/// Where there is no graphics card, WebKit's way of handing frames over by DMA-BUF costs more than it
/// saves: by `make bench-ui` 32 frames a second for 64, and three times the CPU at rest. It reads
/// this when it starts, so the program starts once more with it; what the user has set stays.
#[cfg(target_os = "linux")]
pub(crate) fn suit_web_view() {
    use std::{env, fs, os::unix::process::CommandExt, process::Command};
    const PLAIN: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let cards = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let has_card = cards
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("render"));
    if has_card || env::var_os(PLAIN).is_some() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // Only comes back where it failed; then the window is slower, and that is all.
        let error = Command::new(program)
            .args(env::args_os().skip(1))
            .env(PLAIN, "1")
            .exec();
        crate::logs::say(&format!(
            "the web view is not suited to this system: {error}"
        ));
    }
}

/// Elsewhere the system's own view knows best.
#[cfg(not(target_os = "linux"))]
pub(crate) fn suit_web_view() {}

/// # Errors
/// A sentence that says what is missing and what to do instead.
#[cfg(target_os = "linux")]
pub(crate) fn available() -> Result<(), String> {
    gtk::init().map_err(|_| {
        let named = ["WAYLAND_DISPLAY", "DISPLAY"]
            .iter()
            .find_map(|name| Some((name, std::env::var(name).ok().filter(|it| !it.is_empty())?)));
        let why = match named {
            Some((name, display)) => format!("{name}={display} cannot be opened"),
            None => "neither WAYLAND_DISPLAY nor DISPLAY is set".to_owned(),
        };
        format!(
            "Longhaul needs a display to open its window, and there is none here: {why}. \
             Without one, `longhaul-server` shows the same page in a browser, and `longhaul` \
             downloads from a terminal."
        )
    })
}

/// Elsewhere a graphical session is a given.
#[cfg(not(target_os = "linux"))]
pub(crate) fn available() -> Result<(), String> {
    Ok(())
}
