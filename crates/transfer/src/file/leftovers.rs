//! Which downloads have left something in a folder: known after one look, so that the thousandth
//! small file does not cost a thousand looks.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::{Earlier, blocking, earlier, records};
use crate::Error;

/// Folders that are remembered; beyond, all are forgotten and looked at anew.
const MOST: usize = 64;

/// The downloads with a control record, by folder. A folder is looked at once; what this engine
/// begins later is noted. A download of the same id that another process begins meanwhile in a
/// folder that is known here is not seen: its name is taken then, and nothing of it is touched.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(Mutex<HashMap<PathBuf, HashSet<Uuid>>>);

impl Leftovers {
    /// What an earlier run of `id` left in `folder`, which is made where it is missing.
    pub(crate) async fn of(&self, folder: PathBuf, id: Uuid) -> Result<Earlier, Error> {
        let known = self.lock().get(&folder).map(|ids| ids.contains(&id));
        match known {
            Some(false) => Ok(Earlier::Nothing),
            Some(true) => blocking(move || earlier(&folder, id)).await,
            None => {
                let looked = folder.clone();
                let (ids, earlier) = blocking(move || {
                    std::fs::create_dir_all(&looked)
                        .map_err(|error| Error::in_folder("create", &looked, &error))?;
                    let ids: HashSet<_> = records(&looked)
                        .map_err(|error| Error::in_folder("read", &looked, &error))?
                        .into_iter()
                        .map(|(_, id, _)| id)
                        .collect();
                    let earlier = match ids.contains(&id) {
                        true => earlier(&looked, id)?,
                        false => Earlier::Nothing,
                    };
                    Ok((ids, earlier))
                })
                .await?;
                let mut folders = self.lock();
                if folders.len() >= MOST {
                    folders.clear();
                }
                // Another pull may have looked meanwhile, and begun.
                folders.entry(folder).or_default().extend(ids);
                Ok(earlier)
            }
        }
    }

    /// `id` is about to leave something in `folder`.
    pub(crate) fn begun(&self, folder: &Path, id: Uuid) {
        if let Some(ids) = self.lock().get_mut(folder) {
            ids.insert(id);
        }
    }

    /// `id` has nothing in `folder` any more.
    pub(crate) fn gone(&self, folder: &Path, id: Uuid) {
        if let Some(ids) = self.lock().get_mut(folder) {
            ids.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, HashSet<Uuid>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WhenTaken;
    use crate::file::begin;

    #[tokio::test]
    async fn what_a_crash_left_is_found_and_what_is_begun_is_noted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new");
        let (crashed, fresh) = (Uuid::from_u128(1), Uuid::from_u128(2));
        std::fs::create_dir(&path).expect("makes");
        drop(begin(&path, crashed, "a.bin", WhenTaken::Number).expect("begins"));
        let leftovers = Leftovers::default();
        let of = async |id| leftovers.of(path.clone(), id).await.expect("looks");
        assert!(matches!(of(fresh).await, Earlier::Nothing));
        assert!(matches!(of(crashed).await, Earlier::Begun(..)));
        leftovers.begun(&path, fresh);
        drop(begin(&path, fresh, "b.bin", WhenTaken::Number).expect("begins"));
        assert!(matches!(of(fresh).await, Earlier::Begun(..)));
        leftovers.gone(&path, fresh);
        assert!(matches!(of(fresh).await, Earlier::Nothing));
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b");
        let earlier = Leftovers::default()
            .of(path.clone(), Uuid::from_u128(1))
            .await;
        assert!(matches!(earlier, Ok(Earlier::Nothing)));
        assert!(path.is_dir());
    }
}
