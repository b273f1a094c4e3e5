//! kill -9 of the app at random moments, with 20 downloads under way: the list is whole, all goes
//! on, and each file is there once.
//!
//! LONGHAUL_APP_KILLS says how often, LONGHAUL_SEED repeats a run's moments.

use std::{collections::HashSet, path::Path, time::Duration};

use anyhow::{Context, ensure};
use longhaul_tests::{
    desk::{Desk, Theme},
    origin::Origin,
    wait::eventually,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::names;

const KILLS: u64 = 3;
const FILES: usize = 20;
/// What a file is longer for each kill: so that it is under way for about all of them.
const EACH: usize = 150 << 10;
/// Between two chunks of 64 KiB.
const PAUSE: Duration = Duration::from_millis(200);
/// From the start of the app to its end.
const MOMENTS: std::ops::Range<u64> = 100..3_500;
/// All files at that pace, and the start of a window, several times over.
const PATIENCE: Duration = Duration::from_secs(240);

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_survives_and_each_file_is_there_once() -> anyhow::Result<()> {
    let (kills, seed) = (
        number("LONGHAUL_APP_KILLS", KILLS),
        number("LONGHAUL_SEED", 2026),
    );
    eprintln!("{kills} kills, LONGHAUL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let size = usize::try_from(kills)? * EACH + 100_000;
    let bytes: Vec<u8> = (0..size).map(|at| (at % 253) as u8).collect();
    let origin = Origin::start(bytes.clone(), PAUSE, 0).await;
    let desk = Desk::open().await?;

    let window = desk.window(Theme::Light).await?;
    let mut settings = window.call("settings", Value::Null).await?;
    settings["concurrent"] = json!(FILES);
    settings["connections"] = json!(1);
    settings["notify"] = json!(false);
    window.call("setSettings", settings).await?;
    let items: Vec<_> = (0..FILES)
        .map(|at| json!({ "kind": "url", "url": format!("{}/file.bin?{at}", origin.url) }))
        .collect();
    let added = window.call("add", json!({ "items": items })).await?["ids"].clone();
    let added: HashSet<String> = serde_json::from_value(added)?;
    window.close(&desk).await?;

    let mut under_way = 0;
    for _ in 0..kills {
        let mut app = desk.app().spawn()?;
        tokio::time::sleep(Duration::from_millis(random.random_range(MOMENTS))).await;
        if let Some(status) = app.try_wait()? {
            let log = std::fs::read_to_string(desk.data().join("longhaul.log"))?;
            let end: Vec<_> = log.lines().rev().take(5).collect();
            anyhow::bail!("the app ended by itself with {status}: {end:#?}");
        }
        app.kill().await?;
        if parts(&desk.downloads())? > 0 {
            under_way += 1;
        }
        eventually("the app's name is free", PATIENCE, async || {
            Ok((!desk.centre.has_app().await?).then_some(()))
        })
        .await?;
    }
    eprintln!(
        "{under_way} of them with downloads under way, {} bytes sent",
        origin.sent()
    );

    let window = desk.window(Theme::Light).await?;
    let rows = eventually("all are completed", PATIENCE, async || {
        let rows = window.call("snapshot", Value::Null).await?["downloads"].clone();
        let rows: Vec<Value> = serde_json::from_value(rows)?;
        let failed = rows.iter().find(|row| row["state"] == "failed");
        ensure!(failed.is_none(), "failed: {failed:?}");
        let done = rows.iter().all(|row| row["state"] == "completed");
        Ok(done.then_some(rows))
    })
    .await?;
    let ids: HashSet<_> = rows
        .iter()
        .filter_map(|row| row["id"].as_str().map(str::to_owned))
        .collect();
    ensure!(rows.len() == FILES && ids == added, "{} rows", rows.len());
    let mut paths = HashSet::new();
    for row in &rows {
        let path = row["path"].as_str().context("no path")?;
        ensure!(std::fs::read(path)? == bytes, "{path} is not what was sent");
        ensure!(paths.insert(path), "{path} is of two rows");
    }
    let left = names(&desk.downloads())?;
    ensure!(left.len() == FILES, "more than the files is left: {left:?}");
    window.close(&desk).await
}

/// Part files in the folder.
fn parts(folder: &Path) -> anyhow::Result<usize> {
    let names = names(folder)?;
    Ok(names.iter().filter(|name| name.ends_with(".part")).count())
}
