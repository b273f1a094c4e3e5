//! The list as a person with many downloads has it: direct links, many rows at once, taking back.

use std::time::Duration;

use anyhow::ensure;
use longhaul_tests::{
    content::sha256,
    desk::{Desk, Theme},
    origin::Origin,
    wait::{LATER, SOON, eventually},
};
use serde_json::{Value, json};
use thirtyfour::Key;

use super::{ROW, add, names, press, press_in};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pasted_link_is_pulled_directly_while_the_server_knows_nothing_of_it()
-> anyhow::Result<()> {
    let bytes: Vec<u8> = (0..3 * MIB).map(|at| (at % 251) as u8).collect();
    let origin = Origin::start(bytes.clone(), Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    window.click("[data-testid=add-button]").await?;
    let field = window.shows("[data-testid=add-field]").await?;
    field.send_keys(format!("{}/file.bin", origin.url)).await?;
    window.click("[data-testid=add-confirm]").await?;
    window
        .shows_within(&format!("{ROW}[data-state=completed]"), LATER)
        .await?;
    ensure!(std::fs::read(desk.downloads().join("file.bin"))? == bytes);
    let row = window.call("snapshot", Value::Null).await?["downloads"][0].clone();
    ensure!(
        row["jobId"].is_null() && row["source"]["kind"] == "direct",
        "{row}"
    );
    // Nothing was there to verify it by, and it does not say that it was.
    ensure!(row["proven"] == false, "{row}");
    let told = desk.centre.next(LATER).await?;
    ensure!(told.body.starts_with("Complete ·"), "{told:?}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_picked_by_keys_removed_together_and_brought_back() -> anyhow::Result<()> {
    // Slow enough to be under way all the time.
    let origin = Origin::start(vec![7; 64 * MIB], Duration::from_millis(50), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let urls: Vec<_> = (0..4)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect();
    add(&window, &urls).await?;
    eventually("four rows", SOON, async || {
        Ok((window.count(ROW).await? == 4).then_some(()))
    })
    .await?;
    window.click(ROW).await?;
    press(&window, Key::Shift + Key::Down).await?;
    press(&window, Key::Shift + Key::Down).await?;
    let picked = format!("{ROW}[aria-selected=true]");
    eventually("three are picked", SOON, async || {
        Ok((window.count(&picked).await? == 3).then_some(()))
    })
    .await?;
    press(&window, " ").await?;
    let paused = format!("{ROW}[data-state=paused]");
    eventually("three are paused", SOON, async || {
        Ok((window.count(&paused).await? == 3).then_some(()))
    })
    .await?;
    press(&window, Key::Delete + "").await?;
    eventually("one is left", SOON, async || {
        Ok((window.count(ROW).await? == 1).then_some(()))
    })
    .await?;
    window.click("[data-testid=undo]").await?;
    eventually("all are back, as they were", SOON, async || {
        Ok((window.count(ROW).await? == 4 && window.count(&paused).await? == 3).then_some(()))
    })
    .await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_download_that_is_not_taken_back_leaves_nothing() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 * MIB], Duration::from_millis(50), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    add(&window, &[format!("{}/file.bin", origin.url)]).await?;
    eventually("it has begun", SOON, async || {
        Ok((!names(&desk.downloads())?.is_empty()).then_some(()))
    })
    .await?;
    press_in(&window, ROW, "remove").await?;
    window.loses(ROW).await?;
    ensure!(
        !names(&desk.downloads())?.is_empty(),
        "it was thrown away although it could be taken back"
    );
    window.close(&desk).await?;
    let left = names(&desk.downloads())?;
    ensure!(left.is_empty(), "left: {left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_another_program_asks_first() -> anyhow::Result<()> {
    let bytes = vec![9; 100_000];
    let origin = Origin::start(bytes.clone(), Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    window
        .shows("[data-testid=server-state][data-state=online]")
        .await?;
    let link = format!(
        "longhaul://add?url={}/file.bin&url=file:///etc/passwd",
        origin.url
    );
    let second = desk.app().arg(&link).spawn()?.wait().await?;
    ensure!(second.success(), "the second start ended with {second}");
    window.shows("[data-testid=add-confirm]").await?;
    let field = window.shows("[data-testid=add-field]").await?;
    let said = field.prop("value").await?;
    ensure!(
        said.as_deref() == Some(&*format!("{}/file.bin", origin.url)),
        "{said:?}"
    );
    // Enter, pressed for something else, starts nothing.
    press(&window, Key::Enter + "").await?;
    let rows = window.call("snapshot", Value::Null).await?["downloads"].clone();
    ensure!(
        rows == json!([]),
        "it began without being asked for: {rows}"
    );
    ensure!(origin.asked() == 0);
    window.click("[data-testid=add-confirm]").await?;
    window
        .shows_within(&format!("{ROW}[data-state=completed]"), LATER)
        .await?;
    ensure!(std::fs::read(desk.downloads().join("file.bin"))? == bytes);
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_file_goes_to_the_trash() -> anyhow::Result<()> {
    let origin = Origin::start(vec![5; 100_000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    add(&window, &[format!("{}/file.bin", origin.url)]).await?;
    window
        .shows_within(&format!("{ROW}[data-state=completed]"), LATER)
        .await?;
    let file = desk.downloads().join("file.bin");
    let before = sha256(&file);
    window.click(ROW).await?;
    press(&window, Key::Shift + Key::Delete).await?;
    window.click("[data-testid=confirm-yes]").await?;
    window.loses(ROW).await?;
    ensure!(!file.exists(), "it is where it was");
    let trash = desk.trash().join("file.bin");
    ensure!(sha256(&trash) == before, "another file is in the trash");
    window.close(&desk).await
}
