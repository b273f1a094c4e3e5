//! Many at once, how many at a time, how fast, when, and where to.

use std::time::Duration;

use anyhow::ensure;
use longhaul_tests::{
    desk::{Desk, Theme},
    origin::Origin,
    timetable::always_at_rest,
    wait::{SOON, eventually},
};
use serde_json::{Value, json};
use thirtyfour::Key;

use super::{add, in_state, names, press, rows, says, set, write};

const MIB: usize = 1 << 20;
/// Between chunks of 64 KiB: with all the connections it may have, 64 MiB take 13 seconds.
const SLOWLY: Duration = Duration::from_millis(200);

fn urls(origin: &Origin, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_paused_and_resumed_by_one_button_each() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 * MIB], SLOWLY, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    add(&window, &urls(&origin, 5)).await?;
    in_state(&window, "downloading", 3).await?;
    window.click("button[aria-label='Pause all']").await?;
    in_state(&window, "paused", 5).await?;
    window.click("button[aria-label='Resume all']").await?;
    in_state(&window, "downloading", 3).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_run_at_a_time_than_the_settings_say() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 * MIB], SLOWLY, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    add(&window, &urls(&origin, 6)).await?;
    in_state(&window, "downloading", 3).await?;
    press(&window, Key::Control + ",").await?;
    write(&window, "input[inputmode=numeric]", "5" + Key::Enter).await?;
    in_state(&window, "downloading", 5).await?;
    ensure!(window.call("settings", Value::Null).await?["concurrent"] == 5);
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_over_all_holds_at_once_and_is_lifted_at_once() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 64 * MIB], Duration::from_millis(2), 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    window.limit(Some(200_000)).await?;
    let began = std::time::Instant::now();
    add(&window, &urls(&origin, 3)).await?;
    in_state(&window, "downloading", 3).await?;
    let done = async || {
        let rows = rows(&window).await?;
        let bytes = rows.iter().filter_map(|row| row["pulled"]["done"].as_u64());
        anyhow::Ok(bytes.sum::<u64>())
    };
    eventually("they are seen to move", SOON, async || {
        Ok((done().await? > 100_000).then_some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Counted from before the first byte: what the list is told late can only be missing then,
    // however busy the machine. Half a second is what may come at once after a silence.
    let (gone, time) = (done().await?, began.elapsed().as_secs_f64());
    let most = 200_000.0 * (time + 0.5);
    ensure!((gone as f64) < most, "{gone} bytes in {time} s");
    window.limit(None).await?;
    in_state(&window, "completed", 3).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_timetable_downloads_rest_and_go_on() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; MIB], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    window.click("[data-testid=settings-button]").await?;
    let switch = "button[role=switch][aria-label='Slower or at rest by the clock']";
    window.click(switch).await?;
    eventually("a timetable holds", SOON, async || {
        let settings = window.call("settings", Value::Null).await?;
        Ok((!settings["timetable"].is_null()).then_some(()))
    })
    .await?;
    set(&window, "timetable", always_at_rest()).await?;
    window.shows("[data-testid=rests]").await?;
    window
        .click("[role=dialog] button[aria-label=Close]")
        .await?;
    add(&window, &urls(&origin, 2)).await?;
    in_state(&window, "queued", 2).await?;
    says(&window, "downloads rest").await?;
    ensure!(names(&desk.downloads())?.is_empty(), "it did not rest");
    set(&window, "timetable", Value::Null).await?;
    in_state(&window, "completed", 2).await?;
    window.loses("[data-testid=rests]").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_kind_go_to_their_own_folder() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let other = desk.home().join("binaries");
    let rule = json!([{ "endings": ["bin"], "folder": other.display().to_string() }]);
    set(&window, "folders", rule).await?;
    add(&window, &urls(&origin, 1)).await?;
    in_state(&window, "completed", 1).await?;
    ensure!(names(&other)? == ["file.bin"]);
    ensure!(names(&desk.downloads())?.is_empty());
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_file_bears_the_mark_of_where_it_came_from() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let url = format!("{}/file.bin", origin.url);
    add(&window, &[format!("{url}?X-Amz-Signature=secret")]).await?;
    in_state(&window, "completed", 1).await?;
    add(&window, std::slice::from_ref(&url)).await?;
    in_state(&window, "completed", 2).await?;
    let mark = |name: &str| xattr::get(desk.downloads().join(name), "user.xdg.origin.url");
    let file = desk.downloads().join("file (1).bin");
    match eventually("a mark", SOON, async || Ok(mark("file (1).bin")?)).await {
        Ok(found) => {
            ensure!(
                found == url.as_bytes(),
                "{}",
                String::from_utf8_lossy(&found)
            );
            ensure!(mark("file.bin")?.is_none(), "a mark holds a signature");
        }
        // A file system without such marks has none; nothing else may keep it away.
        Err(error) => ensure!(
            xattr::set(&file, "user.test", b"x").is_err(),
            "the file could bear a mark: {error}"
        ),
    }
    window.close(&desk).await
}
