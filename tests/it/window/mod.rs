//! The real window, driven as its user does: pick, watch, pause, open, close, come back.

use std::path::{Path, PathBuf};

use longhaul_tests::{
    wait::{LATER, SOON, eventually},
    window::Window,
};
use serde_json::{Value, json};
use thirtyfour::{Key, TypingData};

mod adding;
mod control;
mod kills;
mod life;
mod list;
mod safety;
mod servers;
mod settings;
mod sorting;
mod system;
mod trouble;
mod updates;
mod way;

const LARGE: u64 = 200_000_000;
/// The large file is pulled in five seconds: long enough to see it move.
const SLOW: u64 = 40_000_000;
const ROW: &str = "[data-testid=download-row]";

/// Presses a row's button, which is there while the pointer is on the row.
async fn press_in(window: &Window, row: &str, action: &str) -> anyhow::Result<()> {
    window.point_at(row).await?;
    window
        .click(&format!("{row} [data-testid=row-action-{action}]"))
        .await
}

/// Presses the first row's button and waits for the state that follows.
async fn act(window: &Window, action: &str, state: &str) -> anyhow::Result<()> {
    press_in(window, ROW, action).await?;
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

/// Adds these URLs as the dialog does; answers the ids of their rows.
async fn add(window: &Window, urls: &[String]) -> anyhow::Result<Vec<String>> {
    let items: Vec<_> = urls
        .iter()
        .map(|url| json!({ "kind": "url", "url": url }))
        .collect();
    let ids = window.call("add", json!({ "items": items })).await?["ids"].clone();
    Ok(serde_json::from_value(ids)?)
}

/// Types into whatever has the focus.
async fn press(window: &Window, keys: impl Into<TypingData>) -> anyhow::Result<()> {
    let focused = window.page.active_element().await?;
    focused.send_keys(keys).await?;
    Ok(())
}

/// All rows of the list, newest first.
async fn rows(window: &Window) -> anyhow::Result<Vec<Value>> {
    let rows = window.call("snapshot", Value::Null).await?["downloads"].clone();
    Ok(serde_json::from_value(rows)?)
}

/// Waits until so many rows are in that state.
async fn in_state(window: &Window, state: &str, count: usize) -> anyhow::Result<()> {
    eventually(&format!("{count} rows are {state}"), LATER, async || {
        let rows = rows(window).await?;
        let found = rows.iter().filter(|row| row["state"] == state).count();
        Ok((found == count).then_some(()))
    })
    .await
}

/// Changes one setting, as the dialog does.
async fn set(window: &Window, name: &str, value: Value) -> anyhow::Result<()> {
    let mut settings = window.call("settings", Value::Null).await?;
    settings[name] = value;
    window.call("setSettings", settings).await?;
    Ok(())
}

/// Writes into a field, in place of what it holds, as a user does: what the driver's own `clear` does
/// the page may take back.
async fn write(window: &Window, css: &str, text: impl Into<TypingData>) -> anyhow::Result<()> {
    let field = window.shows(css).await?;
    field.send_keys(Key::Control + "a").await?;
    field.send_keys(Key::Delete + "").await?;
    field.send_keys(text).await?;
    Ok(())
}

/// Waits until the page shows that text anywhere.
async fn says(window: &Window, text: &str) -> anyhow::Result<()> {
    says_in(window, "body", text).await
}

/// Waits until the page shows that text in the first such element.
async fn says_in(window: &Window, css: &str, text: &str) -> anyhow::Result<()> {
    let script = "const [css, text] = arguments; \
                  return document.querySelector(css)?.textContent.includes(text) ?? false;";
    eventually(&format!("“{text}” in {css}"), SOON, async || {
        let arguments = vec![json!(css), json!(text)];
        let found = window.page.execute(script, arguments).await?;
        Ok((found.json() == &json!(true)).then_some(()))
    })
    .await
}

/// Every file below a folder.
fn walk(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                &mut folders
            } else {
                &mut files
            }
            .push(path);
        }
    }
    Ok(files)
}
