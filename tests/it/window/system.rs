//! The window's place in the system: the tray, the start, its size, notifications of many.

use std::time::Duration;

use anyhow::ensure;
use longhaul_tests::{
    desk::{Desk, Theme},
    origin::Origin,
    wait::{LATER, SOON, eventually},
};
use serde_json::{Value, json};

use super::{add, in_state, names, set};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starting_with_the_system_is_written_down_and_taken_back() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let folder = desk.home().join(".config/autostart");
    ensure!(window.call("autostart", Value::Null).await? == json!(false));
    ensure!(window.call("setAutostart", json!(true)).await? == json!(true));
    let entries = names(&folder)?;
    ensure!(entries.len() == 1, "{entries:?}");
    let entry = std::fs::read_to_string(folder.join(&entries[0]))?;
    ensure!(entry.contains("longhaul-desktop"), "{entry}");
    ensure!(entry.contains("--in-background"), "{entry}");
    ensure!(window.call("setAutostart", json!(false)).await? == json!(false));
    ensure!(names(&folder)?.is_empty());
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_has_its_size_again() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    window.page.set_window_rect(0, 0, 900, 600).await?;
    let size = "return [innerWidth, innerHeight];";
    eventually("it is smaller", SOON, async || {
        let now = window.page.execute(size, Vec::new()).await?;
        Ok((now.json()[0] == 900).then_some(()))
    })
    .await?;
    let before = window.page.execute(size, Vec::new()).await?.json().clone();
    window.close(&desk).await?;
    let window = desk.window(Theme::Light).await?;
    eventually("the same size", SOON, async || {
        let now = window.page.execute(size, Vec::new()).await?;
        Ok((now.json() == &before).then_some(()))
    })
    .await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_finish_together_are_told_of_in_few_words() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let urls: Vec<_> = (0..40)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect();
    add(&window, &urls).await?;
    in_state(&window, "completed", 40).await?;
    let mut told = Vec::new();
    while let Ok(shown) = desk.centre.next(Duration::from_secs(3)).await {
        told.push(shown.summary);
    }
    ensure!(
        (1..=8).contains(&told.len()),
        "{} notifications: {told:?}",
        told.len()
    );
    ensure!(
        told.iter()
            .any(|summary| summary.contains("downloads are complete")),
        "{told:?}"
    );
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_closed_to_the_tray_lets_downloads_go_on_and_comes_back() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 4 << 20], Duration::from_millis(30), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let about = window.call("about", Value::Null).await?;
    ensure!(about["tray"] == true, "{about}");
    set(&window, "closeToTray", json!(true)).await?;
    add(&window, &[format!("{}/file.bin", origin.url)]).await?;
    in_state(&window, "downloading", 1).await?;
    window.press_close(&desk).await?;
    eventually("the window is hidden", SOON, async || {
        Ok((desk.windows()? == 0).then_some(()))
    })
    .await?;
    ensure!(desk.centre.has_app().await?, "the app has gone");
    eventually("the file is complete", LATER, async || {
        Ok((names(&desk.downloads())? == ["file.bin"]).then_some(()))
    })
    .await?;
    let second = desk.app().spawn()?.wait().await?;
    ensure!(second.success(), "the second start ended with {second}");
    eventually("the window is back", SOON, async || {
        Ok((desk.windows()? == 1).then_some(()))
    })
    .await?;
    set(&window, "closeToTray", json!(false)).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_closed_where_nobody_shows_a_tray_does_not_vanish_with_the_app_behind_it()
-> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    desk.take_the_bus_away();
    let window = desk.window(Theme::Light).await?;
    let about = window.call("about", Value::Null).await?;
    ensure!(about["tray"] == false, "{about}");
    set(&window, "closeToTray", json!(true)).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_does_not_go_to_sleep_while_something_runs_unless_it_may() -> anyhow::Result<()>
{
    let origin = Origin::start(vec![7; 64 << 20], Duration::from_millis(50), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let held = async |wanted: &[&str]| {
        eventually(&format!("{wanted:?} is held"), SOON, async || {
            Ok((desk.centre.holds() == wanted).then_some(()))
        })
        .await
    };
    held(&[]).await?;
    let ids = add(&window, &[format!("{}/file.bin", origin.url)]).await?;
    held(&["idle"]).await?;
    window.call("pause", json!({ "ids": ids })).await?;
    held(&[]).await?;
    window.call("resume", json!({ "ids": ids })).await?;
    held(&["idle"]).await?;
    set(&window, "keepAwake", json!(false)).await?;
    held(&[]).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copied_links_to_files_are_offered_where_the_user_wants_that_and_only_asked_for()
-> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let mut desk = Desk::open().await?;
    let link = format!("{}/file.bin", origin.url);
    desk.copies(&link)?;
    let window = desk.window(Theme::Light).await?;
    ensure!(window.call("settings", Value::Null).await?["watchClipboard"] == false);
    window.click("[data-testid=settings-button]").await?;
    window.click("#set-clipboard").await?;
    window
        .click("[role=dialog] button[aria-label=Close]")
        .await?;
    desk.log_says("the clipboard is watched").await?;
    // Neither what was there before, nor a page, nor words.
    for (seen, text) in (1..).zip(["https://example.org/page.html", "some words"]) {
        desk.copies(text)?;
        eventually("it was looked at", SOON, async || {
            let log = tokio::fs::read_to_string(desk.data().join("longhaul.log")).await?;
            Ok((log.matches("is no link to a file").count() == seen).then_some(()))
        })
        .await?;
        ensure!(
            window.now("[role=dialog]").await?.is_none(),
            "{text} was offered"
        );
    }
    desk.copies(&link)?;
    window.shows("[data-testid=add-confirm]").await?;
    let field = window.shows("[data-testid=add-field]").await?;
    let said = field.prop("value").await?;
    ensure!(said.as_deref() == Some(&*link), "{said:?}");
    ensure!(origin.asked() == 0, "it began without being asked for");
    window.click("[data-testid=add-confirm]").await?;
    in_state(&window, "completed", 1).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_copied_while_the_window_is_hidden_waits_behind_a_notification()
-> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    set(&window, "watchClipboard", json!(true)).await?;
    set(&window, "closeToTray", json!(true)).await?;
    desk.log_says("the clipboard is watched").await?;
    window.press_close(&desk).await?;
    eventually("the window is hidden", SOON, async || {
        Ok((desk.windows()? == 0).then_some(()))
    })
    .await?;
    desk.copies("https://example.org/file.zip")?;
    let told = desk.centre.next(SOON).await?;
    ensure!(told.summary == "Links to files were copied", "{told:?}");
    ensure!(desk.windows()? == 0, "the window comes up by itself");
    let show = told.button("Show")?;
    eventually("the window is back", SOON, async || {
        // Pressed again until it is listened to.
        desk.centre.press(told.id, show).await?;
        Ok((desk.windows()? == 1).then_some(()))
    })
    .await?;
    let field = window.shows("[data-testid=add-field]").await?;
    let said = field.prop("value").await?;
    ensure!(
        said.as_deref() == Some("https://example.org/file.zip"),
        "{said:?}"
    );
    set(&window, "closeToTray", json!(false)).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tray_tells_how_it_goes_acts_on_all_and_speaks_the_chosen_language()
-> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 << 20], Duration::from_millis(50), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let says = async |wanted: &[&str]| {
        eventually(&format!("the tray says {wanted:?}"), SOON, async || {
            let lines = desk.centre.tray().await?;
            let all = wanted
                .iter()
                .all(|text| lines.iter().any(|line| line.contains(text)));
            Ok(all.then_some(()))
        })
        .await
    };
    says(&["Nothing is being downloaded", "Show Longhaul", "Quit"]).await?;
    let urls: Vec<_> = (0..2)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect();
    add(&window, &urls).await?;
    says(&["2 downloads · "]).await?;
    desk.centre.click_in_tray("Pause all").await?;
    in_state(&window, "paused", 2).await?;
    says(&["Nothing is being downloaded"]).await?;
    let german = json!({ "name": "language", "value": "de" });
    window.call("remember", german).await?;
    says(&["Es wird nichts geladen", "Longhaul zeigen", "Beenden"]).await?;
    desk.centre.click_in_tray("Alle fortsetzen").await?;
    in_state(&window, "downloading", 2).await?;
    says(&["2 Downloads · "]).await?;
    desk.centre.click_in_tray("Beenden").await?;
    window.gone(&desk).await
}
