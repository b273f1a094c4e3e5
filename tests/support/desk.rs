//! A desktop of its own for the real window: display, session bus, notification centre, file
//! manager. All of it is ended by id when it is dropped.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context;
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{Capabilities, WebDriver};
use tokio::{net::TcpListener, process::Command};

use crate::{
    bins::binary,
    centre::Centre,
    program::Program,
    screen,
    wait::{SOON, eventually},
    window::Window,
};

/// The app under test.
pub const APP: &str = "longhaul-desktop";

/// Opens every program that the tests of the window need, or says which is missing.
#[derive(Debug)]
pub struct Desk {
    /// Notifications arrive here.
    pub centre: Centre,
    options: Vec<String>,
    variables: Vec<(String, String)>,
    pub(crate) display: String,
    bus: String,
    root: TempDir,
    programs: Vec<Program>,
}

impl Desk {
    /// A display of 1280×800 and a bus that nobody else is on.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub async fn open() -> anyhow::Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("longhaul-window-")
            .tempdir()?;
        for folder in ["bin", "data", "downloads", "home", "library"] {
            std::fs::create_dir(root.path().join(folder))?;
        }
        // The system's "open" writes down what it was asked for.
        let opener = root.path().join("bin/xdg-open");
        let opened = root.path().join("opened").display().to_string();
        std::fs::write(
            &opener,
            format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{opened}'\n"),
        )?;
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755))?;

        let (xvfb, display) = Program::that_says(
            Command::new("Xvfb")
                // Without a reset when the last program goes, during which it lets nobody in.
                .args("-displayfd 1 -screen 0 1280x800x24 -nolisten tcp -noreset".split(' ')),
        )
        .await
        .context("Xvfb (package xvfb)")?;

        // No service folders: nothing is started behind our back.
        let config = root.path().join("bus.conf");
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:dir={}</listen>\
                 <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
                 <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
                root.path().display()
            ),
        )?;
        let (bus_daemon, bus) = Program::that_says(
            Command::new("dbus-daemon")
                .arg(format!("--config-file={}", config.display()))
                .args(["--nofork", "--print-address=1"]),
        )
        .await
        .context("dbus-daemon (package dbus)")?;
        let centre = Centre::open(&bus).await?;
        Ok(Self {
            centre,
            options: Vec::new(),
            variables: Vec::new(),
            display: format!(":{display}"),
            bus,
            root,
            programs: vec![xvfb, bus_daemon],
        })
    }

    /// The folder that the server inside offers.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.root.path().join("library")
    }

    /// Where finished files go.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.root.path().join("downloads")
    }

    /// Where deleted files go.
    #[must_use]
    pub fn trash(&self) -> PathBuf {
        self.root.path().join("home/data/Trash/files")
    }

    /// The app's data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Starts the app with this besides.
    pub fn option(&mut self, name: &str, value: &str) {
        self.options.extend([name.to_owned(), value.to_owned()]);
    }

    /// Starts the app with this in its environment.
    pub fn variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Starts a keyring that is open, as a session's login does.
    ///
    /// # Errors
    /// When it is not installed, or does not come up.
    pub async fn keyring(&mut self) -> anyhow::Result<()> {
        let password = self.root.path().join("password");
        std::fs::write(&password, "open sesame")?;
        let mut command = Command::new("gnome-keyring-daemon");
        command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.dress(&mut command, Theme::Light);
        let input = std::fs::File::open(&password)?.into();
        let keyring =
            Program::that_reads(&mut command, input).context("gnome-keyring (package)")?;
        self.programs.push(keyring);
        eventually("the keyring is on the bus", SOON, async || {
            let is_there = self.centre.has("org.freedesktop.secrets").await?;
            Ok(is_there.then_some(()))
        })
        .await
    }

    /// Another program puts this text on the clipboard.
    ///
    /// # Errors
    /// When xclip is not installed.
    pub fn copies(&mut self, text: &str) -> anyhow::Result<()> {
        let file = self.root.path().join("copied");
        std::fs::write(&file, text)?;
        let mut command = Command::new("xclip");
        command
            .args(["-quiet", "-selection", "clipboard", "-i"])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.dress(&mut command, Theme::Light);
        self.programs
            .push(Program::start(&mut command).context("xclip (package)")?);
        Ok(())
    }

    /// What is on the clipboard.
    ///
    /// # Errors
    /// When xclip is not installed, or nobody holds a text.
    pub async fn copied(&self) -> anyhow::Result<String> {
        let mut command = Command::new("xclip");
        command.args(["-selection", "clipboard", "-o"]);
        self.dress(&mut command, Theme::Light);
        let done = command.output().await.context("xclip (package)")?;
        anyhow::ensure!(done.status.success(), "nobody holds a text");
        Ok(String::from_utf8(done.stdout)?)
    }

    /// Types a path into a file dialog of that title, as the user does, and confirms it.
    ///
    /// # Errors
    /// When xdotool is missing, or no such dialog comes up.
    pub async fn choose(&self, title: &str, path: &Path) -> anyhow::Result<()> {
        let path = path.to_str().context("a path of text")?;
        let title = format!("^{title}$");
        let found = ["search", "--onlyvisible", "--name", &title];
        let dialog = eventually("the dialog", SOON, async || {
            let said = self.xdotool(&found).await?;
            Ok((!said.is_empty()).then_some(said))
        })
        .await?;
        // Without a window manager nobody gives it the keys.
        self.xdotool(&["windowfocus", "--sync", &dialog]).await?;
        eventually("the dialog closes", SOON, async || {
            // It may not have been ready for the first letter.
            let anew = ["key", "ctrl+l", "key", "ctrl+a"];
            let typed = ["type", "--delay", "20", path];
            // The first one may only take what the field proposes.
            let confirmed = ["key", "Return", "sleep", "0.5"];
            for keys in [&anew[..], &typed, &confirmed, &confirmed] {
                if self.xdotool(&found).await?.is_empty() {
                    return Ok(Some(()));
                }
                self.xdotool(keys).await?;
            }
            Ok(None)
        })
        .await
    }

    /// What it says; nothing where it finds nothing.
    async fn xdotool(&self, args: &[&str]) -> anyhow::Result<String> {
        let done = Command::new("xdotool")
            .args(args)
            .env("DISPLAY", &self.display)
            .output()
            .await
            .context("xdotool (package)")?;
        Ok(String::from_utf8(done.stdout)?.trim().to_owned())
    }

    /// How many windows are shown.
    ///
    /// # Errors
    /// When the display does not answer.
    pub fn windows(&self) -> anyhow::Result<usize> {
        screen::count(&self.display)
    }

    /// The home folder of whoever sits here.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// From now on the app finds no bus: nobody to show a notification.
    pub fn take_the_bus_away(&mut self) {
        self.bus = format!("unix:path={}", self.root.path().join("no-bus").display());
    }

    /// Waits until the app has written this to its log.
    ///
    /// # Errors
    /// When it has not in time.
    pub async fn log_says(&self, what: &str) -> anyhow::Result<()> {
        let log = self.data().join("longhaul.log");
        eventually(&format!("“{what}” in the log"), SOON, async || {
            let text = tokio::fs::read_to_string(&log).await.unwrap_or_default();
            Ok(text.contains(what).then_some(()))
        })
        .await
    }

    /// What the system was asked to open, oldest first.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn opened(&self) -> anyhow::Result<Vec<String>> {
        match std::fs::read_to_string(self.root.path().join("opened")) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The app, ready to be started by hand on this desk.
    #[must_use]
    pub fn app(&self) -> Command {
        let mut command = Command::new(binary(APP));
        command
            .args(self.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        self.dress(&mut command, Theme::Light);
        command
    }

    /// Starts the app under the web driver.
    ///
    /// # Errors
    /// When a program is missing, or the window does not open.
    pub async fn window(&self, theme: Theme) -> anyhow::Result<Window> {
        let (port, native) = (free_port().await?, free_port().await?);
        let mut command = Command::new("tauri-driver");
        command
            .args(["--port", &port.to_string()])
            .args(["--native-port", &native.to_string()])
            .stdout(Stdio::null());
        self.dress(&mut command, theme);
        let driver = Program::start(&mut command)
            .context("tauri-driver (cargo install tauri-driver --locked)")?;
        eventually("the web driver listens", SOON, async || {
            let both =
                [port, native].map(|port| tokio::net::TcpStream::connect(("127.0.0.1", port)));
            let [one, other] = both;
            Ok((one.await.is_ok() && other.await.is_ok()).then_some(()))
        })
        .await?;
        let mut wanted = Capabilities::new();
        wanted.set("browserName", "wry")?;
        wanted.set(
            "tauri:options",
            json!({ "application": binary(APP), "args": self.arguments() }),
        )?;
        let page = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await?;
        let window = Window {
            page,
            display: self.display.clone(),
            _driver: driver,
        };
        window.shows("[data-testid=add-button]").await?;
        Ok(window)
    }

    fn arguments(&self) -> Vec<String> {
        let folder = |name: &str| self.root.path().join(name).display().to_string();
        let folders = [
            ("--data-dir", "data"),
            ("--library", "library"),
            ("--downloads", "downloads"),
        ];
        let folders = folders.map(|(option, name)| [option.to_owned(), folder(name)]);
        [folders.concat(), self.options.clone()].concat()
    }

    fn dress(&self, command: &mut Command, theme: Theme) {
        let root = self.root.path();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", root.join("bin").display()))
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus)
            .env("HOME", root.join("home"))
            .env("XDG_DATA_HOME", root.join("home/data"))
            .env("XDG_CONFIG_HOME", root.join("home/config"))
            .env("XDG_CACHE_HOME", root.join("home/cache"))
            .env("XDG_RUNTIME_DIR", root.join("home"))
            .env("GTK_THEME", theme.gtk())
            .env("NO_AT_BRIDGE", "1")
            .env("LIBGL_ALWAYS_SOFTWARE", "1");
        for name in [
            "APPIMAGE",
            "LONGHAUL_SERVER",
            "LONGHAUL_TOKEN_FILE",
            "LONGHAUL_LOG",
            "LONGHAUL_UPDATES",
        ] {
            command.env_remove(name);
        }
        let variables = self.variables.iter();
        command.envs(variables.map(|(name, value)| (name, value)));
    }
}

/// What the system prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    const fn gtk(self) -> &'static str {
        match self {
            Self::Light => "Adwaita",
            Self::Dark => "Adwaita:dark",
        }
    }
}

async fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))
        .await?
        .local_addr()?
        .port())
}
