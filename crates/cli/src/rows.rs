//! The persistent list: `add`, `list`, `pause`, `resume`, `cancel`, `retry`, `remove`.

use std::{io::Write, path::Path};

use longhaul_client::{
    Action, DownloadSource, DownloadState, DownloadView, Drive, Manager, NewDownload, Options,
    ServerLink,
};
use longhaul_protocol::DownloadId;

use crate::{
    args::{Add, Remove, Rows},
    get::interrupted,
    outcome::{Outcome, Stop},
    place::{self, Place},
    show::{Line, Out, words},
};

/// Fewer characters of an id name nothing for certain.
const SHORTEST: usize = 4;

async fn open(place: &Place, drive: Drive) -> Result<Manager, Stop> {
    let folder = place::folder(Path::new("."))?;
    let mut options = Options::new(place.list(), place.server.clone(), folder);
    options.drive = drive;
    Ok(Manager::open(options).await?)
}

/// `add`: on the list, and with the server where it answers.
pub(crate) async fn add(place: &Place, wanted: Add) -> Result<Outcome, Stop> {
    let folder = place::folder(&wanted.output)?;
    let manager = open(place, Drive::Asking).await?;
    let mut events = manager.subscribe().await?;
    let items = wanted
        .items
        .into_iter()
        .map(|item| NewDownload {
            folder: Some(folder.clone()),
            ..NewDownload::of(item.0)
        })
        .collect();
    let ids = manager.add_all(items).await?;
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    // Until the server has taken or refused each, or cannot be asked at present.
    let offline = loop {
        let snapshot = manager.snapshot().await?;
        let asked = ids.iter().all(|id| {
            snapshot
                .downloads
                .iter()
                .any(|row| row.id == *id && (row.job_id.is_some() || row.fault.is_some()))
        });
        if asked {
            break None;
        }
        if let ServerLink::Offline { reason, .. } = snapshot.server {
            break Some(reason);
        }
        tokio::select! {
            _ = events.next() => {}
            () = &mut interrupted => break Some("it was not waited for".to_owned()),
        }
    };
    let snapshot = manager.snapshot().await?;
    manager.shutdown().await;
    let rows: Vec<_> = snapshot
        .downloads
        .iter()
        .rev()
        .filter(|row| ids.contains(&row.id))
        .collect();
    print(place.json, rows.iter().copied(), |row| Line::Added {
        download: row,
    });
    if !place.json {
        match offline {
            Some(reason) => eprintln!(
                "The server has not been asked yet ({reason}). `longhaul watch` asks it and fetches the files."
            ),
            None => eprintln!("`longhaul watch` fetches the files."),
        }
    }
    let failed = rows.iter().any(|row| row.state == DownloadState::Failed);
    Ok(if failed {
        Outcome::Failed
    } else {
        Outcome::Done
    })
}

/// `list`.
pub(crate) async fn list(place: &Place) -> Result<Outcome, Stop> {
    let manager = open(place, Drive::Nothing).await?;
    let snapshot = manager.snapshot().await?;
    manager.shutdown().await;
    if place.json {
        let mut out = Out::new();
        for row in &snapshot.downloads {
            out.json(row);
        }
        let _ = out.flush();
    } else {
        for notice in &snapshot.notices {
            eprintln!("{}", notice.message);
        }
        if snapshot.downloads.is_empty() {
            eprintln!("The list is empty. `longhaul add` puts files on it.");
        }
        print(false, snapshot.downloads.iter(), |row| Line::Changed {
            download: row,
        });
    }
    Ok(Outcome::Done)
}

/// `pause`, `resume`, `cancel`, `retry`.
pub(crate) async fn act(place: &Place, action: Action, which: &Rows) -> Result<Outcome, Stop> {
    let manager = open(place, Drive::Nothing).await?;
    let outcome = act_on(&manager, place.json, action, which).await;
    manager.shutdown().await;
    outcome
}

async fn act_on(
    manager: &Manager,
    json: bool,
    action: Action,
    which: &Rows,
) -> Result<Outcome, Stop> {
    let ids = chosen(&manager.snapshot().await?.downloads, which, action)?;
    manager.act(ids.clone(), action).await?;
    let snapshot = manager.snapshot().await?;
    let rows = snapshot
        .downloads
        .iter()
        .filter(|row| ids.contains(&row.id));
    print(json, rows, |row| Line::Changed { download: row });
    if !json && matches!(action, Action::Resume | Action::Retry) {
        eprintln!("`longhaul watch` carries on with it.");
    }
    Ok(Outcome::Done)
}

/// `remove`.
pub(crate) async fn remove(place: &Place, wanted: &Remove) -> Result<Outcome, Stop> {
    let manager = open(place, Drive::Nothing).await?;
    let outcome = async {
        let rows = manager.snapshot().await?.downloads;
        let ids = chosen(&rows, &wanted.rows, Action::Remove)?;
        manager.remove_all(ids.clone(), wanted.with_file).await?;
        let gone = rows.iter().filter(|row| ids.contains(&row.id));
        if place.json {
            let mut out = Out::new();
            for row in gone {
                out.json(&serde_json::json!({ "event": "removed", "id": row.id }));
            }
            let _ = out.flush();
        } else {
            for row in gone {
                eprintln!("Removed {}.", words::printable(&row.name));
            }
        }
        Ok(Outcome::Done)
    }
    .await;
    manager.shutdown().await;
    outcome
}

/// The rows that were named, or an error that names the first which is not clear.
fn chosen(rows: &[DownloadView], which: &Rows, action: Action) -> Result<Vec<DownloadId>, Stop> {
    let mut ids = Vec::new();
    for text in &which.rows {
        if text == "all" {
            ids.extend(
                rows.iter()
                    .filter(|row| row.can.contains(&action))
                    .map(|row| row.id),
            );
            continue;
        }
        let text = text.to_ascii_lowercase();
        if text.len() < SHORTEST {
            return Err(Stop::usage(format!(
                "{text:?} is too short to name a row; give at least {SHORTEST} characters of its id"
            )));
        }
        let mut found = rows
            .iter()
            .filter(|row| row.id.to_string().starts_with(&text));
        match (found.next(), found.next()) {
            (Some(row), None) => ids.push(row.id),
            (None, _) => {
                return Err(Stop::usage(format!(
                    "no row's id begins with {text:?}; `longhaul list` shows them"
                )));
            }
            (Some(_), Some(_)) => {
                return Err(Stop::usage(format!(
                    "several rows' ids begin with {text:?}; give more of it"
                )));
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn print<'a>(
    json: bool,
    rows: impl Iterator<Item = &'a DownloadView>,
    line: impl Fn(&'a DownloadView) -> Line<'a>,
) {
    let mut out = Out::new();
    for row in rows {
        if json {
            out.json(&line(row));
        } else {
            out.line(&line_of(row));
        }
    }
    let _ = out.flush();
}

/// `8b1f9d2c  downloading   45%   1.2 GiB  name`, and the reason below where there is one.
fn line_of(row: &DownloadView) -> String {
    let id = row.id.to_string();
    let percent = match (&row.pulled, &row.made, row.size) {
        _ if row.state == DownloadState::Completed => "100%".to_owned(),
        (Some(pulled), _, Some(size)) if size > 0 => format!("{}%", pulled.done * 100 / size),
        (_, Some(made), _) => format!("made {}%", made.percent),
        _ => String::new(),
    };
    let size = row.size.map_or_else(|| "?".to_owned(), words::bytes);
    let source = match &row.source {
        DownloadSource::File { file_id } => file_id.to_string(),
        DownloadSource::Url { .. } => "URL".to_owned(),
        DownloadSource::Direct { .. } => "direct".to_owned(),
    };
    let state = format!("{:?}", row.state).to_lowercase();
    let mut line = format!(
        "{}  {state:<11}  {percent:>9}  {size:>10}  {}  [{source}]",
        &id[..8],
        words::printable(&row.name),
    );
    if let Some(fault) = &row.fault {
        line.push_str("\n          ");
        line.push_str(&words::printable(&fault.message));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<DownloadView> {
        ["aaaa1111", "aaaa2222", "bbbb3333"]
            .iter()
            .enumerate()
            .map(|(index, begin)| {
                serde_json::from_value(serde_json::json!({
                    "id": format!("{begin}-0000-4000-8000-000000000000"),
                    "jobId": null,
                    "name": "a\u{1b}[31m.bin",
                    "source": { "kind": "file", "fileId": 7 },
                    "state": if index == 2 { "completed" } else { "failed" },
                    "can": if index == 2 { ["open", "remove"] } else { ["retry", "remove"] },
                    "size": 2048, "made": null, "pulled": null, "speed": null, "etaSeconds": null,
                    "fault": if index == 2 { serde_json::Value::Null } else { serde_json::json!({
                        "code": "source_missing", "message": "It is gone.", "kept": 0, "fix": "none"
                    }) },
                    "folder": "/d",
                    "path": if index == 2 { Some("/d/a.bin") } else { None },
                    "sha256": null, "proven": false, "limit": null, "place": 1, "crc64nvme": null, "moments": [],
                    "addedAt": "2026-01-01T00:00:00Z", "endedAt": null, "revision": 3
                }))
                .expect("a row")
            })
            .collect()
    }

    fn choose(texts: &[&str], action: Action) -> Result<Vec<DownloadId>, Stop> {
        let which = Rows {
            rows: texts.iter().map(ToString::to_string).collect(),
        };
        chosen(&rows(), &which, action)
    }

    #[test]
    fn a_row_is_named_by_as_much_of_its_id_as_is_clear() {
        let rows = rows();
        assert_eq!(
            choose(&["bbbb"], Action::Remove).expect("clear"),
            [rows[2].id]
        );
        assert_eq!(
            choose(&["AAAA2"], Action::Remove).expect("clear"),
            [rows[1].id]
        );
        assert_eq!(choose(&["all"], Action::Retry).expect("clear").len(), 2);
        for unclear in ["aaaa", "bbb", "cccc"] {
            let stop = choose(&[unclear], Action::Remove).expect_err("unclear");
            assert_eq!(stop.outcome, Outcome::Usage, "{}", stop.message);
        }
    }

    #[test]
    fn a_line_tells_the_row_and_cannot_speak_to_the_terminal() {
        let rows = rows();
        let line = line_of(&rows[2]);
        assert!(line.starts_with("bbbb3333  completed"), "{line}");
        assert!(line.contains("100%") && line.contains("2.00 KiB"), "{line}");
        assert!(!line.contains('\x1b'), "{line:?}");
        assert!(line_of(&rows[0]).ends_with("It is gone."));
    }

    #[test]
    fn the_lines_for_programs_are_what_the_help_promises() {
        let rows = rows();
        let line = serde_json::to_value(Line::ended(&rows[2])).expect("serialises");
        assert_eq!(line["event"], "completed");
        assert_eq!(line["path"], "/d/a.bin");
        assert_eq!(line["size"], 2048);
        assert!(line["sha256"].is_null());
        let line = serde_json::to_value(Line::ended(&rows[0])).expect("serialises");
        assert_eq!(line["event"], "failed");
        assert_eq!(line["code"], "source_missing");
        assert_eq!(line["message"], "It is gone.");
        let line = serde_json::to_value(Line::Added { download: &rows[0] }).expect("serialises");
        assert_eq!(
            (line["event"].as_str(), line["download"]["state"].as_str()),
            (Some("added"), Some("failed"))
        );
    }
}
