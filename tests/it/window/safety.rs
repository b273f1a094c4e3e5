//! What the page cannot do, whatever might get into it: the shell holds its own borders.

use std::time::Duration;

use anyhow::ensure;
use longhaul_tests::{
    desk::{Desk, Theme},
    origin::Origin,
};
use serde_json::{Value, json};

use super::rows;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_runs_no_script_of_others_and_speaks_with_nobody() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let inline = "const it = document.createElement('script'); it.textContent = 'window.taken = 1'; \
                  document.body.append(it); it.remove(); return window.taken ?? null;";
    let taken = window.page.execute(inline, Vec::new()).await?;
    ensure!(taken.json().is_null(), "an inline script ran");
    let speak = "const [url, done] = arguments; fetch(url).then(() => done('it answered'), () => done(null));";
    for url in [
        format!("{}/file.bin", origin.url),
        "http://127.0.0.1:9/".to_owned(),
    ] {
        let answer = window.page.execute_async(speak, vec![json!(url)]).await?;
        ensure!(answer.json().is_null(), "{url} was spoken with");
    }
    let load = "const [url, done] = arguments; const it = new Image(); it.onload = () => done('loaded'); \
                it.onerror = () => done(null); it.src = url;";
    let loaded = window
        .page
        .execute_async(load, vec![json!(format!("{}/file.bin", origin.url))])
        .await?;
    ensure!(loaded.json().is_null());
    ensure!(
        origin.asked() == 0,
        "the origin was asked {} times",
        origin.asked()
    );
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_goes_to_no_other_page() -> anyhow::Result<()> {
    let origin = Origin::start(vec![7; 1000], Duration::ZERO, 0).await;
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let script = "window.open(arguments[0]); location.href = arguments[0];";
    let url = json!(format!("{}/file.bin", origin.url));
    window.page.execute(script, vec![url]).await?;
    // The page is asked after the navigation would have begun.
    let settled = "const done = arguments[0]; setTimeout(() => done(location.protocol), 500);";
    let at = window.page.execute_async(settled, Vec::new()).await?;
    ensure!(at.json() == "tauri:", "the window is at {}", at.json());
    window.shows("[data-testid=add-button]").await?;
    ensure!(
        origin.asked() == 0,
        "the origin was asked {} times",
        origin.asked()
    );
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_one_command_and_none_of_the_plugins() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    let script = "const [name, args, done] = arguments; \
                  window.__TAURI_INTERNALS__.invoke(name, args).then(() => done('done'), () => done(null));";
    for name in [
        "plugin:dialog|open",
        "plugin:dialog|save",
        "plugin:autostart|enable",
        "plugin:opener|open_path",
        "plugin:deep-link|register",
        "plugin:window-state|save_window_state",
        "plugin:window|close",
        "plugin:webview|create_webview_window",
        "plugin:shell|execute",
        "plugin:fs|read_file",
    ] {
        let args = json!({ "path": "/etc/passwd", "options": {}, "label": "other" });
        let did = window
            .page
            .execute_async(script, vec![json!(name), args])
            .await?;
        ensure!(did.json().is_null(), "{name} was carried out");
    }
    for (name, args) in [
        ("nothing", Value::Null),
        ("open", json!({ "ids": ["/etc/passwd"] })),
        (
            "open",
            json!({ "ids": ["5b2a9fb0-1111-4222-8333-444455556666"] }),
        ),
        (
            "files",
            json!({ "query": null, "cursor": null, "limit": -1 }),
        ),
        (
            "putServer",
            json!({ "id": null, "name": "", "address": "file:///etc", "token": null }),
        ),
    ] {
        ensure!(
            window.call(name, args.clone()).await.is_err(),
            "{name} {args} was carried out"
        );
    }
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_web_address_is_refused_and_so_is_a_folder_that_is_no_path() -> anyhow::Result<()>
{
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    for url in [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://host/file",
        "data:text/plain,hello",
        "https://me:secret@host/file",
        "http://",
    ] {
        let items = json!({ "items": [{ "kind": "url", "url": url }] });
        let refused = window
            .call("add", items)
            .await
            .map_err(|error| error.to_string());
        ensure!(
            matches!(&refused, Err(why) if why.contains("invalid")),
            "{url}: {refused:?}"
        );
    }
    let there =
        json!({ "items": [{ "kind": "url", "url": "https://host/a" }], "folder": "../elsewhere" });
    ensure!(window.call("add", there).await.is_err());
    ensure!(rows(&window).await?.is_empty());
    window.close(&desk).await
}
