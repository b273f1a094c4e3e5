//! How the window looks and which language it speaks: what its page has chosen, kept in a file of the
//! data folder. The page's own storage reaches the disk some time later, or not at all when the app
//! ends before.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tauri::{
    Runtime,
    plugin::{Builder, TauriPlugin},
};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::{language::Language, whole};

/// What is kept, and nothing else.
const NAMES: [&str; 7] = [
    "language",
    "theme",
    "density",
    "sort",
    "columns",
    "details",
    "timetable",
];
/// Bytes of one choice as JSON.
const LONGEST: usize = 4 << 10;

type Choices = BTreeMap<String, Value>;

/// The choices of this run and of those before.
#[derive(Debug)]
pub(crate) struct Look {
    path: PathBuf,
    choices: Mutex<Choices>,
    language: watch::Sender<Language>,
    /// For the page: what was there at the start.
    script: String,
}

impl Look {
    /// What is kept in that folder. A file that cannot be read is told of in the log: it costs a
    /// few clicks, and must not keep the window from opening.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("look.json");
        let choices = match read(&path) {
            Ok(choices) => choices,
            Err(error) => {
                tracing::warn!(%error, "how the window looked is not known");
                Choices::new()
            }
        };
        // A page that is loaded anew in the same run has later choices of its own.
        let look = json!({ "run": Uuid::new_v4(), "choices": choices });
        Self {
            path,
            language: watch::channel(language(&choices)).0,
            choices: Mutex::new(choices),
            script: format!(
                "Object.defineProperty(window, \"__LONGHAUL_LOOK__\", {{ value: {look} }});"
            ),
        }
    }

    /// Keeps a choice; when this returns it is on the disk.
    ///
    /// # Errors
    /// A sentence about why it is not.
    pub(crate) async fn keep(&self, name: String, value: Value) -> anyhow::Result<()> {
        ensure!(NAMES.contains(&name.as_str()), "no choice is called {name}");
        ensure!(
            value.to_string().len() <= LONGEST,
            "the choice of {name} is too long"
        );
        let mut choices = self.choices.lock().await;
        let mut next = choices.clone();
        next.insert(name, value);
        let (path, text) = (self.path.clone(), serde_json::to_vec_pretty(&next)?);
        tokio::task::spawn_blocking(move || whole::write(&path, &text, None))
            .await?
            .with_context(|| format!("{} could not be written", self.path.display()))?;
        *choices = next;
        let now = language(&choices);
        self.language
            .send_if_modified(|before| std::mem::replace(before, now) != now);
        Ok(())
    }

    /// Returns when what was chosen until now is written.
    pub(crate) async fn written(&self) {
        drop(self.choices.lock().await);
    }

    /// The language that was chosen, and each change of it.
    pub(crate) fn language(&self) -> watch::Receiver<Language> {
        self.language.subscribe()
    }
}

/// Tells the page before its first line what is kept.
pub(crate) fn plugin<R: Runtime>(look: &Look) -> TauriPlugin<R> {
    Builder::new("look")
        .js_init_script(look.script.clone())
        .build()
}

fn language(choices: &Choices) -> Language {
    Language::of(choices.get("language").and_then(Value::as_str))
}

fn read(path: &Path) -> anyhow::Result<Choices> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Choices::new()),
        text => text?,
    };
    let mut choices: Choices = serde_json::from_slice(&text)?;
    choices.retain(|name, _| NAMES.contains(&name.as_str()));
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_chosen_is_there_at_the_next_start_and_a_language_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let look = Look::open(folder.path());
        let mut spoken = look.language();
        look.keep("language".into(), json!("ja"))
            .await
            .expect("kept");
        assert!(spoken.has_changed().expect("open"));
        assert_eq!(*spoken.borrow_and_update(), Language::Ja);
        let sort = json!({ "by": "name", "down": false });
        look.keep("sort".into(), sort).await.expect("kept");
        assert!(!spoken.has_changed().expect("open"));
        let later = Look::open(folder.path());
        assert_eq!(*later.language().borrow(), Language::Ja);
        assert!(
            later
                .script
                .contains(r#""sort":{"by":"name","down":false}"#)
        );
    }

    #[tokio::test]
    async fn a_choice_that_is_none_is_refused_and_a_damaged_file_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("look.json"), "{").expect("writes");
        let look = Look::open(folder.path());
        assert!(look.keep("other".into(), Value::Null).await.is_err());
        let long = Value::from("x".repeat(LONGEST));
        assert!(look.keep("sort".into(), long).await.is_err());
        look.keep("theme".into(), json!("dark"))
            .await
            .expect("kept");
        let choices = read(&folder.path().join("look.json")).expect("sound");
        assert_eq!(
            choices,
            Choices::from([("theme".to_owned(), json!("dark"))])
        );
    }
}
