//! What is set: kept over a restart, refused where it cannot be, in every language.

use std::time::Duration;

use anyhow::{Context, ensure};
use longhaul_tests::{
    content::incompressible,
    desk::{Desk, Theme},
    origin::Origin,
    wait::{SOON, eventually},
};
use serde_json::{Value, json};
use thirtyfour::Key;

use super::{add, in_state, press, rows, says, set, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_hold_over_a_restart_and_a_wrong_one_is_refused_in_words() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    for (name, value) in [
        ("concurrent", json!(7)),
        ("connections", json!(9)),
        ("limit", json!(5_000_000)),
    ] {
        set(&window, name, value).await?;
    }
    for (name, value) in [
        ("concurrent", json!(0)),
        ("connections", json!(65)),
        ("limit", json!(3)),
        ("folder", json!("here")),
    ] {
        let refused = set(&window, name, value)
            .await
            .map_err(|error| error.to_string());
        ensure!(
            matches!(&refused, Err(why) if why.contains("invalid")),
            "{name}: {refused:?}"
        );
    }
    window.close(&desk).await?;
    let window = desk.window(Theme::Light).await?;
    let settings = window.call("settings", Value::Null).await?;
    ensure!(
        settings["concurrent"] == 7
            && settings["connections"] == 9
            && settings["limit"] == 5_000_000,
        "{settings}"
    );
    window.click("[data-testid=settings-button]").await?;
    write(&window, "input[inputmode=numeric]", "99" + Key::Enter).await?;
    says(&window, "A whole number from 1 to 64.").await?;
    ensure!(window.call("settings", Value::Null).await?["concurrent"] == 7);
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_language_holds_at_once_and_after_a_restart() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    for (language, said) in [
        ("日本語", "すべて"),
        ("中文", "全部"),
        ("Español", "Todas"),
        ("Deutsch", "Alle"),
    ] {
        press(&window, Key::Control + ",").await?;
        window
            .shows("#set-language")
            .await?
            .send_keys(language)
            .await?;
        // The page is loaded anew, and there is none for a moment.
        let script = "return !document.querySelector('[role=dialog]') \
                      && document.body.textContent.includes(arguments[0]);";
        eventually(&format!("“{said}”"), SOON, async || {
            let found = window.page.execute(script, vec![json!(said)]).await;
            Ok(found
                .is_ok_and(|found| found.json() == &json!(true))
                .then_some(()))
        })
        .await?;
    }
    window.close(&desk).await?;
    let window = desk.window(Theme::Light).await?;
    says(&window, "Alle").await?;
    ensure!(window.attribute("html", "lang").await?.as_deref() == Some("de"));
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colours_that_are_chosen_hold_whatever_the_system_says() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let brightness = "return getComputedStyle(document.body).backgroundColor;";
    let light = window
        .page
        .execute(brightness, Vec::new())
        .await?
        .json()
        .clone();
    press(&window, Key::Control + ",").await?;
    window
        .click("[aria-label=Colours] button:last-child")
        .await?;
    eventually("it is dark", SOON, async || {
        let now = window.page.execute(brightness, Vec::new()).await?;
        Ok((now.json() != &light).then_some(()))
    })
    .await?;
    let dark = window
        .page
        .execute(brightness, Vec::new())
        .await?
        .json()
        .clone();
    window.close(&desk).await?;
    let window = desk.window(Theme::Light).await?;
    let now = window
        .page
        .execute(brightness, Vec::new())
        .await?
        .json()
        .clone();
    ensure!(now == dark, "{now} is not {dark}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diagnostics_tell_what_a_report_needs_and_no_link_name_or_token() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join("private name.bin"), 100_000, 1);
    let window = desk.window(Theme::Light).await?;
    window.pick("private name.bin").await?;
    in_state(&window, "completed", 1).await?;
    let said = window.call("diagnostics", Value::Null).await?;
    let said = said.as_str().context("no text")?;
    for part in ["Longhaul", "totals", "settings", "download moved on"] {
        ensure!(said.contains(part), "{part} is not in {said}");
    }
    let folder = desk.data().display().to_string();
    for secret in ["X-Amz", "Bearer", "private name", &*folder, "http://"] {
        ensure!(!said.contains(secret), "{secret} is in {said}");
    }
    window.call("copyDiagnostics", Value::Null).await?;
    let copied = desk.copied().await?;
    ensure!(copied.starts_with("Longhaul"), "{copied} was copied");
    window.call("openLogs", Value::Null).await?;
    eventually("the folder of the logs is shown", SOON, async || {
        Ok(desk.opened()?.contains(&folder).then_some(()))
    })
    .await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn list_and_settings_are_saved_to_a_file_and_taken_in_elsewhere() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 << 20], Duration::from_millis(200), 0).await;
    let urls: Vec<_> = (0..3)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect();
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    set(&window, "connections", json!(7)).await?;
    let ids = add(&window, &urls).await?;
    window.call("pause", json!({ "ids": ids })).await?;
    in_state(&window, "paused", 3).await?;
    window.click("[data-testid=settings-button]").await?;
    window.click("[data-testid=export-list]").await?;
    let saved = desk.home().join("saved.json");
    desk.choose("Save the list and the settings", &saved)
        .await?;
    says(&window, "saved.json").await?;
    window.close(&desk).await?;

    let elsewhere = Desk::open().await?;
    let window = elsewhere.window(Theme::Light).await?;
    let known = add(&window, &urls[..1]).await?;
    window.click("[data-testid=settings-button]").await?;
    window.click("[data-testid=import-list]").await?;
    elsewhere.choose("Take in a saved list", &saved).await?;
    says(&window, "2 added, 1 left out").await?;
    let rows = rows(&window).await?;
    ensure!(
        rows.len() == 3 && rows[2]["id"] == known[0].as_str(),
        "{rows:?}"
    );
    let settings = window.call("settings", Value::Null).await?;
    ensure!(settings["connections"] == 7, "{settings}");
    window.close(&elsewhere).await
}
