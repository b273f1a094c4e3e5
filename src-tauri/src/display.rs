//! The display: whether there is one to open a window on, asked before the toolkit panics over it, and
//! by what its pages are drawn.

/// Where there is no GPU, WebKit hands what it has drawn through a GL that the processor imitates: half
/// the frames at three times the work (`make bench-ui`, 10,000 rows). Without layers it draws plainly.
/// Only the environment says so, and only before the first thread may it be changed: the program is
/// started anew in its own place. Returns where nothing is to be changed, or that fails.
#[cfg(target_os = "linux")]
pub(crate) fn draw_plainly_without_gpu() {
    use std::os::unix::process::CommandExt as _;

    const PLAIN: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";
    const OTHERS: [&str; 2] = [PLAIN, "WEBKIT_DISABLE_DMABUF_RENDERER"];

    let is_chosen = OTHERS.iter().any(|name| std::env::var_os(name).is_some());
    if is_chosen || has_gpu(std::path::Path::new("/dev/dri")) {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let failed = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(PLAIN, "1")
            .exec();
        crate::logs::say(&format!("pages are drawn as if there was a GPU: {failed}"));
    }
}

/// Whether the kernel has something that renders (Direct Rendering Manager, render nodes).
#[cfg(target_os = "linux")]
fn has_gpu(folder: &std::path::Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|nodes| {
        nodes.flatten().any(|node| {
            let name = node.file_name();
            name.to_string_lossy().starts_with("renderD")
        })
    })
}

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_only_shows_is_no_gpu() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!has_gpu(&folder.path().join("dri")));
        std::fs::write(folder.path().join("card0"), "").expect("writes");
        assert!(!has_gpu(folder.path()));
        std::fs::write(folder.path().join("renderD128"), "").expect("writes");
        assert!(has_gpu(folder.path()));
    }
}
