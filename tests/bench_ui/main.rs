//! `make bench-ui`: the real window with 10,000 rows and 50 downloads under way. Writes the page that
//! its one argument names.

mod processes;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use longhaul_bench_kit::{machine, report::Page};
use longhaul_tests::{
    bins::binary,
    desk::{APP, Desk, Theme},
    origin::Origin,
    timetable::always_at_rest,
    wait::eventually,
    window::Window,
};
use serde_json::{Value, json};

use self::processes::Tree;

const ROWS: usize = 10_000;
const ACTIVE: usize = 50;
/// Of each file; at the origin's pace none ends while it is measured.
const SIZE: usize = 64 << 20;
const PAUSE: Duration = Duration::from_millis(100);
/// The graph of the speed moves on for a minute after the last byte.
const REST: Duration = Duration::from_secs(70);
/// How long the window is left alone before it is measured.
const SETTLE: Duration = Duration::from_secs(5);
/// How long it is measured under way.
const MEASURED: Duration = Duration::from_secs(10);
/// The same at rest: a process counts in hundredths of a second, and little is to be counted.
const MEASURED_AT_REST: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// In place of the app's page: rows of the same height with a name and three figures each, without
/// styles, pictures or a line of program. What this window and this machine draw at most.
const BARE: &str = "const outer = document.createElement('div'); \
                    outer.style.cssText = 'height: 100vh; overflow: auto'; \
                    const list = document.createElement('div'); list.setAttribute('role', 'grid'); \
                    for (let at = 0; at < arguments[0]; at += 1) { \
                      const row = document.createElement('div'); row.style.cssText = 'display: flex; height: 52px'; \
                      for (const text of [`file (${at}).bin`, '67.1 MB', '640.0 kB/s', '1 min 20 s']) { \
                        const cell = document.createElement('span'); cell.style.flex = '1'; \
                        cell.textContent = text; row.append(cell); } \
                      list.append(row); } \
                    outer.append(list); document.body.replaceChildren(outer);";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let out: PathBuf = std::env::args_os()
        .nth(1)
        .context("usage: bench-ui FILE")?
        .into();
    let mut page = Page::default();
    page.line("# The window under load");
    page.line("");
    page.line(&format!(
        "Written by `make bench-ui` on {}; {}; load average before it {}. The release build with its server inside, \
         under Xvfb without a GPU: frames are drawn by the CPU that everything else runs on. {ROWS} rows, {ACTIVE} \
         downloads under way, each {} KiB/s.",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        machine::processor(),
        machine::load(),
        (64_000 / PAUSE.as_millis()),
    ));
    let origin = Origin::start(vec![7; SIZE], PAUSE, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    fill(&window, &origin).await?;
    let app = Tree::of(&binary(APP))?;

    tokio::time::sleep(SETTLE).await;
    let active = app.cpu(MEASURED).await?;
    let (frames, slowest) = scrolled(&window).await?;
    let memory = app.memory()?;
    rest(&window).await?;
    tokio::time::sleep(REST).await;
    let idle = app.cpu(MEASURED_AT_REST).await?;
    let calm = scrolled(&window).await?.0;
    window.page.execute(BARE, vec![json!(ROWS)]).await?;
    let bare = scrolled(&window).await?.0;
    tokio::time::sleep(SETTLE).await;
    let bare_idle = app.cpu(MEASURED_AT_REST).await?;
    window.close(&desk).await?;

    let window = desk.window(Theme::Light).await?;
    let start = started(&window, &Tree::of(&binary(APP))?).await?;
    window.close(&desk).await?;

    let row = |what: &str, figure: String, bar: &str| vec![what.to_owned(), figure, bar.to_owned()];
    page.table(
        &["", "", "bar"],
        &[
            row(
                "frames a second while scrolling, active",
                format!("{frames:.0}"),
                "55",
            ),
            row(
                "the longest frame of these, ms",
                format!("{slowest:.0}"),
                "",
            ),
            row(
                "frames a second while scrolling, at rest",
                format!("{calm:.0}"),
                "",
            ),
            row(
                "the same of a bare page with as many rows, at rest",
                format!("{bare:.0}"),
                "",
            ),
            row(
                "CPU of all processes, active",
                format!("{:.1} %", active * 100.0),
                "",
            ),
            row(
                "CPU of all processes, at rest",
                format!("{:.2} %", idle * 100.0),
                "0.5 %",
            ),
            row(
                "the same with the bare page",
                format!("{:.2} %", bare_idle * 100.0),
                "",
            ),
            row(
                "from the process to the list, ms",
                format!("{start:.0}"),
                "",
            ),
            row("the .deb, MiB", package()?, ""),
            row(
                "memory of all processes (proportional), MiB",
                format!("{:.0}", memory as f64 / f64::from(1 << 20)),
                "",
            ),
        ],
    );
    page.line("");
    page.line(&format!("Load average after it: {}.", machine::load()));
    std::fs::write(out, page.text())?;
    Ok(())
}

/// The size of the package that `make deb` has made beside this program.
fn package() -> anyhow::Result<String> {
    let here = std::env::current_exe()?;
    let folder = here.with_file_name("bundle").join("deb");
    let found = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let packages = found.filter_map(|entry| Some(entry.ok()?.path()));
    let package = packages
        .filter(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .max()
        .context("no .deb: make deb makes it")?;
    let mib = package.metadata()?.len() as f64 / f64::from(1 << 20);
    Ok(format!("{mib:.1}"))
}

/// Puts the rows on the list, and waits until so many are under way.
async fn fill(window: &Window, origin: &Origin) -> anyhow::Result<()> {
    let mut settings = window.call("settings", Value::Null).await?;
    settings["concurrent"] = json!(ACTIVE);
    settings["connections"] = json!(1);
    settings["notify"] = json!(false);
    window.call("setSettings", settings).await?;
    let items: Vec<_> = (0..ROWS)
        .map(|at| json!({ "kind": "url", "url": format!("{}/file.bin?{at}", origin.url) }))
        .collect();
    window.call("add", json!({ "items": items })).await?;
    eventually("they are under way", PATIENCE, async || {
        let totals = window.call("snapshot", Value::Null).await?["totals"].clone();
        ensure!(totals["failed"] == 0, "{totals}");
        Ok((totals["active"] == ACTIVE && totals["all"] == ROWS).then_some(()))
    })
    .await
}

/// Lets all downloads rest.
async fn rest(window: &Window) -> anyhow::Result<()> {
    let mut settings = window.call("settings", Value::Null).await?;
    settings["timetable"] = always_at_rest();
    window.call("setSettings", settings).await?;
    eventually("nothing is under way", PATIENCE, async || {
        let totals = window.call("snapshot", Value::Null).await?["totals"].clone();
        Ok((totals["active"] == 0).then_some(()))
    })
    .await
}

/// Frames a second over five seconds of scrolling, and the longest one in ms.
async fn scrolled(window: &Window) -> anyhow::Result<(f64, f64)> {
    let script = "const done = arguments[0]; const it = document.querySelector('[role=grid]').parentElement; \
                  let [frames, longest, last] = [0, 0, 0]; let begin = 0; \
                  const step = (now) => { \
                    if (last) { frames += 1; longest = Math.max(longest, now - last); } else begin = now; \
                    last = now; it.scrollTop += 60; \
                    if (now - begin < 5000) requestAnimationFrame(step); \
                    else done([frames / ((now - begin) / 1000), longest]); }; \
                  requestAnimationFrame(step);";
    let found = window.page.execute_async(script, Vec::new()).await?;
    let found: (f64, f64) = serde_json::from_value(found.json().clone())?;
    Ok(found)
}

/// Milliseconds from the start of the app's process to its list being there.
async fn started(window: &Window, app: &Tree) -> anyhow::Result<f64> {
    let script = "const mark = performance.getEntriesByName('longhaul-list')[0]; \
                  return mark ? performance.timeOrigin + mark.startTime : null;";
    let listed = eventually("the list is there", PATIENCE, async || {
        Ok(window
            .page
            .execute(script, Vec::new())
            .await?
            .json()
            .as_f64())
    })
    .await?;
    Ok(listed - app.began()?)
}
