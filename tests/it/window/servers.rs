//! Servers beside the one inside: added by address and token, away and back, with the real keyring.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use longhaul_tests::{
    content::{incompressible, sha256},
    desk::{Desk, Theme},
    server::{Place, Server},
    timetable::always_at_rest,
    wait::{LATER, SOON, eventually},
    window::Window,
};
use serde_json::Value;

use super::{ROW, in_state, rows, says, set, walk, write};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server that asks for the token, on a port that it can have again.
struct Elsewhere {
    place: Place,
    listen: String,
}

impl Elsewhere {
    async fn new() -> anyhow::Result<Self> {
        let place = Place::new();
        std::fs::write(place.path("tokens"), format!("studio {TOKEN}\n"))?;
        let port = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let listen = port.local_addr()?.to_string();
        Ok(Self { place, listen })
    }

    fn serve(&self) -> Server {
        let tokens = self.place.path("tokens").display().to_string();
        self.place
            .serve(&["--listen", &self.listen, "--tokens", &tokens])
    }
}

/// Adds a server by the settings' form.
async fn added(window: &Window, server: &Server, token: &str) -> anyhow::Result<()> {
    window.click("[data-testid=settings-button]").await?;
    window.click("[data-testid=server-add]").await?;
    write(
        window,
        "[data-testid=server-address]",
        server.at("/").as_str(),
    )
    .await?;
    write(window, "[data-testid=server-name]", "Studio").await?;
    write(window, "[data-testid=server-token]", token).await?;
    window.click("[data-testid=server-save]").await
}

/// Waits until the second server of the settings lets us in.
async fn is_online(window: &Window) -> anyhow::Result<()> {
    let second = "[data-testid=server-line][data-state=online]:nth-of-type(2)";
    window.shows(second).await?;
    Ok(())
}

/// Opens the catalogue of the added server.
async fn chooses_studio(window: &Window) -> anyhow::Result<()> {
    window.click("[data-testid=add-button]").await?;
    let choice = window.shows("[data-testid=server-choice]").await?;
    choice.send_keys("Studio").await?;
    Ok(())
}

async fn closes(window: &Window) -> anyhow::Result<()> {
    window
        .click("[role=dialog] button[aria-label=Close]")
        .await?;
    window.loses("[role=dialog]").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_comes_from_an_added_server_whose_token_is_in_the_keyring_alone()
-> anyhow::Result<()> {
    let elsewhere = Elsewhere::new().await?;
    incompressible(&elsewhere.place.library().join("theirs.bin"), 100_000, 8);
    incompressible(&elsewhere.place.library().join("more.bin"), 100_000, 10);
    let server = elsewhere.serve();
    let mut desk = Desk::open().await?;
    desk.keyring().await?;
    incompressible(&desk.library().join("ours.bin"), 100_000, 9);
    let window = desk.window(Theme::Light).await?;
    added(&window, &server, TOKEN).await?;
    is_online(&window).await?;
    window.picture("window-servers.png").await?;
    closes(&window).await?;

    chooses_studio(&window).await?;
    window.pick("theirs.bin").await?;
    in_state(&window, "completed", 1).await?;
    let [here, there] =
        [desk.downloads(), elsewhere.place.library()].map(|it| it.join("theirs.bin"));
    ensure!(sha256(&here) == sha256(&there), "another file arrived");
    ensure!(rows(&window).await?[0]["server"].is_string());
    window.pick("ours.bin").await?;
    in_state(&window, "completed", 2).await?;
    window.close(&desk).await?;
    let telling: Vec<_> = holding(desk.data().as_path(), TOKEN)?;
    ensure!(telling.is_empty(), "the token is in {telling:?}");

    // The next run has it from the keyring.
    let window = desk.window(Theme::Light).await?;
    window
        .shows("[data-testid=added-server][data-state=online]")
        .await?;
    chooses_studio(&window).await?;
    window.pick("more.bin").await?;
    in_state(&window, "completed", 3).await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_adds_nothing_and_without_a_keyring_a_right_one_is_told_to_be_forgotten()
-> anyhow::Result<()> {
    let elsewhere = Elsewhere::new().await?;
    let server = elsewhere.serve();
    let desk = Desk::open().await?;
    let window = desk.window(Theme::Light).await?;
    added(&window, &server, "ffffffffffffffffffffffffffffffff").await?;
    window.shows("[role=dialog] [role=alert]").await?;
    let servers = window.call("snapshot", Value::Null).await?["servers"].clone();
    ensure!(servers == serde_json::json!([]), "{servers}");
    write(&window, "[data-testid=server-token]", TOKEN).await?;
    window.click("[data-testid=server-save]").await?;
    is_online(&window).await?;
    closes(&window).await?;
    says(&window, "holds until Longhaul is closed").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_server_that_goes_away_is_told_of_holds_nothing_up_and_comes_back()
-> anyhow::Result<()> {
    let elsewhere = Elsewhere::new().await?;
    for name in ["before.bin", "after.bin"] {
        incompressible(&elsewhere.place.library().join(name), 100_000, 8);
    }
    let server = elsewhere.serve();
    let mut desk = Desk::open().await?;
    desk.keyring().await?;
    incompressible(&desk.library().join("ours.bin"), 100_000, 9);
    let window = desk.window(Theme::Light).await?;
    added(&window, &server, TOKEN).await?;
    is_online(&window).await?;
    closes(&window).await?;
    chooses_studio(&window).await?;
    let after = window.seeks("after.bin").await?;
    server.kill();
    window.click(&after).await?;
    window
        .shows_within("[data-testid=servers-offline]", LATER)
        .await?;
    says(&window, "Next try at").await?;
    window.picture("window-server-away.png").await?;
    // The server inside is there all the same.
    window.pick("ours.bin").await?;
    in_state(&window, "completed", 1).await?;
    in_state(&window, "queued", 1).await?;

    let _server = elsewhere.serve();
    window.click("[data-testid=servers-offline] button").await?;
    in_state(&window, "completed", 2).await?;
    window.loses("[data-testid=servers-offline]").await?;
    window.close(&desk).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_removed_only_when_nothing_waits_for_it() -> anyhow::Result<()> {
    let elsewhere = Elsewhere::new().await?;
    incompressible(&elsewhere.place.library().join("theirs.bin"), 100_000, 8);
    let server = elsewhere.serve();
    let mut desk = Desk::open().await?;
    desk.keyring().await?;
    let window = desk.window(Theme::Light).await?;
    added(&window, &server, TOKEN).await?;
    is_online(&window).await?;
    closes(&window).await?;
    // By the timetable all of it rests.
    set(&window, "timetable", always_at_rest()).await?;
    chooses_studio(&window).await?;
    window.pick("theirs.bin").await?;
    window.shows(ROW).await?;
    window.click("[data-testid=settings-button]").await?;
    window.click("button[aria-label='Remove Studio']").await?;
    says(&window, "unfinished").await?;
    closes(&window).await?;

    set(&window, "timetable", Value::Null).await?;
    in_state(&window, "completed", 1).await?;
    window.click("[data-testid=settings-button]").await?;
    window.click("button[aria-label='Remove Studio']").await?;
    eventually("it is gone", SOON, async || {
        let servers = window.call("snapshot", Value::Null).await?["servers"].clone();
        Ok((servers == serde_json::json!([])).then_some(()))
    })
    .await?;
    window.close(&desk).await
}

/// The files below a folder in which that text is.
fn holding(folder: &Path, text: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in walk(folder)? {
        // The window's own sockets can be listed, and not read.
        if path.is_file() {
            let bytes = std::fs::read(&path)?;
            let is_in = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            found.extend(is_in.then_some(path));
        }
    }
    Ok(found)
}
