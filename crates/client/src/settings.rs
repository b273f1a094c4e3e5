//! What the user sets: whether it makes sense, and where a file goes by it.

use std::path::{Path, PathBuf};

use crate::{
    error::ManagerError,
    view::{FolderRule, Settings},
};

impl Settings {
    /// Whether all of it makes sense together.
    ///
    /// # Errors
    /// [`ManagerError::Invalid`], with what does not.
    pub fn check(&self) -> Result<(), ManagerError> {
        let invalid = |text: &str| Err(ManagerError::Invalid(text.to_owned()));
        if !(1..=64).contains(&self.concurrent) {
            return invalid("between 1 and 64 downloads can run at a time");
        }
        if !(1..=64).contains(&self.connections) {
            return invalid("a download can have between 1 and 64 connections");
        }
        at_least(self.limit)?;
        let is_relative = |folder: &str| !Path::new(folder).is_absolute();
        if !self.folder.is_empty() && is_relative(&self.folder) {
            return invalid("the folder must be given from the root on");
        }
        for rule in &self.folders {
            if is_relative(&rule.folder) {
                return invalid("a folder for files of a kind must be given from the root on");
            }
            if rule.endings.is_empty() || rule.endings.iter().any(|ending| ending.trim().is_empty())
            {
                return invalid("say which endings the files have that go to another folder");
            }
        }
        if let Some(table) = &self.timetable {
            if !table.is_sound() {
                return invalid("the hours of the timetable are times of a day");
            }
            at_least(table.limit)?;
        }
        Ok(())
    }
}

/// The folder that the settings have for a file of this name.
pub(crate) fn by_rules(rules: &[FolderRule], name: &str) -> Option<PathBuf> {
    let rule = rules.iter().find(|rule| rule.is_for(name))?;
    Some(PathBuf::from(&rule.folder))
}

/// A speed limit that is one.
pub(crate) fn at_least(limit: Option<u64>) -> Result<(), ManagerError> {
    match limit {
        Some(..1024) => Err(ManagerError::Invalid(
            "a speed limit is at least 1 KiB/s; to stop downloads, pause them".to_owned(),
        )),
        _ => Ok(()),
    }
}
