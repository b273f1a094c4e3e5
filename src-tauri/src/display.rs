//! Whether there is a display to open a window on, asked before the toolkit panics over it.

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
