//! New versions of the app: from whom, found when, and never put in place unless their publisher
//! signed them and the user said so.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::ensure;
use longhaul_tests::{
    bins::binary,
    desk::{Desk, Theme},
    feed::{Feed, Publisher},
    wait::{SOON, eventually},
    window::Window,
};
use serde_json::{Value, json};

use super::{says_in, set};

const STATE: &str = "[data-testid=update-state]";
const INSTALL: &str = "[data-testid=install-update]";
const LOOK: &str = "[data-testid=look-for-updates]";
const SETTINGS: &str = "[data-testid=settings-button]";
const OLD: &[u8] = b"\x7fELF the old one";

/// A desk whose app is told of that publisher, and runs from a file that can be replaced.
fn as_app_image(desk: &mut Desk, publisher: &Publisher, feed: &Feed) -> anyhow::Result<PathBuf> {
    told(desk, &publisher.setup(feed)?)?;
    let image = desk.home().join("Longhaul.AppImage");
    fs::write(&image, OLD)?;
    fs::set_permissions(&image, fs::Permissions::from_mode(0o755))?;
    desk.variable("APPIMAGE", image.to_str().expect("a path of text"));
    Ok(image)
}

fn told(desk: &mut Desk, setup: &str) -> anyhow::Result<()> {
    let file = desk.home().join("updates.toml");
    fs::write(&file, setup)?;
    desk.option("--updates", file.to_str().expect("a path of text"));
    Ok(())
}

/// Asks for the newest version and tries to install it; it must not be.
async fn is_refused(window: &Window, image: &Path, why: &str) -> anyhow::Result<()> {
    window.click(LOOK).await?;
    window.loses("[data-testid=update-error]").await?;
    window.click(&format!("{INSTALL}:not(:disabled)")).await?;
    says_in(window, "[data-testid=update-error]", why).await?;
    ensure!(fs::read(image)? == OLD);
    let view = window.call("updates", Value::Null).await?;
    ensure!(view["stage"] == json!({ "stage": "idle" }), "{view}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_source_there_are_no_updates_and_a_source_that_is_none_is_told_of()
-> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    window.click(SETTINGS).await?;
    says_in(&window, "[role=dialog]", "No source of updates is set up").await?;
    for command in ["lookForUpdates", "installUpdate"] {
        let view = window.call(command, Value::Null).await?;
        ensure!(
            view["lookedAt"].is_null() && view["stage"]["stage"] == "idle",
            "{view}"
        );
    }
    window.close(&desk).await?;
    told(
        &mut desk,
        "endpoints = [\"http://updates.example.com\"]\npublic_key = \"\"",
    )?;
    let window = desk.window(Theme::Light).await?;
    window.click(SETTINGS).await?;
    says_in(&window, "[role=dialog] [role=alert]", "is not https").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_found_at_the_start_and_installed_and_run_at_the_users_word()
-> anyhow::Result<()> {
    let (publisher, feed) = (Publisher::new()?, Feed::start().await);
    let next = fs::read(binary("next-version"))?;
    feed.publish("9.1.0", next.clone(), &publisher.sign(&next, "9.1.0")?);
    let mut desk = Desk::open().await?;
    let image = as_app_image(&mut desk, &publisher, &feed)?;
    let window = desk.window(Theme::Light).await?;
    window
        .shows("[data-testid=settings-button][aria-label*='9.1.0']")
        .await?;
    ensure!(fs::read(&image)? == OLD && feed.asked() == 1);
    window.click(SETTINGS).await?;
    says_in(&window, "[data-testid=updates]", "What is new.").await?;
    let script = "document.querySelector(arguments[0]).scrollIntoView();";
    let row = vec![json!("[data-testid=updates]")];
    window.page.execute(script, row).await?;
    window.picture("updates.png").await?;
    window.click(INSTALL).await?;
    says_in(&window, STATE, "9.1.0 is installed").await?;
    ensure!(fs::read(&image)? == next);
    window.click("[data-testid=restart]").await?;
    let started = desk.data().join("started");
    let args = eventually("the new version runs", SOON, async || {
        Ok(fs::read_to_string(&started).ok())
    })
    .await?;
    ensure!(args.contains("--updates"), "{args}");
    window.gone(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_its_publisher_did_not_sign_as_that_version_is_not_installed() -> anyhow::Result<()> {
    let (publisher, feed) = (Publisher::new()?, Feed::start().await);
    let file = b"\x7fELF the next one".to_vec();
    let mut desk = Desk::open().await?;
    let image = as_app_image(&mut desk, &publisher, &feed)?;
    let window = desk.window(Theme::Light).await?;
    window.click(SETTINGS).await?;
    let not_signed = "not signed by its publisher";
    // Somebody else's.
    let forged = Publisher::new()?.sign(&file, "9.0.0")?;
    feed.publish("9.0.0", file.clone(), &forged);
    is_refused(&window, &image, not_signed).await?;
    // An old version, with the signature that it once had.
    feed.publish("9.0.0", file.clone(), &publisher.sign(&file, "0.0.9")?);
    is_refused(&window, &image, not_signed).await?;
    // Another file than was signed.
    let signed = publisher.sign(b"\x7fELF another", "9.0.0")?;
    feed.publish("9.0.0", file, &signed);
    is_refused(&window, &image, not_signed).await?;
    // What cannot run.
    let page = b"<html>moved</html>".to_vec();
    feed.publish("9.0.0", page.clone(), &publisher.sign(&page, "9.0.0")?);
    is_refused(&window, &image, "no AppImage").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_cannot_replace_itself_says_so_and_nobody_is_asked_where_the_user_wants_that()
-> anyhow::Result<()> {
    let (publisher, feed) = (Publisher::new()?, Feed::start().await);
    feed.publish("9.1.0", Vec::new(), &publisher.sign(&[], "9.1.0")?);
    let mut desk = Desk::open().await?;
    told(&mut desk, &publisher.setup(&feed)?)?;
    let window = desk.window(Theme::Light).await?;
    window.click(SETTINGS).await?;
    says_in(&window, STATE, "This copy cannot replace itself").await?;
    ensure!(window.count(INSTALL).await? == 0 && feed.asked() == 1);
    set(&window, "lookForUpdates", json!(false)).await?;
    window.close(&desk).await?;
    // No newer version than this one.
    feed.publish("0.0.9", Vec::new(), &publisher.sign(&[], "0.0.9")?);
    let window = desk.window(Theme::Light).await?;
    window.click(SETTINGS).await?;
    window.click(LOOK).await?;
    says_in(&window, STATE, "This is the newest").await?;
    ensure!(feed.asked() == 2, "{}", feed.asked());
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_stalls_is_given_up_at_the_users_word_and_can_be_fetched_again()
-> anyhow::Result<()> {
    let (publisher, feed) = (Publisher::new()?, Feed::start().await);
    let next = b"\x7fELF the next one".to_vec();
    feed.publish("9.1.0", next.clone(), &publisher.sign(&next, "9.1.0")?);
    feed.stall(true);
    let mut desk = Desk::open().await?;
    let image = as_app_image(&mut desk, &publisher, &feed)?;
    let window = desk.window(Theme::Light).await?;
    window.click(SETTINGS).await?;
    window.click(&format!("{INSTALL}:not(:disabled)")).await?;
    let stage = async |wanted: &str| {
        eventually(&format!("it is {wanted}"), SOON, async || {
            let view = window.call("updates", Value::Null).await?;
            Ok((view["stage"]["stage"] == wanted).then_some(view))
        })
        .await
    };
    stage("fetching").await?;
    window.call("cancelUpdate", Value::Null).await?;
    let view = stage("idle").await?;
    ensure!(view["found"]["version"] == "9.1.0", "{view}");
    ensure!(
        view["error"].is_null() && fs::read(&image)? == OLD,
        "{view}"
    );
    feed.stall(false);
    window.click(&format!("{INSTALL}:not(:disabled)")).await?;
    stage("installed").await?;
    ensure!(fs::read(&image)? == next);
    window.close(&desk).await
}
