//! The real window, driven as its user does: pick, watch, pause, open, close, come back.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use longhaul_tests::{
    bins::binary,
    content::{incompressible, sha256},
    desk::{APP, Desk, Theme},
    server::Place,
    wait::{LATER, SOON, eventually},
    window::Window,
};
use serde_json::{Value, json};

const LARGE: u64 = 200_000_000;
/// The large file is pulled in five seconds: long enough to see it move.
const SLOW: u64 = 40_000_000;
const NAME: &str = "Field recording – été 2026 (“final”).wav";
const ROW: &str = "[data-testid=download-row]";

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

    window.click("[data-testid=row-action-open]").await?;
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

    act(&window, "cancel", "cancelled").await?;
    eventually("the part is gone", SOON, async || {
        Ok(names(&desk.downloads())?.is_empty().then_some(()))
    })
    .await?;

    window.limit(None).await?;
    window
        .click(&format!("{ROW} [data-testid=row-action-retry]"))
        .await?;
    window
        .shows_within(&format!("{ROW}[data-state=completed]"), LATER)
        .await?;
    let [here, there] = [desk.downloads(), desk.library()].map(|it| it.join("long.bin"));
    ensure!(sha256(&here) == sha256(&there), "another file arrived");

    window
        .click(&format!("{ROW} [data-testid=row-action-remove]"))
        .await?;
    window.loses(ROW).await?;
    ensure!(here.exists(), "the file is not the row");
    window.close(&desk).await
}

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

    let id = first.id().context("the first one has gone")?;
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &id.to_string()])
        .status()?;
    ensure!(sent.success());
    let gone = tokio::time::timeout(Duration::from_secs(10), first.wait())
        .await
        .context("it does not quit")??;
    ensure!(gone.success(), "it ended with {gone}");
    desk.log_says("Longhaul has stopped").await
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

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}
