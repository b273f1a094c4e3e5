//! The real window, driven as its user does: pick, watch, pause, open, close, come back.

use std::path::Path;

use longhaul_tests::{
    wait::{LATER, eventually},
    window::Window,
};

mod kills;
mod life;
mod list;
mod trouble;
mod way;

const LARGE: u64 = 200_000_000;
/// The large file is pulled in five seconds: long enough to see it move.
const SLOW: u64 = 40_000_000;
const ROW: &str = "[data-testid=download-row]";

/// Presses a row's button and waits for the state that follows.
async fn act(window: &Window, action: &str, state: &str) -> anyhow::Result<()> {
    window
        .click(&format!("{ROW} [data-testid=row-action-{action}]"))
        .await?;
    window.shows(&format!("{ROW}[data-state={state}]")).await?;
    Ok(())
}

/// Waits until the pull has moved the bar beyond that; answers how far it is then.
async fn moves(window: &Window, beyond: u64) -> anyhow::Result<u64> {
    eventually("the bar moves", LATER, async || {
        let moving = window.attribute(ROW, "data-state").await?.as_deref() == Some("downloading");
        let progress = progress(window).await?;
        Ok((moving && progress > beyond).then_some(progress))
    })
    .await
}

async fn progress(window: &Window) -> anyhow::Result<u64> {
    let shown = window.attribute(ROW, "data-progress").await?;
    Ok(shown.map_or(Ok(0), |percent| percent.parse())?)
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}
