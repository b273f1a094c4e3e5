//! The window's own life: closed and opened again, started twice, told to stop, without a display, on a server elsewhere.

use std::time::Duration;

use anyhow::{Context, ensure};
use longhaul_tests::{
    bins::binary,
    content::{incompressible, sha256},
    desk::{APP, Desk, Theme},
    server::Place,
    wait::{LATER, SOON, eventually},
};
use serde_json::{Value, json};
use tokio::process::Child;

use super::{LARGE, ROW, SLOW, moves, names};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_closed_in_the_middle_goes_on_where_it_was_when_it_is_opened_again()
-> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join("long.bin"), LARGE, 4);
    let window = desk.window(Theme::Light).await?;
    window.limit(Some(SLOW)).await?;
    window.pick("long.bin").await?;
    moves(&window, 70).await?;
    window.close(&desk).await?;
    let kept = names(&desk.downloads())?;
    ensure!(
        kept.iter().any(|name| name == "long.bin.part.json"),
        "no control record: {kept:?}"
    );

    let window = desk.window(Theme::Light).await?;
    window
        .shows_within(&format!("{ROW}[data-state=completed]"), LATER)
        .await?;
    let row = window.call("snapshot", Value::Null).await?["downloads"][0].clone();
    let fetched = row["pulled"]["fetched"]
        .as_u64()
        .context("nothing was fetched")?;
    ensure!(
        fetched < LARGE * 11 / 10,
        "{fetched} bytes were fetched for {LARGE}"
    );
    let [here, there] = [desk.downloads(), desk.library()].map(|it| it.join("long.bin"));
    ensure!(sha256(&here) == sha256(&there), "another file arrived");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_elsewhere_is_spoken_with_by_its_token_and_a_wrong_one_is_told_of()
-> anyhow::Result<()> {
    let place = Place::new();
    incompressible(&place.library().join("theirs.bin"), 100_000, 8);
    let (tokens, token) = (place.path("tokens"), place.path("token"));
    std::fs::write(&tokens, "studio 0123456789abcdef0123456789abcdef\n")?;
    std::fs::write(&token, "ffffffffffffffffffffffffffffffff\n")?;
    let server = place.serve(&["--tokens", &tokens.display().to_string()]);

    let mut desk = Desk::open().await?;
    desk.option("--server", server.at("/").as_str());
    desk.option("--token-file", &token.display().to_string());
    let window = desk.window(Theme::Light).await?;
    let page = json!({ "query": null, "cursor": null, "limit": 50 });
    let refused = window
        .call("files", page)
        .await
        .map_err(|error| error.to_string());
    ensure!(
        matches!(&refused, Err(why) if why.contains("unauthorized")),
        "{refused:?}"
    );
    window.close(&desk).await?;

    std::fs::write(&token, "0123456789abcdef0123456789abcdef\n")?;
    let window = desk.window(Theme::Light).await?;
    window.pick("theirs.bin").await?;
    window
        .shows(&format!("{ROW}[data-state=completed]"))
        .await?;
    let [here, there] = [desk.downloads(), place.library()].map(|it| it.join("theirs.bin"));
    ensure!(sha256(&here) == sha256(&there), "another file arrived");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_shows_the_first_window_and_a_signal_quits_it_cleanly() -> anyhow::Result<()>
{
    let desk = Desk::open().await?;
    let mut first = desk.app().spawn()?;
    desk.log_says("ready").await?;

    let mut second = desk.app().spawn()?;
    let gone = tokio::time::timeout(SOON, second.wait())
        .await
        .context("two windows")??;
    ensure!(gone.success(), "the second one ended with {gone}");
    ensure!(first.try_wait()?.is_none(), "the first one went with it");

    terminate(&first)?;
    quits(&mut first).await?;
    desk.log_says("Longhaul has stopped").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_comes_while_the_app_ends_is_asked_for_by_the_next_one() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let mut first = desk.app().spawn()?;
    desk.log_says("ready").await?;
    terminate(&first)?;
    desk.log_says("asked to stop").await?;
    let mut second = desk.app().arg("longhaul://add?id=7").spawn()?;
    quits(&mut first).await?;
    desk.log_says("downloads were given by a link").await?;
    eventually("the second one is ready", SOON, async || {
        let log = tokio::fs::read_to_string(desk.data().join("longhaul.log")).await?;
        Ok((log.matches(": ready ").count() == 2).then_some(()))
    })
    .await?;
    ensure!(second.try_wait()?.is_none(), "it went with the first one");
    terminate(&second)?;
    quits(&mut second).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_the_system_is_in_the_tray_until_the_window_is_asked_for() -> anyhow::Result<()>
{
    let desk = Desk::open().await?;
    let mut first = desk.app().arg("--in-background").spawn()?;
    desk.log_says("started in the tray").await?;
    ensure!(desk.windows()? == 0, "there is a window");
    let second = desk.app().spawn()?.wait().await?;
    ensure!(second.success(), "the second start ended with {second}");
    eventually("the window is there", SOON, async || {
        Ok((desk.windows()? == 1).then_some(()))
    })
    .await?;
    terminate(&first)?;
    quits(&mut first).await
}

/// Tells it to quit, as the system does.
fn terminate(app: &Child) -> anyhow::Result<()> {
    let id = app.id().context("it has gone")?;
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &id.to_string()])
        .status()?;
    ensure!(sent.success());
    Ok(())
}

async fn quits(app: &mut Child) -> anyhow::Result<()> {
    let gone = tokio::time::timeout(Duration::from_secs(10), app.wait())
        .await
        .context("it does not quit")??;
    ensure!(gone.success(), "it ended with {gone}");
    Ok(())
}

#[tokio::test]
async fn without_a_display_it_says_so_in_a_sentence() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let said = tokio::process::Command::new(binary(APP))
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("XDG_RUNTIME_DIR", folder.path())
        .kill_on_drop(true)
        .output()
        .await?;
    let words = String::from_utf8(said.stderr)?;
    ensure!(said.status.code() == Some(3), "{}: {words}", said.status);
    ensure!(
        words.contains("needs a display") && words.contains("longhaul-server"),
        "{words}"
    );
    ensure!(
        !folder.path().join("data").exists(),
        "it left something behind"
    );
    Ok(())
}
