//! What the programs that add jobs add.

use longhaul_protocol::{FileId, JobId};
use longhaul_server::queue::{JobSource, NewJob, Owner};

const FILE: FileId = FileId::new(70000).expect("small");

/// A job as a click makes it.
#[must_use]
pub fn job() -> NewJob {
    NewJob {
        id: JobId::random(),
        owner: Owner("local".into()),
        source: JobSource::File { file_id: FILE },
        file_name: "film.mkv".into(),
        priority: 5,
        max_attempts: 3,
        idempotency: None,
    }
}
