//! Which rows of a change have just ended, well or badly: each end once.

use std::collections::HashMap;

use jiff::Timestamp;
use longhaul_client::{ClientEvent, DownloadState, DownloadView};
use longhaul_protocol::DownloadId;

/// The ends that have been told, by row. As large as the list.
#[derive(Debug, Default)]
pub(crate) struct News {
    told: HashMap<DownloadId, Option<Timestamp>>,
}

impl News {
    /// These are no news.
    pub(crate) fn already_known(&mut self, rows: &[DownloadView]) {
        for row in rows.iter().filter(|row| has_ended(row)) {
            self.told.insert(row.id, row.ended_at);
        }
    }

    /// The rows that are completed or failed, and were not when last heard of.
    pub(crate) fn of(&mut self, event: &ClientEvent) -> Vec<DownloadView> {
        for id in &event.removed {
            self.told.remove(id);
        }
        let mut news = Vec::new();
        for row in &event.changed {
            if !has_ended(row) {
                self.told.remove(&row.id);
            } else if self.told.insert(row.id, row.ended_at) != Some(row.ended_at) {
                news.push(row.clone());
            }
        }
        news
    }
}

const fn has_ended(row: &DownloadView) -> bool {
    matches!(row.state, DownloadState::Completed | DownloadState::Failed)
}

#[cfg(test)]
mod tests {
    use longhaul_client::{ServerLink, Totals};

    use super::*;
    use crate::notify::words::tests::row;

    fn change(changed: Vec<DownloadView>) -> ClientEvent {
        ClientEvent {
            changed,
            removed: Vec::new(),
            totals: Totals::default(),
            server: ServerLink::Online,
            servers: Vec::new(),
            notices: Vec::new(),
        }
    }

    #[test]
    fn an_end_is_news_once_and_a_second_end_again() {
        let mut news = News::default();
        let mut one = row("a.bin", DownloadState::Downloading);
        assert!(news.of(&change(vec![one.clone()])).is_empty());
        one.state = DownloadState::Failed;
        one.ended_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(news.of(&change(vec![one.clone()])).len(), 1);
        assert!(news.of(&change(vec![one.clone()])).is_empty());
        // Retried and failed again between two batches: only the time tells.
        one.ended_at = Some(Timestamp::MAX);
        assert_eq!(news.of(&change(vec![one.clone()])).len(), 1);
        one.state = DownloadState::Queued;
        assert!(news.of(&change(vec![one.clone()])).is_empty());
        one.state = DownloadState::Completed;
        assert_eq!(news.of(&change(vec![one])).len(), 1);
    }

    #[test]
    fn what_had_ended_before_the_start_is_no_news_and_a_cancelled_row_never_is() {
        let mut news = News::default();
        let done = row("a.bin", DownloadState::Completed);
        news.already_known(std::slice::from_ref(&done));
        let cancelled = row("b.bin", DownloadState::Cancelled);
        assert!(news.of(&change(vec![done, cancelled])).is_empty());
    }
}
