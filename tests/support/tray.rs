//! The tray of a test's own bus: which icons are in it, what their menus say, and the user's click.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use zbus::{
    Proxy, interface,
    message::Header,
    zvariant::{OwnedObjectPath, OwnedValue, Structure, Value},
};

pub(crate) const NAME: &str = "org.kde.StatusNotifierWatcher";
pub(crate) const PATH: &str = "/StatusNotifierWatcher";
const ICON: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// Each icon's bus name and path.
type Icons = Arc<Mutex<Vec<(String, String)>>>;

/// One line of a menu.
type Line = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// What has been put into the tray.
#[derive(Debug, Clone, Default)]
pub struct Tray(Icons);

impl Tray {
    /// The lines of the menu of the icon that came last, by their ids; none while there is no icon.
    ///
    /// # Errors
    /// When the icon has no menu, or it cannot be read.
    pub async fn lines(&self, bus: &zbus::Connection) -> anyhow::Result<Vec<(i32, String)>> {
        let Some(menu) = self.menu(bus).await? else {
            return Ok(Vec::new());
        };
        let (_revision, root): (u32, Line) = menu
            .call("GetLayout", &(0_i32, -1_i32, Vec::<String>::new()))
            .await?;
        root.2.iter().map(line).collect()
    }

    /// Clicks on the line that says so.
    ///
    /// # Errors
    /// When there is none.
    pub async fn click(&self, bus: &zbus::Connection, label: &str) -> anyhow::Result<()> {
        let lines = self.lines(bus).await?;
        let line = lines.iter().find(|(_, said)| said == label);
        let (id, _) = line.with_context(|| format!("no “{label}” in {lines:?}"))?;
        let menu = self.menu(bus).await?.context("the icon is gone")?;
        let nothing = Value::from(0_i32);
        menu.call::<_, _, ()>("Event", &(*id, "clicked", nothing, 0_u32))
            .await?;
        Ok(())
    }

    async fn menu(&self, bus: &zbus::Connection) -> anyhow::Result<Option<Proxy<'static>>> {
        let last = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last()
            .cloned();
        let Some((name, path)) = last else {
            return Ok(None);
        };
        let icon = Proxy::new(bus, name.clone(), path, ICON).await?;
        let menu: OwnedObjectPath = icon.get_property("Menu").await?;
        Ok(Some(Proxy::new(bus, name, menu, MENU).await?))
    }
}

/// The id and the words of a line; a separator has none.
fn line(child: &OwnedValue) -> anyhow::Result<(i32, String)> {
    let line: &Structure<'_> = child.downcast_ref()?;
    let [id, about, ..] = line.fields() else {
        anyhow::bail!("no line of a menu: {child:?}");
    };
    let about: HashMap<String, OwnedValue> = about.try_clone()?.try_into()?;
    let label = about.get("label").map(|label| label.downcast_ref::<&str>());
    Ok((
        id.downcast_ref()?,
        label.transpose()?.unwrap_or_default().to_owned(),
    ))
}

/// What an icon registers with.
pub(crate) struct Watcher(pub(crate) Tray);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    #[expect(clippy::needless_pass_by_value, reason = "as zbus hands it over")]
    fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string);
        // Some give their name on the bus, some the path under which they are on it.
        let icon = match (service.starts_with('/'), sender) {
            (true, Some(sender)) => (sender, service),
            _ => (service, "/StatusNotifierItem".to_owned()),
        };
        let mut icons = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        icons.push(icon);
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let icons = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        icons
            .iter()
            .map(|(name, path)| format!("{name}{path}"))
            .collect()
    }
}
