//! What goes wrong around the window, and what it says then.

use std::time::Duration;

use anyhow::{Context, ensure};
use longhaul_tests::{
    content::incompressible,
    desk::{Desk, Theme},
    origin::Origin,
    wait::{LATER, SOON, eventually},
};
use serde_json::{Value, json};

use super::{ROW, add, in_state, names, press_in, says, says_in, walk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_told_in_a_sentence_and_its_button_tries_again() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let source = desk.library().join("moved.bin");
    incompressible(&source, 100_000, 5);
    let window = desk.window(Theme::Light).await?;
    window.seeks("moved.bin").await?;
    let aside = desk.data().join("moved.bin");
    std::fs::rename(&source, &aside)?;
    window.pick("moved.bin").await?;

    let told = desk.centre.next(LATER).await?;
    ensure!(
        told.summary == "moved.bin" && !told.body.is_empty(),
        "{told:?}"
    );
    window.shows(&format!("{ROW}[data-state=failed]")).await?;
    window.picture("window-failed.png").await?;

    std::fs::rename(&aside, &source)?;
    let retry = told.button("Retry")?;
    eventually("it is tried again", SOON, async || {
        desk.centre.press(told.id, retry).await?;
        Ok(window
            .now(&format!("{ROW}[data-state=failed]"))
            .await?
            .is_none()
            .then_some(()))
    })
    .await?;
    let told = desk.centre.next(LATER).await?;
    ensure!(told.body == "Complete and verified · 100 kB", "{told:?}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_list_opens_with_its_rows_and_the_window_is_told() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join("one.bin"), 100_000, 6);
    let window = desk.window(Theme::Light).await?;
    window.pick("one.bin").await?;
    window
        .shows(&format!("{ROW}[data-state=completed]"))
        .await?;
    window.close(&desk).await?;

    let mut damaged = 0;
    for entry in walk(&desk.data().join("client"))? {
        if entry.file_name().is_some_and(|name| name == "db") {
            std::fs::write(&entry, [0x5a; 4096])?;
            damaged += 1;
        }
    }
    ensure!(damaged == 1, "{damaged} databases were damaged, not one");

    let window = desk.window(Theme::Light).await?;
    window
        .shows(&format!("{ROW}[data-state=completed]"))
        .await?;
    let notices = window.call("snapshot", Value::Null).await?["notices"].clone();
    let told = notices[0]["message"].as_str().context("nothing is told")?;
    ensure!(
        told.contains("moved") || told.contains("aside") || told.contains("restored"),
        "{told}"
    );
    window.call("dismissNotices", Value::Null).await?;
    let notices = window.call("snapshot", Value::Null).await?["notices"].clone();
    ensure!(notices == json!([]), "told again: {notices}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_notification_centre_downloads_go_on_and_the_log_says_so_once()
-> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    desk.take_the_bus_away();
    for name in ["one.bin", "two.bin"] {
        incompressible(&desk.library().join(name), 100_000, 7);
    }
    let window = desk.window(Theme::Light).await?;
    for (name, rows) in [("one.bin", 1), ("two.bin", 2)] {
        window.pick(name).await?;
        eventually(name, SOON, async || {
            let done = format!("{ROW}[data-state=completed]");
            Ok((window.count(&done).await? == rows).then_some(()))
        })
        .await?;
    }
    let once = "there are no notifications on this system";
    desk.log_says(once).await?;
    let log = std::fs::read_to_string(desk.data().join("longhaul.log"))?;
    ensure!(log.matches(once).count() == 1, "{log}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_is_asked_about_and_the_old_file_goes_to_the_trash()
-> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 100_000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    std::fs::write(desk.downloads().join("file.bin"), "mine")?;
    let window = desk.window(Theme::Light).await?;
    window.click("[data-testid=settings-button]").await?;
    let ask = "[aria-label='When a name is taken'] button:last-child";
    window.click(ask).await?;
    window
        .click("[role=dialog] button[aria-label=Close]")
        .await?;
    let urls: Vec<_> = (0..2)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect();
    let ids = add(&window, &urls).await?;
    in_state(&window, "failed", 2).await?;
    says(&window, "in the folder already").await?;
    ensure!(names(&desk.downloads())? == ["file.bin"]);
    window.picture("window-same-name.png").await?;
    for (id, action) in [(&ids[0], "keepBoth"), (&ids[1], "replace")] {
        let row = format!("{ROW}[data-id='{id}']");
        press_in(&window, &row, action).await?;
        window
            .shows(&format!("{row}[data-state=completed]"))
            .await?;
    }
    let mut there = names(&desk.downloads())?;
    there.sort();
    ensure!(there == ["file (1).bin", "file.bin"], "{there:?}");
    ensure!(std::fs::read(desk.trash().join("file.bin"))? == b"mine");
    ensure!(std::fs::read(desk.downloads().join("file.bin"))?.len() == 100_000);
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_whose_file_has_gone_says_so_in_the_window() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join("small.bin"), 100_000, 3);
    let window = desk.window(Theme::Light).await?;
    window.pick("small.bin").await?;
    let told = desk.centre.next(LATER).await?;
    std::fs::remove_file(desk.downloads().join("small.bin"))?;
    let open = told.button("Open")?;
    eventually("the window says so", SOON, async || {
        // Pressed again until it is listened to.
        desk.centre.press(told.id, open).await?;
        window.now("[role=alert]").await
    })
    .await?;
    says_in(&window, "[role=alert]", "“small.bin” is no longer in").await?;
    ensure!(desk.opened()?.is_empty());
    window.close(&desk).await
}
