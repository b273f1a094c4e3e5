//! What a user does with a download: picks it, watches it, stops it, opens it, removes it.

use std::time::Duration;

use anyhow::ensure;
use longhaul_tests::{
    content::{incompressible, sha256},
    desk::{Desk, Theme},
    wait::{LATER, SOON, eventually},
};

use super::{LARGE, ROW, SLOW, act, moves, names, press_in, progress};

const NAME: &str = "Field recording – été 2026 (“final”).wav";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_picked_in_the_window_is_seen_to_move_arrives_whole_and_is_told_of()
-> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join(NAME), LARGE, 1);
    let window = desk.window(Theme::Light).await?;
    window
        .shows("[data-testid=server-state][data-state=online]")
        .await?;
    window.picture("window-empty.png").await?;
    window.limit(Some(SLOW)).await?;
    window.pick(NAME).await?;

    let mut seen: Vec<u64> = Vec::new();
    let mut pictured = false;
    eventually("the file is complete", LATER, async || {
        let state = window
            .attribute(ROW, "data-state")
            .await?
            .unwrap_or_default();
        ensure!(state != "failed", "the download failed");
        let progress = progress(&window).await?;
        if state == "downloading" && seen.last().is_none_or(|last| *last != progress) {
            seen.push(progress);
        }
        if progress > 60 && !pictured {
            pictured = true;
            window.picture("window.png").await?;
        }
        Ok((state == "completed").then_some(()))
    })
    .await?;
    let moved = seen.windows(2).filter(|pair| pair[0] < pair[1]).count();
    ensure!(moved >= 3, "the bar was seen at {seen:?} only");
    ensure!(seen.is_sorted(), "the bar went back: {seen:?}");

    let file = desk.downloads().join(NAME);
    ensure!(
        sha256(&file) == sha256(&desk.library().join(NAME)),
        "another file arrived"
    );
    ensure!(
        names(&desk.downloads())? == [NAME],
        "more than the file is left"
    );

    let told = desk.centre.next(SOON).await?;
    ensure!(told.app == "Longhaul" && told.summary == NAME, "{told:?}");
    ensure!(told.body == "Complete and verified · 200 MB", "{told:?}");
    let show = told.button("Show in folder")?;
    let pointed_at = eventually("the file manager points at the file", SOON, async || {
        // Pressed again until it is listened to.
        desk.centre.press(told.id, show).await?;
        Ok(desk
            .centre
            .pointed_at(Duration::from_millis(300))
            .await
            .ok())
    })
    .await?;
    ensure!(pointed_at.len() == 1, "{pointed_at:?}");
    ensure!(pointed_at[0].starts_with("file:///") && pointed_at[0].ends_with(".wav"));

    press_in(&window, ROW, "open").await?;
    eventually("the file is opened", SOON, async || {
        Ok((desk.opened()? == [file.display().to_string()]).then_some(()))
    })
    .await?;
    window.close(&desk).await?;

    // The next run knows the row, and tells of nothing that was told before.
    incompressible(&desk.library().join("small.bin"), 100_000, 2);
    let window = desk.window(Theme::Dark).await?;
    window
        .shows(&format!("{ROW}[data-state=completed]"))
        .await?;
    window.pick("small.bin").await?;
    let told = desk.centre.next(LATER).await?;
    ensure!(told.summary == "small.bin", "told again: {told:?}");
    window.picture("window-dark.png").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_is_paused_resumed_cancelled_retried_and_removed_in_the_window()
-> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join("long.bin"), LARGE, 3);
    let window = desk.window(Theme::Light).await?;
    window.limit(Some(SLOW / 2)).await?;
    window.pick("long.bin").await?;
    let part = desk.downloads().join("long.bin.part");
    let before = moves(&window, 52).await?;
    act(&window, "pause", "paused").await?;
    let paused = progress(&window).await?;
    ensure!(paused >= before, "{paused} after {before}");
    ensure!(part.exists(), "a pause keeps what is there");

    act(&window, "resume", "downloading").await?;
    moves(&window, paused).await?;
    window.picture("window-actions.png").await?;

    // What is here would be lost: it is asked first, and nothing happens without a yes.
    press_in(&window, ROW, "cancel").await?;
    window.shows("[data-testid=confirm]").await?;
    ensure!(part.exists(), "nothing goes before it is confirmed");
    window.click("[data-testid=confirm-yes]").await?;
    window
        .shows(&format!("{ROW}[data-state=cancelled]"))
        .await?;
    eventually("the part is gone", SOON, async || {
        Ok(names(&desk.downloads())?.is_empty().then_some(()))
    })
    .await?;

    window.limit(None).await?;
    press_in(&window, ROW, "retry").await?;
    window
        .shows_within(&format!("{ROW}[data-state=completed]"), LATER)
        .await?;
    let [here, there] = [desk.downloads(), desk.library()].map(|it| it.join("long.bin"));
    ensure!(sha256(&here) == sha256(&there), "another file arrived");

    press_in(&window, ROW, "remove").await?;
    window.loses(ROW).await?;
    ensure!(here.exists(), "the file is not the row");
    window.close(&desk).await
}
