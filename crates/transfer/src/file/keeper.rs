//! When the control record is written, and that nothing is claimed in it that was not synced before.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;

use super::{
    blocking,
    control::{self, Record},
    part::Part,
};
use crate::Error;

/// A record is written this long after the last, if anything came since.
const EVERY: Duration = Duration::from_secs(2);

/// Or after this many bytes, though never more often than `AT_MOST`: a sync costs the writers time.
const EVERY_BYTES: u64 = 64 << 20;
const AT_MOST: Duration = Duration::from_millis(500);

/// Keeps the record of one part file.
#[derive(Debug)]
pub(crate) struct Keeper {
    part: Arc<Part>,
    saved: Instant,
    saved_bytes: u64,
}

impl Keeper {
    pub(crate) fn new(part: Arc<Part>) -> Self {
        Self {
            part,
            saved: Instant::now(),
            saved_bytes: 0,
        }
    }

    /// Whether it is time, with `bytes` fetched so far.
    pub(crate) fn is_due(&self, bytes: u64) -> bool {
        let since = self.saved.elapsed();
        let fresh = bytes.saturating_sub(self.saved_bytes);
        (since >= EVERY && fresh > 0) || (since >= AT_MOST && fresh >= EVERY_BYTES)
    }

    /// Syncs the part file, then writes `record`, which was taken before this call.
    ///
    /// Fails only where the sync does: the bytes may be lost then, and no later sync would say so.
    /// A record that cannot be written leaves the last one, which is still true.
    pub(crate) fn save(
        &mut self,
        record: Record,
        bytes: u64,
    ) -> BoxFuture<'static, Result<(), Error>> {
        self.saved = Instant::now();
        self.saved_bytes = bytes;
        let part = Arc::clone(&self.part);
        Box::pin(blocking(move || {
            part.file
                .sync_data()
                .map_err(|error| Error::in_folder("sync", &part.place.folder, &error))?;
            if let Err(error) = control::replace(&part.place, &record) {
                tracing::warn!(%error, name = ?part.place.name, "the control record could not be written; the last one stays");
            }
            Ok(())
        }))
    }
}
