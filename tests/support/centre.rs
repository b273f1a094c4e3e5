//! The notification centre, the file manager, the tray and the guard of sleep of a test's own bus.

use std::{
    collections::HashMap,
    io::Read as _,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use tokio::sync::{Mutex, mpsc};
use zbus::{connection, interface, zvariant::OwnedValue};

use crate::tray::{self, Tray, Watcher};

const PATH: &str = "/org/freedesktop/Notifications";
const INTERFACE: &str = "org.freedesktop.Notifications";
const MANY: usize = 256;

/// A notification as it came over the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub id: u32,
    /// Who showed it.
    pub app: String,
    /// The line above.
    pub summary: String,
    /// The lines below, as markup.
    pub body: String,
    /// Key and label of each button, in turn.
    pub actions: Vec<String>,
}

impl Shown {
    /// The key of the button with that label.
    ///
    /// # Errors
    /// When there is none.
    pub fn button(&self, label: &str) -> anyhow::Result<&str> {
        self.actions
            .chunks(2)
            .find(|pair| pair[0] != "default" && pair.get(1).is_some_and(|it| it == label))
            .map(|pair| pair[0].as_str())
            .with_context(|| format!("no button “{label}” in {:?}", self.actions))
    }
}

/// Owns the well-known names for as long as it lives.
#[derive(Debug)]
pub struct Centre {
    shown: Mutex<mpsc::Receiver<Shown>>,
    pointed_at: Mutex<mpsc::Receiver<Vec<String>>>,
    holds: Holds,
    tray: Tray,
    connection: zbus::Connection,
}

impl Centre {
    pub(crate) async fn open(bus: &str) -> anyhow::Result<Self> {
        let (shown, shown_here) = mpsc::channel(MANY);
        let (pointed_at, pointed_at_here) = mpsc::channel(MANY);
        let notifications = Notifications {
            shown,
            last: Arc::default(),
        };
        let holds = Holds::default();
        let tray = Tray::default();
        let connection = connection::Builder::address(bus)?
            .serve_at(PATH, notifications)?
            .serve_at("/org/freedesktop/FileManager1", FileManager { pointed_at })?
            .serve_at("/org/freedesktop/login1", Login(holds.clone()))?
            .serve_at(tray::PATH, Watcher(tray.clone()))?
            .name(tray::NAME)?
            .name(INTERFACE)?
            .name("org.freedesktop.login1")?
            .name("org.freedesktop.FileManager1")?
            .build()
            .await
            .context("the names on the bus")?;
        Ok(Self {
            shown: Mutex::new(shown_here),
            pointed_at: Mutex::new(pointed_at_here),
            holds,
            tray,
            connection,
        })
    }

    /// The next notification.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn next(&self, within: Duration) -> anyhow::Result<Shown> {
        tokio::time::timeout(within, self.shown.lock().await.recv())
            .await
            .context("no notification came")?
            .context("the centre is closed")
    }

    /// The URIs that the file manager is asked to point at next.
    ///
    /// # Errors
    /// When it is not asked in time.
    pub async fn pointed_at(&self, within: Duration) -> anyhow::Result<Vec<String>> {
        tokio::time::timeout(within, self.pointed_at.lock().await.recv())
            .await
            .context("the file manager was not asked")?
            .context("the file manager is closed")
    }

    /// What the system is kept from now, as it was asked for (`idle`, `sleep`…).
    #[must_use]
    pub fn holds(&self) -> Vec<String> {
        let mut holds = self.holds.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever let go has closed the other end.
        holds.retain_mut(|(_, end)| !matches!(end.read(&mut [0]), Ok(0)));
        holds.iter().map(|(what, _)| what.clone()).collect()
    }

    /// What the menu of the icon in the tray says, line by line; nothing while there is no icon.
    ///
    /// # Errors
    /// When the menu cannot be read.
    pub async fn tray(&self) -> anyhow::Result<Vec<String>> {
        let lines = self.tray.lines(&self.connection).await?;
        Ok(lines.into_iter().map(|(_, label)| label).collect())
    }

    /// Clicks on a line of that menu.
    ///
    /// # Errors
    /// When there is none.
    pub async fn click_in_tray(&self, label: &str) -> anyhow::Result<()> {
        self.tray.click(&self.connection, label).await
    }

    /// Whether the app is on the bus.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn has_app(&self) -> anyhow::Result<bool> {
        self.has("org.longhaul.desktop").await
    }

    /// Whether somebody is on the bus under a name that begins so.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn has(&self, name: &str) -> anyhow::Result<bool> {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await?;
        let names = bus.list_names().await?;
        Ok(names.iter().any(|other| other.starts_with(name)))
    }

    /// Presses a button, as the user does.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn press(&self, id: u32, key: &str) -> anyhow::Result<()> {
        self.connection
            .emit_signal(None::<&str>, PATH, INTERFACE, "ActionInvoked", &(id, key))
            .await?;
        Ok(())
    }
}

struct Notifications {
    shown: mpsc::Sender<Shown>,
    last: Arc<AtomicU32>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    async fn notify(
        &self,
        app_name: String,
        _replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let shown = Shown {
            id,
            app: app_name,
            summary,
            body,
            actions,
        };
        let _ = self.shown.send(shown).await;
        id
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["body", "body-markup", "actions"]
            .map(str::to_owned)
            .to_vec()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        let [name, vendor, version, spec] = ["test", "longhaul", "1", "1.2"].map(str::to_owned);
        (name, vendor, version, spec)
    }

    fn close_notification(&self, _id: u32) {}
}

/// What was asked for, and the end of a pair that closes when it is let go of.
#[derive(Debug, Clone, Default)]
struct Holds(Arc<StdMutex<Vec<(String, UnixStream)>>>);

struct Login(Holds);

#[interface(name = "org.freedesktop.login1.Manager")]
impl Login {
    fn inhibit(
        &self,
        what: String,
        _who: String,
        _why: String,
        _mode: String,
    ) -> zbus::fdo::Result<zbus::zvariant::OwnedFd> {
        let failed = |error: std::io::Error| zbus::fdo::Error::IOError(error.to_string());
        let (here, there) = UnixStream::pair().map_err(failed)?;
        here.set_nonblocking(true).map_err(failed)?;
        let mut holds = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.push((what, here));
        Ok(std::os::fd::OwnedFd::from(there).into())
    }
}

struct FileManager {
    pointed_at: mpsc::Sender<Vec<String>>,
}

#[interface(name = "org.freedesktop.FileManager1")]
impl FileManager {
    async fn show_items(&self, uris: Vec<String>, _startup_id: String) {
        let _ = self.pointed_at.send(uris).await;
    }
}
