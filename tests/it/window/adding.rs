//! Adding: by the catalogue, by text with many lines, by a file that is dropped, by keys alone.

use std::time::Duration;

use anyhow::ensure;
use longhaul_tests::{
    content::incompressible,
    desk::{Desk, Theme},
    origin::Origin,
    wait::{SOON, eventually},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use thirtyfour::Key;

use super::{ROW, add, in_state, names, press, rows, says, set};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_with_many_lines_is_looked_over_before_it_starts() -> anyhow::Result<()> {
    let origin = Origin::start(vec![3; 100_000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    set(&window, "notify", json!(false)).await?;
    add(&window, &[format!("{}/file.bin?0", origin.url)]).await?;
    in_state(&window, "completed", 1).await?;
    let lines: Vec<_> = (0..30)
        .map(|number| format!("{}/file.bin?{number}", origin.url))
        .chain([
            format!("{}/file.bin?7", origin.url),
            "what is this".to_owned(),
        ])
        .collect();
    window.click("[data-testid=add-button]").await?;
    let field = window.shows("[data-testid=add-field]").await?;
    // As a paste does: line breaks start nothing.
    let script = "const [field, text] = arguments; const set = Object.getOwnPropertyDescriptor(\
                  HTMLTextAreaElement.prototype, 'value').set; set.call(field, text); \
                  field.dispatchEvent(new Event('input', { bubbles: true }));";
    window
        .page
        .execute(script, vec![field.to_json()?, json!(lines.join("\n"))])
        .await?;
    for said in [
        "30 understood",
        "1 named twice",
        "3 unclear",
        "in the list already",
    ] {
        says(&window, said).await?;
    }
    window.picture("window-many.png").await?;
    window.click("[data-testid=add-confirm]").await?;
    in_state(&window, "completed", 31).await?;
    ensure!(names(&desk.downloads())?.len() == 31);
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_in_a_dropped_file_fills_the_dialog() -> anyhow::Result<()> {
    let origin = Origin::start(vec![3; 100_000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let text = format!("{0}/file.bin?1\n{0}/file.bin?2\n", origin.url);
    let script = "const data = new DataTransfer(); \
                  data.items.add(new File([arguments[0]], 'list.txt', { type: 'text/plain' })); \
                  document.querySelector('main').dispatchEvent(\
                  new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));";
    window.page.execute(script, vec![json!(text)]).await?;
    says(&window, "2 understood").await?;
    ensure!(
        rows(&window).await?.is_empty(),
        "it began without being asked for"
    );
    window.click("[data-testid=add-confirm]").await?;
    in_state(&window, "completed", 2).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_alone_add_from_the_catalogue() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for (seed, name) in [(1, "north.bin"), (2, "south.bin")] {
        incompressible(&desk.library().join(name), 100_000, seed);
    }
    let window = desk.window(Theme::Light).await?;
    window
        .shows("[data-testid=server-state][data-state=online]")
        .await?;
    press(&window, Key::Control + "n").await?;
    window.shows("[data-testid=catalogue-item]").await?;
    press(&window, Key::Tab + "").await?;
    press(&window, "sou").await?;
    eventually("one file is left", SOON, async || {
        Ok((window.count("[data-testid=catalogue-item]").await? == 1).then_some(()))
    })
    .await?;
    press(&window, Key::Down + "").await?;
    press(&window, Key::Enter + "").await?;
    window
        .shows(&format!(
            "{ROW}[data-state=completed][aria-label='south.bin']"
        ))
        .await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_files_of_the_catalogue_are_gathered_and_taken_together() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for seed in 1..=5 {
        incompressible(
            &desk.library().join(format!("part {seed}.bin")),
            50_000,
            seed,
        );
    }
    let window = desk.window(Theme::Light).await?;
    set(&window, "notify", json!(false)).await?;
    window.seeks("part 5.bin").await?;
    for name in ["part 2.bin", "part 4.bin"] {
        window
            .click(&format!("[role=checkbox][aria-label='Pick {name}']"))
            .await?;
    }
    says(&window, "Start 2").await?;
    window.click("[data-testid=add-confirm]").await?;
    in_state(&window, "completed", 2).await?;
    let mut names = names(&desk.downloads())?;
    names.sort();
    ensure!(names == ["part 2.bin", "part 4.bin"], "{names:?}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_file_twice_takes_two_names() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    incompressible(&desk.library().join("twin.bin"), 100_000, 1);
    let window = desk.window(Theme::Light).await?;
    set(&window, "notify", json!(false)).await?;
    for count in [1, 2] {
        window.pick("twin.bin").await?;
        in_state(&window, "completed", count).await?;
    }
    let mut names = names(&desk.downloads())?;
    names.sort();
    ensure!(names == ["twin (1).bin", "twin.bin"], "{names:?}");
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_with_a_digest_becomes_that_file_or_none_and_says_which() -> anyhow::Result<()> {
    let bytes = vec![5; 300_000];
    let (right, wrong) = (hex::encode(Sha256::digest(&bytes)), "ab".repeat(32));
    let origin = Origin::start(bytes, Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let url = |name: &str| format!("{}/file.bin?{name}", origin.url);
    window.click("[data-testid=add-button]").await?;
    let field = window.shows("[data-testid=add-field]").await?;
    field
        .send_keys(format!("{} sha256:{right} {} {wrong}", url("a"), url("b")))
        .await?;
    says(&window, "2 understood").await?;
    says(&window, "held against its sha256").await?;
    window.click("[data-testid=add-confirm]").await?;
    in_state(&window, "completed", 1).await?;
    in_state(&window, "failed", 1).await?;
    ensure!(names(&desk.downloads())? == ["file.bin"]);
    for row in rows(&window).await? {
        let is_right = row["wantedSha256"] == json!(right);
        ensure!(row["proven"] == json!(is_right), "{row}");
        ensure!(
            is_right || row["fault"]["code"] == "digest_mismatch",
            "{row}"
        );
    }
    window.close(&desk).await
}
