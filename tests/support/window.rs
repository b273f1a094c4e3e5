//! The real window, driven from outside: what it shows, what is clicked in it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use thirtyfour::{By, WebDriver, WebElement, error::WebDriverErrorInner};

use crate::{
    desk::Desk,
    program::Program,
    screen,
    wait::{SOON, eventually},
};

/// A running window, driven from outside.
#[derive(Debug)]
pub struct Window {
    /// The page.
    pub page: WebDriver,
    pub(crate) display: String,
    pub(crate) _driver: Program,
}

impl Window {
    /// The element, as soon as there is one.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn shows(&self, css: &str) -> anyhow::Result<WebElement> {
        self.shows_within(css, SOON).await
    }

    /// The same, for what takes longer.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn shows_within(&self, css: &str, within: Duration) -> anyhow::Result<WebElement> {
        eventually(css, within, async || self.now(css).await).await
    }

    /// Waits until there is no such element.
    ///
    /// # Errors
    /// When there still is one at the end.
    pub async fn loses(&self, css: &str) -> anyhow::Result<()> {
        eventually(&format!("no {css}"), SOON, async || {
            Ok(self.now(css).await?.is_none().then_some(()))
        })
        .await
    }

    /// The element, where there is one now.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn now(&self, css: &str) -> anyhow::Result<Option<WebElement>> {
        Ok(self.all(css).await?.into_iter().next())
    }

    /// How many such elements there are now.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn count(&self, css: &str) -> anyhow::Result<usize> {
        Ok(self.all(css).await?.len())
    }

    /// The page may redraw between the driver's finding an element and its naming it: then nothing
    /// was found out, and it is asked again.
    async fn all(&self, css: &str) -> anyhow::Result<Vec<WebElement>> {
        eventually(css, SOON, async || {
            match self.page.find_all(By::Css(css)).await {
                Ok(found) => Ok(Some(found)),
                Err(error) if matches!(*error, WebDriverErrorInner::StaleElementReference(..)) => {
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Clicks it as soon as it is there; a page that redraws under the click is clicked again.
    ///
    /// # Errors
    /// When there is no such element in time.
    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        eventually(&format!("a click on {css}"), SOON, async || {
            match self.now(css).await? {
                Some(element) => Ok(element.click().await.is_ok().then_some(())),
                None => Ok(None),
            }
        })
        .await
    }

    /// Moves the pointer to the element's middle, as soon as it is there.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn point_at(&self, css: &str) -> anyhow::Result<()> {
        eventually(&format!("the pointer on {css}"), SOON, async || {
            let Some(element) = self.now(css).await? else {
                return Ok(None);
            };
            // A click leaves the pointer where the driver does not know it to be: a move to where it
            // believes it to be would be none.
            let away = self.page.action_chain().move_to(1, 1);
            let moved = away.move_to_element_center(&element);
            Ok(moved.perform().await.is_ok().then_some(()))
        })
        .await
    }

    /// An attribute of the element, where both are there now.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn attribute(&self, css: &str, name: &str) -> anyhow::Result<Option<String>> {
        let script = "const it = document.querySelector(arguments[0]); \
                      return it ? it.getAttribute(arguments[1]) : null;";
        let found = self
            .page
            .execute(script, vec![json!(css), json!(name)])
            .await?;
        Ok(found.json().as_str().map(str::to_owned))
    }

    /// Calls a command of the shell as the page does.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn call(&self, name: &str, args: Value) -> anyhow::Result<Value> {
        let script = "const [name, args, done] = arguments; \
                      window.__TAURI_INTERNALS__.invoke('call', { name, args })\
                      .then((reply) => done({ reply }), (error) => done({ error }));";
        let answer = self
            .page
            .execute_async(script, vec![json!(name), args])
            .await?;
        let answer = answer.json();
        match answer.get("error") {
            None => Ok(answer["reply"].clone()),
            Some(error) => bail!("{name} was refused: {error}"),
        }
    }

    /// Sets the limit of all pulls, in bytes per second.
    ///
    /// # Errors
    /// When the shell refuses.
    pub async fn limit(&self, limit: Option<u64>) -> anyhow::Result<()> {
        let mut settings = self.call("settings", Value::Null).await?;
        settings["limit"] = json!(limit);
        let now = self.call("setSettings", settings).await?;
        ensure!(now["limit"] == json!(limit), "{now}");
        Ok(())
    }

    /// Opens the catalogue and picks the file of that name.
    ///
    /// # Errors
    /// When the catalogue does not show it in time.
    pub async fn pick(&self, name: &str) -> anyhow::Result<()> {
        let item = self.seeks(name).await?;
        self.click(&item).await
    }

    /// Opens the catalogue and waits for the file of that name; answers where to click.
    ///
    /// # Errors
    /// When the catalogue does not show it in time.
    pub async fn seeks(&self, name: &str) -> anyhow::Result<String> {
        if self.now("[data-testid=catalogue-search]").await?.is_none() {
            self.click("[data-testid=add-button]").await?;
        }
        // Read from the document: the driver's own "visible text" leaves out what may be cut short.
        let script = "const items = [...document.querySelectorAll('[data-testid=catalogue-item]')]; \
                      const item = items.find((it) => it.textContent.includes(arguments[0])); \
                      return item ? item.dataset.fileId : null;";
        eventually(&format!("{name} in the catalogue"), SOON, async || {
            let found = self.page.execute(script, vec![json!(name)]).await?;
            let id = found.json().as_str().map(str::to_owned);
            Ok(id.map(|id| format!("[data-testid=catalogue-item][data-file-id='{id}']")))
        })
        .await
    }

    /// Keeps a picture of the window where `LONGHAUL_ARTIFACTS` says, or in `test-artifacts`.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let folder = std::env::var_os("LONGHAUL_ARTIFACTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-artifacts"),
            PathBuf::from,
        );
        std::fs::create_dir_all(&folder)?;
        // What was drawn last is on the screen with the frame after it.
        let script = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]));";
        self.page.execute_async(script, Vec::new()).await?;
        // From the display, as the user sees it: the driver's own pictures hang where WebKit draws
        // without layers (`display.rs` of the app).
        let display = self.display.clone();
        let picture = tokio::task::spawn_blocking(move || screen::picture(&display)).await??;
        Ok(std::fs::write(folder.join(name), picture)?)
    }

    /// Presses the button in the window's corner.
    ///
    /// # Errors
    /// When there is not one window on the display.
    pub async fn press_close(&self, desk: &Desk) -> anyhow::Result<()> {
        let display = desk.display.clone();
        tokio::task::spawn_blocking(move || screen::press_close(&display)).await?
    }

    /// Closes the window, as the button in its corner does, and waits until the app has stopped.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn close(self, desk: &Desk) -> anyhow::Result<()> {
        self.press_close(desk).await?;
        self.gone(desk).await
    }

    /// Waits until the app, which was told to quit, has stopped.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn gone(self, desk: &Desk) -> anyhow::Result<()> {
        desk.log_says("Longhaul has stopped").await?;
        // Until then a next start would be taken for a second one.
        eventually("the app leaves the bus", SOON, async || {
            Ok((!desk.centre.has_app().await?).then_some(()))
        })
        .await?;
        std::fs::remove_file(desk.data().join("longhaul.log"))?;
        // The app has gone by itself; only the driver's own session may be left.
        let _ = self.page.quit().await;
        Ok(())
    }
}
