//! Hands a message to the system's notification centre and waits for the user's answer.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use notify_rust::Notification;
use tokio::sync::OnceCell;

use super::{Reaction, words::Message};

const ICON: &[u8] = include_bytes!("../../../icons/128x128.png");
/// A centre that does not answer within this time is as good as none.
const ANSWER: Duration = Duration::from_secs(5);

/// The system's notification centre, or its absence.
#[derive(Debug)]
pub(crate) struct Center {
    icon: PathBuf,
    manners: OnceCell<Manners>,
    missing: AtomicBool,
}

/// What this centre can do, asked for once.
#[derive(Debug, Clone, Copy, Default)]
struct Manners {
    /// Bodies are read as markup: `<` and `&` must be escaped.
    markup: bool,
    /// Buttons are shown. Where they are not, some centres make a dialog of them instead.
    buttons: bool,
}

impl Center {
    pub(crate) const fn new(icon: PathBuf) -> Self {
        Self {
            icon,
            manners: OnceCell::const_new(),
            missing: AtomicBool::new(false),
        }
    }

    /// Shows it and answers what the user chose, when they do; none when they close it.
    pub(crate) async fn show(&self, message: Message) -> Option<Reaction> {
        match self.shown(&message).await {
            Ok(answer) => {
                self.missing.store(false, Ordering::Relaxed);
                let chosen = answer.await?;
                message
                    .buttons
                    .into_iter()
                    .enumerate()
                    .find(|(number, _)| key(*number) == chosen)
                    .map(|(_, (_, reaction))| reaction)
            }
            Err(why) => {
                // Said once: a system without notifications is no fault.
                if !self.missing.swap(true, Ordering::Relaxed) {
                    tracing::info!(why, "there are no notifications on this system");
                }
                None
            }
        }
    }

    async fn manners(&self) -> Result<Manners, String> {
        self.manners
            .get_or_try_init(|| async {
                if let Err(error) = tokio::fs::write(&self.icon, ICON).await {
                    tracing::debug!(%error, "notifications go without an icon");
                }
                system::manners().await
            })
            .await
            .copied()
    }

    /// Once shown, the future that waits for an answer.
    async fn shown(
        &self,
        message: &Message,
    ) -> Result<impl Future<Output = Option<String>> + use<>, String> {
        let manners = tokio::time::timeout(ANSWER, self.manners())
            .await
            .map_err(|_| "it did not answer".to_owned())??;
        let mut notification = Notification::new();
        notification
            .appname("Longhaul")
            .icon(&self.icon.display().to_string())
            .summary(&message.summary)
            .body(&if manners.markup {
                escaped(&message.body)
            } else {
                message.body.clone()
            });
        system::dress(&mut notification, message.failed);
        if manners.buttons {
            for (number, (label, _)) in message.buttons.iter().enumerate() {
                // The first is also what a click beside the buttons does.
                if number == 0 {
                    notification.action("default", label);
                }
                notification.action(&format!("button-{number}"), label);
            }
        }
        let shown = tokio::time::timeout(ANSWER, system::show(notification))
            .await
            .map_err(|_| "it did not answer".to_owned())??;
        Ok(async move {
            let chosen = shown.await?;
            Some(if chosen == "default" { key(0) } else { chosen })
        })
    }
}

fn key(number: usize) -> String {
    format!("button-{number}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The freedesktop.org centre, over the session bus.
#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use notify_rust::{Hint, Notification, NotificationResponse, Urgency};

    use super::Manners;

    pub(super) async fn manners() -> Result<Manners, String> {
        let able = tokio::task::spawn_blocking(notify_rust::get_capabilities)
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let can = |what: &str| able.iter().any(|it| it == what);
        Ok(Manners {
            markup: can("body-markup"),
            buttons: can("actions"),
        })
    }

    pub(super) fn dress(notification: &mut Notification, failed: bool) {
        notification
            .hint(Hint::DesktopEntry("Longhaul".to_owned()))
            .hint(Hint::Category(
                if failed {
                    "transfer.error"
                } else {
                    "transfer.complete"
                }
                .to_owned(),
            ))
            // A critical one would stay on the screen, and break through "do not disturb".
            .urgency(Urgency::Normal);
    }

    pub(super) async fn show(
        notification: Notification,
    ) -> Result<impl Future<Output = Option<String>> + use<>, String> {
        let handle = notification
            .show_async()
            .await
            .map_err(|error| error.to_string())?;
        Ok(async move {
            let mut chosen = None;
            handle
                .wait_for_action_async(|response| {
                    chosen = match response {
                        NotificationResponse::Default => Some("default".to_owned()),
                        NotificationResponse::Action(action) => Some(action.clone()),
                        _ => None,
                    };
                })
                .await;
            chosen
        })
    }
}

/// Elsewhere the text is shown, without buttons.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod system {
    use notify_rust::Notification;

    use super::Manners;

    pub(super) async fn manners() -> Result<Manners, String> {
        Ok(Manners::default())
    }

    pub(super) fn dress(_notification: &mut Notification, _failed: bool) {}

    pub(super) async fn show(
        notification: Notification,
    ) -> Result<impl Future<Output = Option<String>> + use<>, String> {
        tokio::task::spawn_blocking(move || notification.show().map(drop))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        Ok(std::future::ready(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(
            escaped("<a href=\"x\">&amp;</a>"),
            "&lt;a href=\"x\"&gt;&amp;amp;&lt;/a&gt;"
        );
    }
}
