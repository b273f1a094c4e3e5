//! The list as it is looked through: narrowed, sorted, its columns, one row in full, the queue.

use std::time::Duration;

use anyhow::{Context, ensure};
use longhaul_tests::{
    content::incompressible,
    desk::{Desk, Theme},
    origin::Origin,
    wait::{SOON, eventually},
    window::Window,
};
use serde_json::{Value, json};
use thirtyfour::Key;

use super::{ROW, add, in_state, press, rows, set, write};

const FILES: [(&str, u64); 4] = [
    ("alpha.zip", 300_000),
    ("beta.pdf", 100_000),
    ("gamma.mp4", 400_000),
    ("delta.zip", 200_000),
];

/// A desk on which these files are complete.
async fn with_files() -> anyhow::Result<(Desk, Window)> {
    let desk = Desk::open().await?;
    for (seed, (name, size)) in (1..).zip(FILES) {
        incompressible(&desk.library().join(name), size, seed);
    }
    let window = desk.window(Theme::Light).await?;
    set(&window, "notify", json!(false)).await?;
    for (count, (name, _)) in (1..).zip(FILES) {
        window.pick(name).await?;
        in_state(&window, "completed", count).await?;
    }
    eventually("all rows", SOON, async || {
        Ok((window.count(ROW).await? == FILES.len()).then_some(()))
    })
    .await?;
    Ok((desk, window))
}

/// The names as they are shown, from the top.
async fn shown(window: &Window) -> anyhow::Result<Vec<String>> {
    let script = "return [...document.querySelectorAll('[data-testid=download-row]')]\
                  .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.ariaLabel);";
    let found = window.page.execute(script, Vec::new()).await?;
    Ok(serde_json::from_value(found.json().clone())?)
}

async fn until_shown(window: &Window, wanted: &[&str]) -> anyhow::Result<()> {
    eventually(&format!("{wanted:?}"), SOON, async || {
        Ok((shown(window).await? == wanted).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_narrowed_by_words_and_by_kind_with_counts() -> anyhow::Result<()> {
    let (desk, window) = with_files().await?;
    let archives = "[data-testid=filter-archive]";
    let count = window.shows(archives).await?.text().await?;
    ensure!(count.contains('2'), "{count}");
    window.click(archives).await?;
    until_shown(&window, &["delta.zip", "alpha.zip"]).await?;
    press(&window, Key::Control + "f").await?;
    press(&window, "alp").await?;
    until_shown(&window, &["alpha.zip"]).await?;
    window.click(archives).await?;
    until_shown(&window, &["alpha.zip"]).await?;
    press(&window, Key::Control + "f").await?;
    press(&window, "nothing like it").await?;
    until_shown(&window, &[]).await?;
    window.click("main button:not([aria-label])").await.ok();
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_sorts_and_the_order_is_the_same_after_a_restart() -> anyhow::Result<()> {
    let (desk, window) = with_files().await?;
    window.click("[data-testid=sort-size]").await?;
    let largest = ["gamma.mp4", "alpha.zip", "delta.zip", "beta.pdf"];
    until_shown(&window, &largest).await?;
    window.click("[data-testid=sort-name]").await?;
    let by_name = ["alpha.zip", "beta.pdf", "delta.zip", "gamma.mp4"];
    until_shown(&window, &by_name).await?;
    window.close(&desk).await?;
    let window = desk.window(Theme::Light).await?;
    until_shown(&window, &by_name).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_row_is_shown_in_full_with_its_phases_its_job_and_its_digests() -> anyhow::Result<()> {
    let (desk, window) = with_files().await?;
    window.click(ROW).await?;
    let details = window.shows("section[aria-label=Details]").await?;
    let row = rows(&window).await?.swap_remove(0);
    let said = eventually("the last step", SOON, async || {
        let said = details.prop("textContent").await?;
        Ok(said.filter(|said| said.contains("finished")))
    })
    .await?;
    for part in [
        "clicked", "accepted", "started", "stored", "pulled", "finished",
    ] {
        ensure!(said.contains(part), "{part} is not in {said}");
    }
    for fact in ["jobId", "crc64nvme", "path"] {
        let fact = row[fact]
            .as_str()
            .with_context(|| format!("{fact}: {row}"))?;
        ensure!(said.contains(fact), "{fact} is not in {said}");
    }
    window.picture("window-details.png").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_put_in_another_order_by_keys_and_kept_over_a_restart() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 << 20], Duration::from_millis(50), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    set(&window, "concurrent", json!(1)).await?;
    let urls: Vec<_> = (0..4)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect();
    let ids = add(&window, &urls).await?;
    in_state(&window, "downloading", 1).await?;
    window
        .click(&format!("{ROW}[data-id='{}']", ids[3]))
        .await?;
    press(&window, Key::Alt + Key::Home).await?;
    let places = async |window: &Window| {
        let mut rows = rows(window).await?;
        rows.sort_by_key(|row| row["place"].as_u64());
        let ids: Vec<_> = rows.iter().map(|row| row["id"].clone()).collect();
        anyhow::Ok(ids)
    };
    let wanted = [3, 0, 1, 2].map(|at| json!(ids[at]));
    eventually("the last one is the first", SOON, async || {
        Ok((places(&window).await? == wanted).then_some(()))
    })
    .await?;
    window.close(&desk).await?;
    let window = desk.window(Theme::Light).await?;
    in_state(&window, "downloading", 1).await?;
    ensure!(places(&window).await? == wanted);
    let running = rows(&window).await?;
    let first = running.iter().find(|row| row["state"] == "downloading");
    ensure!(first.is_some_and(|row| row["id"] == wanted[0]), "{first:?}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rows_menu_limits_its_speed_and_the_pull_keeps_to_it() -> anyhow::Result<()> {
    // Slow enough that it is still on its way when the limit is typed: 330 kB/s a connection.
    let origin = Origin::start(vec![7; 64 << 20], Duration::from_millis(200), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let ids = add(&window, &[format!("{}/file.bin", origin.url)]).await?;
    in_state(&window, "downloading", 1).await?;
    let row = window.shows(ROW).await?;
    eventually("the menu opens", SOON, async || {
        let chain = window.page.action_chain();
        chain.context_click_element(&row).perform().await?;
        window.now("[data-testid=menu-action-limitSpeed]").await
    })
    .await?;
    window.click("[data-testid=menu-action-limitSpeed]").await?;
    write(&window, "[data-testid=limit-field]", "0.1").await?;
    press(&window, Key::Enter + "").await?;
    let done = async || {
        let row = rows(&window).await?.swap_remove(0);
        ensure!(row["id"] == ids[0].as_str(), "{row}");
        anyhow::Ok((
            row["limit"] == json!(100_000),
            row["pulled"]["done"].as_u64(),
        ))
    };
    eventually("it holds", SOON, async || Ok(done().await?.0.then_some(()))).await?;
    // What was on its way is drained first; then ten looks see no more than the limit gives.
    let mut before = done().await?.1;
    let slow = eventually("it goes slowly", SOON, async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = done().await?.1;
        let gone = now.unwrap_or(0) - before.unwrap_or(0);
        before = now;
        Ok((gone < 200_000).then_some(gone))
    });
    slow.await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_found_by_its_name_and_acts_on_what_is_picked() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 << 20], Duration::from_millis(50), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    add(&window, &[format!("{}/file.bin", origin.url)]).await?;
    in_state(&window, "downloading", 1).await?;
    window.click(ROW).await?;
    press(&window, Key::Control + "k").await?;
    window.shows("[data-testid=palette-field]").await?;
    press(&window, "pause").await?;
    window.shows("[data-testid=deed-pause]").await?;
    press(&window, Key::Enter + "").await?;
    in_state(&window, "paused", 1).await?;
    ensure!(rows(&window).await?[0]["fault"] == Value::Null);
    window.close(&desk).await
}
