//! A start with the system, which nobody waits for: the window stays in the tray, or else comes up
//! minimised.

use std::time::Duration;

use tauri::{
    AppHandle, Manager as _,
    async_runtime::{JoinHandle, spawn, spawn_blocking},
};
use tokio::time::{sleep, timeout};

use crate::{app::WINDOW, lifecycle::Lifecycle};

/// As the entry for the system's start has it.
pub(crate) const FLAG: &str = "--in-background";
/// A session's panel may come up after what is started with it.
const PANEL: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(500);

/// Finds the place of a window that is hidden at the start; until it is aborted.
pub(crate) fn settle(app: AppHandle) -> JoinHandle<()> {
    spawn(async move {
        let is_there = || {
            let app = app.clone();
            let asked = spawn_blocking(move || app.state::<Lifecycle>().is_in_tray());
            async { asked.await.unwrap_or_default() }
        };
        if comes(is_there).await {
            tracing::info!("started in the tray");
        } else {
            tracing::info!("started minimised: there is no tray");
            minimise(&app);
        }
    })
}

/// Whether it is there before long.
async fn comes<F: Future<Output = bool>>(mut is_there: impl FnMut() -> F) -> bool {
    let wait = async {
        while !is_there().await {
            sleep(LOOK).await;
        }
    };
    timeout(PANEL, wait).await.is_ok()
}

fn minimise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(WINDOW)
        // Somebody may have asked for it meanwhile.
        && !window.is_visible().unwrap_or(true)
        && let Err(error) = window.minimize().and_then(|()| window.show())
    {
        tracing::warn!(%error, "the window cannot be shown");
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tray_is_waited_for_and_not_for_ever() {
        assert!(comes(|| ready(true)).await);
        let begun = Instant::now();
        assert!(comes(|| ready(begun.elapsed() >= Duration::from_secs(4))).await);
        assert_eq!(begun.elapsed().as_secs(), 4);
        assert!(!comes(|| ready(false)).await);
        assert_eq!(begun.elapsed(), Duration::from_secs(14));
    }
}
