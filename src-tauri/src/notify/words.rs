//! What a notification says, and what its buttons are.

use longhaul_client::{Action, DownloadState, DownloadView};
use longhaul_protocol::DownloadId;

use super::Reaction;
use crate::language::{Words, with};

/// More than this at once, of one kind, become one notification.
const MAX_SINGLE: usize = 3;
/// Names in the notification of many.
const MAX_NAMED: usize = 3;

/// One notification, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The line above.
    pub(crate) summary: String,
    /// The lines below.
    pub(crate) body: String,
    /// Whether something went wrong.
    pub(crate) failed: bool,
    /// Label and meaning of each button; a click beside them is the first one's.
    pub(crate) buttons: Vec<(&'static str, Reaction)>,
}

/// The notifications for these ends.
pub(crate) fn of(ended: &[DownloadView], words: &'static Words) -> Vec<Message> {
    let (done, failed): (Vec<_>, Vec<_>) = ended
        .iter()
        .partition(|row| row.state == DownloadState::Completed);
    let mut messages = told(&done, words, completed, all_completed);
    messages.extend(told(&failed, words, failed_one, all_failed));
    messages
}

/// The notification of links that were copied.
pub(crate) fn offered(words: &'static Words) -> Message {
    Message {
        summary: words.copied.to_owned(),
        body: words.copied_what.to_owned(),
        failed: false,
        buttons: vec![(words.show, Reaction::Raise)],
    }
}

fn told(
    rows: &[&DownloadView],
    words: &'static Words,
    one: fn(&DownloadView, &'static Words) -> Message,
    many: fn(&[&DownloadView], &'static Words) -> Message,
) -> Vec<Message> {
    if rows.len() > MAX_SINGLE {
        vec![many(rows, words)]
    } else {
        rows.iter().map(|row| one(row, words)).collect()
    }
}

fn completed(row: &DownloadView, words: &'static Words) -> Message {
    // Of a link without a digest only the length is known to be right.
    let how = match row.proven {
        true => words.verified,
        false => words.complete,
    };
    Message {
        summary: row.name.clone(),
        body: match row.size {
            Some(size) => format!("{how} · {}", words.size(size)),
            None => how.to_owned(),
        },
        failed: false,
        buttons: vec![
            (words.open, Reaction::Open(row.id)),
            (words.show_in_folder, Reaction::ShowInFolder(vec![row.id])),
        ],
    }
}

fn all_completed(rows: &[&DownloadView], words: &'static Words) -> Message {
    let size = rows.iter().filter_map(|row| row.size).sum();
    Message {
        summary: format!(
            "{} · {}",
            with(words.many_complete, &rows.len()),
            words.size(size)
        ),
        body: names(rows, words),
        failed: false,
        buttons: vec![(words.show_in_folder, Reaction::ShowInFolder(ids(rows)))],
    }
}

fn failed_one(row: &DownloadView, words: &'static Words) -> Message {
    let why = row.fault.as_ref().map_or(words.failed.to_owned(), |fault| {
        let why = words.fault(&fault.code).unwrap_or(&fault.message);
        match fault.kept {
            0 => why.to_owned(),
            kept => format!("{why} · {}", with(words.kept, &words.size(kept))),
        }
    });
    let mut buttons = vec![(words.show, Reaction::Raise)];
    if row.can.contains(&Action::Retry) {
        buttons.push((words.retry, Reaction::Retry(vec![row.id])));
    }
    Message {
        summary: row.name.clone(),
        body: why,
        failed: true,
        buttons,
    }
}

fn all_failed(rows: &[&DownloadView], words: &'static Words) -> Message {
    Message {
        summary: with(words.many_failed, &rows.len()),
        body: names(rows, words),
        failed: true,
        buttons: vec![
            (words.show, Reaction::Raise),
            (words.retry_all, Reaction::Retry(ids(rows))),
        ],
    }
}

fn ids(rows: &[&DownloadView]) -> Vec<DownloadId> {
    rows.iter().map(|row| row.id).collect()
}

fn names(rows: &[&DownloadView], words: &Words) -> String {
    let mut lines: Vec<_> = rows
        .iter()
        .take(MAX_NAMED)
        .map(|row| row.name.clone())
        .collect();
    if let Some(more @ 1..) = rows.len().checked_sub(MAX_NAMED) {
        lines.push(with(words.more, &more));
    }
    lines.join("\n")
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;
    use longhaul_client::{DownloadFault, DownloadSource, Fix};

    use super::*;
    use crate::language::Language;

    fn said(ended: &[DownloadView]) -> Vec<Message> {
        of(ended, Language::En.words())
    }

    pub(crate) fn row(name: &str, state: DownloadState) -> DownloadView {
        DownloadView {
            id: DownloadId::random(),
            job_id: None,
            server: None,
            name: name.to_owned(),
            source: DownloadSource::Url {
                url: "https://example.org/a".to_owned(),
            },
            state,
            can: vec![Action::Retry],
            size: Some(204_800_000),
            made: None,
            pulled: None,
            speed: None,
            eta_seconds: None,
            fault: None,
            folder: "/".to_owned(),
            path: None,
            sha256: None,
            wanted_sha256: None,
            proven: true,
            limit: None,
            place: 1,
            crc64nvme: None,
            moments: Vec::new(),
            added_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            revision: 1,
        }
    }

    #[test]
    fn one_file_is_named_with_its_size_and_can_be_opened() {
        let row = row("tax & <b>2026</b>.pdf", DownloadState::Completed);
        let messages = said(std::slice::from_ref(&row));
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].summary, "tax & <b>2026</b>.pdf");
        assert_eq!(messages[0].body, "Complete and verified · 205 MB");
        assert_eq!(messages[0].buttons[0], ("Open", Reaction::Open(row.id)));
    }

    #[test]
    fn a_failure_is_its_own_sentence_and_can_be_retried_where_that_is_allowed() {
        let mut row = row("a.bin", DownloadState::Failed);
        row.fault = Some(DownloadFault {
            code: "disk_full".to_owned(),
            message: "The disk is full; 71 MB are kept.".to_owned(),
            kept: 71_000_000,
            fix: Fix::FreeSpace,
        });
        let message = said(std::slice::from_ref(&row)).remove(0);
        assert_eq!(
            message.body,
            "The disk is full. Free some space, then retry. · 71.0 MB kept"
        );
        assert_eq!(message.buttons[1].1, Reaction::Retry(vec![row.id]));
        let german = of(std::slice::from_ref(&row), Language::De.words()).remove(0);
        assert!(german.body.contains("Datenträger"), "{}", german.body);
        row.can.clear();
        assert_eq!(said(&[row])[0].buttons.len(), 1);
    }

    #[test]
    fn many_that_end_together_become_one_of_each_kind() {
        let mut rows: Vec<_> = (0..12)
            .map(|n| row(&format!("{n}.bin"), DownloadState::Completed))
            .collect();
        rows.push(row("bad.bin", DownloadState::Failed));
        let messages = said(&rows);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].summary, "12 downloads are complete · 2.46 GB");
        assert_eq!(messages[0].body, "0.bin\n1.bin\n2.bin\nand 9 more");
        assert_eq!(messages[1].summary, "bad.bin");
        assert_eq!(said(&rows[..3]).len(), 3);
    }
}
