//! The window shows this app's own page and no other: whatever got into the page could not take it
//! elsewhere, where the commands would be another's.

use tauri::{
    Runtime,
    plugin::{Builder, TauriPlugin},
};
use url::Url;

/// Refuses each navigation away from the page.
pub(crate) fn plugin<R: Runtime>() -> TauriPlugin<R> {
    Builder::new("border")
        .on_navigation(|_, url| {
            let stays = is_ours(url);
            if !stays {
                tracing::warn!(scheme = url.scheme(), "the page may not go elsewhere");
            }
            stays
        })
        .build()
}

/// `tauri://localhost`, as the system's web view spells it; a development server in a build for that.
fn is_ours(url: &Url) -> bool {
    let host = url.host_str();
    match url.scheme() {
        "tauri" => host == Some("localhost"),
        "http" | "https" if host == Some("tauri.localhost") => url.port().is_none(),
        "http" => tauri::is_dev() && host == Some("localhost"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apps_own_page_is_shown() {
        let of = |text: &str| is_ours(&text.parse().expect("a URL"));
        assert!(of("tauri://localhost"));
        assert!(of("tauri://localhost/index.html"));
        assert!(of("http://tauri.localhost/"));
        for other in [
            "https://example.org/",
            "http://tauri.localhost:8080/",
            "http://tauri.localhost.example.org/",
            "tauri://example.org/",
            "file:///etc/passwd",
            "data:text/html,hello",
            "about:blank",
        ] {
            assert!(!of(other), "{other}");
        }
    }
}
