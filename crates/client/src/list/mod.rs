//! The local list on the disk: rows, settings, and part files that must still be thrown away.
//!
//! Kept in `longhaul-durable`: an answered firm write survives a kill one instruction later, and a
//! damaged list opens by recovery and says so.

mod migrate;

use std::path::{Path, PathBuf};

use longhaul_durable::{Durable, Scan, Table};
use longhaul_protocol::DownloadId;

use crate::{
    download::Record,
    servers::{ServerId, ServerRecord},
    view::{Notice, Settings},
};

const ROWS: Table = Table("downloads");
const DISCARDS: Table = Table("discards");
/// Job servers that the user has added.
const SERVERS: Table = Table("servers");
const SETTINGS: Table = Table("settings");
/// Rows that this build cannot read: kept for one that can.
const SET_ASIDE: Table = Table("set-aside");
const SETTINGS_KEY: &[u8] = b"all";
/// A list of 10,000 rows is about 10 MB: sled's page cache need not be larger.
const CACHE: u64 = 16 << 20;

/// The list cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// One process at a time.
    #[error(
        "another Longhaul works with the list in {}; close it, or use another folder", .dir.display()
    )]
    InUse {
        /// The list's folder.
        dir: PathBuf,
    },
    /// The disk, mostly.
    #[error("the download list: {0}")]
    Storage(longhaul_durable::Error),
}

impl From<longhaul_durable::Error> for ListError {
    fn from(error: longhaul_durable::Error) -> Self {
        match error {
            longhaul_durable::Error::Locked { dir } => Self::InUse { dir },
            other => Self::Storage(other),
        }
    }
}

/// Changes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Rows to write, by id.
    pub(crate) rows: Vec<Record>,
    /// Rows that go.
    pub(crate) removed: Vec<DownloadId>,
    /// Part files to throw away.
    pub(crate) discard: Vec<(DownloadId, PathBuf)>,
    /// Part files that need not be thrown away any more.
    pub(crate) discarded: Vec<DownloadId>,
    /// New settings.
    pub(crate) settings: Option<Settings>,
    /// Servers to write, by id.
    pub(crate) servers: Vec<ServerRecord>,
    /// Servers that go.
    pub(crate) servers_removed: Vec<ServerId>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.removed.is_empty()
            && self.discard.is_empty()
            && self.discarded.is_empty()
            && self.settings.is_none()
            && self.servers.is_empty()
            && self.servers_removed.is_empty()
    }
}

/// An open list, and what was in it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) list: List,
    pub(crate) records: Vec<Record>,
    pub(crate) settings: Option<Settings>,
    pub(crate) servers: Vec<ServerRecord>,
    pub(crate) discards: Vec<(DownloadId, PathBuf)>,
    pub(crate) notices: Vec<Notice>,
}

impl Opened {
    /// The rows that go on by themselves.
    pub(crate) fn running(&self) -> impl Iterator<Item = DownloadId> {
        let records = self.records.iter();
        records
            .filter(|record| record.state.is_running())
            .map(|record| record.id)
    }
}

/// The list on the disk.
#[derive(Debug)]
pub(crate) struct List {
    durable: Durable,
}

impl List {
    pub(crate) async fn open(dir: &Path) -> Result<Opened, ListError> {
        let options = longhaul_durable::Options {
            cache_bytes: CACHE,
            ..longhaul_durable::Options::default()
        };
        let (durable, recovery) = Durable::open(dir, options).await?;
        let mut notices = Vec::new();
        if let Some(recovery) = recovery {
            tracing::warn!(restored = recovery.restored, "the list was recovered");
            notices.push(Notice {
                code: "list_recovered".to_owned(),
                message: format!(
                    "The download list was damaged and has been restored. {} Files that were already downloaded are where they were.",
                    recovery.message
                ),
            });
        }
        let (rows, discards, settings, servers) = durable
            .read(|view| {
                Ok::<_, longhaul_durable::Error>((
                    view.scan(ROWS, &Scan::all())?,
                    view.scan(DISCARDS, &Scan::all())?,
                    view.get(SETTINGS, SETTINGS_KEY)?,
                    view.scan(SERVERS, &Scan::all())?,
                ))
            })
            .await??;
        let mut records = Vec::with_capacity(rows.len());
        let mut unreadable = Vec::new();
        for (key, value) in rows {
            match migrate::read(&value) {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::warn!(%error, "a row of the list cannot be read");
                    unreadable.push((key, value));
                }
            }
        }
        if !unreadable.is_empty() {
            notices.push(Notice {
                code: "rows_set_aside".to_owned(),
                message: format!(
                    "{} downloads of the list cannot be read by this version and were set aside. All others go on.",
                    unreadable.len()
                ),
            });
            durable
                .write(move |tx| {
                    for (key, value) in unreadable {
                        tx.put(SET_ASIDE, &key, value);
                        tx.delete(ROWS, &key);
                    }
                })
                .await?;
        }
        let servers = servers
            .into_iter()
            .filter_map(|(_, value)| serde_json::from_slice(&value).ok())
            .collect();
        let discards = discards
            .into_iter()
            .filter_map(|(key, value)| {
                let id = std::str::from_utf8(&key).ok()?.parse().ok()?;
                Some((id, serde_json::from_slice(&value).ok()?))
            })
            .collect();
        Ok(Opened {
            list: Self { durable },
            records,
            servers,
            settings: settings.and_then(|text| serde_json::from_slice(&text).ok()),
            discards,
            notices,
        })
    }

    /// Writes changes as one; a firm write answers once they are on the disk, any other may lose
    /// the last quarter of a second to a crash.
    pub(crate) async fn write(&self, changes: &Changes, firm: bool) -> Result<(), ListError> {
        let mut puts = Vec::with_capacity(changes.rows.len());
        for record in &changes.rows {
            puts.push((ROWS, record.id.to_string(), migrate::write(record)));
        }
        for (id, folder) in &changes.discard {
            puts.push((DISCARDS, id.to_string(), bytes_of(folder)));
        }
        for server in &changes.servers {
            puts.push((SERVERS, server.id.to_string(), bytes_of(server)));
        }
        let gone: Vec<_> = changes
            .servers_removed
            .iter()
            .map(ToString::to_string)
            .collect();
        let settings = changes.settings.as_ref().map(bytes_of);
        let removed: Vec<String> = changes.removed.iter().map(ToString::to_string).collect();
        let discarded: Vec<String> = changes.discarded.iter().map(ToString::to_string).collect();
        let change = move |tx: &mut longhaul_durable::Tx<'_>| {
            for (table, key, value) in puts {
                tx.put(table, key.as_bytes(), value);
            }
            for key in removed {
                tx.delete(ROWS, key.as_bytes());
            }
            for key in gone {
                tx.delete(SERVERS, key.as_bytes());
            }
            for key in discarded {
                tx.delete(DISCARDS, key.as_bytes());
            }
            if let Some(settings) = settings {
                tx.put(SETTINGS, SETTINGS_KEY, settings);
            }
        };
        if firm {
            self.durable.write(change).await?;
        } else {
            self.durable.write_relaxed(change).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.durable.close().await {
            tracing::warn!(%error, "the list did not close well");
        }
    }
}

fn bytes_of<T: serde::Serialize + ?Sized>(value: &T) -> Vec<u8> {
    // Paths that are not UTF-8 are the only values here that JSON cannot hold; folders are checked
    // for that before they come here.
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use longhaul_protocol::FileId;

    use super::*;
    use crate::view::DownloadSource;

    fn record(order: u64) -> Record {
        Record::new(
            DownloadId::random(),
            order,
            DownloadSource::File {
                file_id: FileId::new(order).expect("small"),
            },
            PathBuf::from("/downloads"),
            Timestamp::UNIX_EPOCH,
        )
    }

    fn written(rows: Vec<Record>) -> Changes {
        Changes {
            rows,
            ..Changes::default()
        }
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let opened = List::open(dir.path()).await.expect("opens");
        assert!(opened.records.is_empty());
        let (kept, gone) = (record(1), record(2));
        let list = opened.list;
        list.write(&written(vec![kept.clone(), gone.clone()]), true)
            .await
            .expect("written");
        let changes = Changes {
            removed: vec![gone.id],
            discard: vec![(gone.id, PathBuf::from("/downloads"))],
            settings: Some(Settings {
                concurrent: 7,
                ..Settings::default()
            }),
            ..Changes::default()
        };
        list.write(&changes, true).await.expect("written");
        list.close().await;

        let opened = List::open(dir.path()).await.expect("opens again");
        assert_eq!(opened.records, [kept]);
        assert_eq!(opened.discards, [(gone.id, PathBuf::from("/downloads"))]);
        assert_eq!(opened.settings.map(|all| all.concurrent), Some(7));
        assert!(opened.notices.is_empty());
        opened.list.close().await;
    }

    #[tokio::test]
    async fn a_second_process_is_told_so_and_changes_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let opened = List::open(dir.path()).await.expect("opens");
        let error = List::open(dir.path()).await.expect_err("in use");
        assert!(matches!(error, ListError::InUse { .. }), "{error}");
        opened.list.close().await;
    }

    #[tokio::test]
    async fn a_row_of_a_later_version_is_set_aside_and_the_others_go_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let opened = List::open(dir.path()).await.expect("opens");
        let good = record(1);
        opened
            .list
            .write(&written(vec![good.clone()]), true)
            .await
            .expect("written");
        opened
            .list
            .durable
            .write(|tx| tx.put(ROWS, b"later", br#"{"v":99,"row":{}}"#.to_vec()))
            .await
            .expect("written");
        opened.list.close().await;
        for notices in [1, 0] {
            let opened = List::open(dir.path()).await.expect("opens");
            assert_eq!(opened.records, std::slice::from_ref(&good));
            assert_eq!(opened.notices.len(), notices);
            opened.list.close().await;
        }
    }

    #[tokio::test]
    async fn a_damaged_list_opens_with_all_rows_and_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let opened = List::open(dir.path()).await.expect("opens");
        let rows: Vec<_> = (1..=20).map(record).collect();
        opened
            .list
            .write(&written(rows.clone()), true)
            .await
            .expect("written");
        opened.list.close().await;
        for file in std::fs::read_dir(dir.path().join("sled")).expect("its folder") {
            let path = file.expect("an entry").path();
            if path.is_file() {
                std::fs::write(&path, b"not a database").expect("damaged");
            }
        }
        let opened = List::open(dir.path()).await.expect("opens all the same");
        let mut found = opened.records;
        found.sort_by_key(|record| record.order);
        assert_eq!(found, rows);
        assert_eq!(opened.notices.len(), 1);
        assert_eq!(opened.notices[0].code, "list_recovered");
        opened.list.close().await;
    }
}
