//! What is done to many rows at once: one step of the driver, one write, one batch of changes.

use longhaul_protocol::DownloadId;

use crate::{driver::Command, error::ManagerError, manager::Manager, view::Action};

/// Files that are put away before the list is told of it. The system's trash takes its time: a list
/// of thousands of files is seen to grow shorter.
const FILES_AT_ONCE: usize = 50;

impl Manager {
    /// Does `action` to each of these rows that allows it. What begins goes by the queue's order,
    /// whatever the order of `ids`.
    ///
    /// # Errors
    /// When some row is unknown or does not allow it: [`ManagerError::Some`] where there are several
    /// rows. The others are done all the same.
    pub async fn act(&self, ids: Vec<DownloadId>, action: Action) -> Result<(), ManagerError> {
        match action {
            Action::Replace => {
                let mut refused = Refused::default();
                let many = ids.len() > 1;
                for id in ids {
                    refused.note(self.ask(|reply| Command::Replace(id, reply)).await?);
                }
                refused.outcome(many)
            }
            _ => self.ask(|reply| Command::Act(ids, action, reply)).await?,
        }
    }

    /// As [`Manager::remove`], for many rows.
    ///
    /// # Errors
    /// As [`Manager::act`].
    pub async fn remove_all(
        &self,
        ids: Vec<DownloadId>,
        with_file: bool,
    ) -> Result<(), ManagerError> {
        let many = ids.len() > 1;
        let at_once = match with_file {
            true => FILES_AT_ONCE,
            // Together, so that all can be undone for as long.
            false => ids.len().max(1),
        };
        let mut refused = Refused::default();
        for some in ids.chunks(at_once) {
            let outcome = self
                .ask(|reply| Command::Remove(some.to_vec(), with_file, reply))
                .await?;
            refused.join(outcome);
        }
        refused.outcome(many)
    }
}

/// What could not be done to some rows.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    first: Option<ManagerError>,
    others: usize,
}

impl Refused {
    /// Takes in what became of one row.
    pub(crate) fn note(&mut self, outcome: Result<(), ManagerError>) {
        match outcome {
            Ok(()) => {}
            Err(error) if self.first.is_none() => self.first = Some(error),
            Err(_) => self.others += 1,
        }
    }

    /// Takes in what became of some rows.
    pub(crate) fn join(&mut self, outcome: Self) {
        self.others += outcome.others;
        if let Some(error) = outcome.first {
            self.note(Err(error));
        }
    }

    /// What is said of all of them; of `many` also how many it was.
    pub(crate) fn outcome(self, many: bool) -> Result<(), ManagerError> {
        match self.first {
            None => Ok(()),
            Some(first) if many => Err(ManagerError::Some {
                first: Box::new(first),
                others: self.others,
            }),
            Some(only) => Err(only),
        }
    }
}
