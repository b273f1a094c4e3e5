//! A page of an owner's jobs, found in the index alone.

use longhaul_durable::Scan;

use crate::queue::{
    QueueError,
    tables::{OWNED, Rows},
};

/// The end of a row's key in a listing: acceptance and id.
pub(super) const CURSOR_BYTES: usize = 24;

/// Rows of a listing looked at for one page.
const MOST_LOOKED_AT: usize = 20_000;
/// Rows read at once where only some are wanted.
const PAGE: usize = 512;

/// The keys of at most `limit` rows of a listing that have the status `wanted`, and where the next
/// page begins. A page of a rare status may be short, and even empty, with others after it.
pub(super) fn listed(
    rows: &dyn Rows,
    mut scan: Scan,
    wanted: Option<u8>,
    limit: usize,
) -> Result<(Vec<Vec<u8>>, Option<String>), QueueError> {
    let cursor = |key: &[u8]| {
        let (_, end) = key.split_last_chunk::<CURSOR_BYTES>()?;
        Some(hex::encode(end))
    };
    let at_once = if wanted.is_some() { PAGE } else { limit + 1 };
    let (mut keys, mut last, mut looked) = (Vec::new(), Vec::new(), 0);
    loop {
        let page = rows.scan(OWNED, &scan.clone().limit(at_once))?;
        let more = page.len() == at_once;
        for (key, status) in page {
            if wanted.is_none_or(|wanted| status.first() == Some(&wanted)) {
                if keys.len() == limit {
                    return Ok((keys, cursor(&last)));
                }
                keys.push(key.clone());
            }
            last = key;
        }
        looked += at_once;
        if !more {
            return Ok((keys, None));
        }
        if looked >= MOST_LOOKED_AT {
            return Ok((keys, cursor(&last)));
        }
        scan = scan.after(&last);
    }
}
