//! A new database in the place of one that cannot be used.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::{
    Error, Options,
    line::digest_of,
    open::{Found, META, Opened, anew, as_it_is, config, meta_value, open, sync_folder},
    replay::{self, Replay},
    request::Tell,
};

/// What was done to open a database that could not be opened as it was.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Where the damaged database lies now; none where there was none at all.
    pub moved_to: Option<PathBuf>,
    /// Entries that the new database holds.
    pub restored: u64,
    /// Lines of the journal that could not be used.
    pub damaged_lines: u64,
    /// Whether the journal proves that nothing older than its last line is missing.
    pub complete: bool,
    /// For the user: what happened, what was kept, what comes next.
    pub message: String,
}

/// Makes a database anew that was found damaged at work: `why`.
pub(crate) fn renew(
    dir: &Path,
    why: &str,
    options: &Options,
    tell: &Tell,
) -> Result<(Opened, Option<Recovery>), Error> {
    let checked =
        replay::read(&dir.join("journal.jsonl"), None).map_err(Error::io("reading the journal"))?;
    let is_whole = Replay::is_sound_to_its_end;
    if is_whole(&checked) {
        // Its digests count on the damaged content since the damage: its lines are what proves it.
        return recover(dir, why, None, options, tell, is_whole);
    }
    match as_it_is(&dir.join("sled"), options, true) {
        Found::Unusable(_, salvaged) => recover(dir, why, salvaged, options, tell, is_whole),
        Found::Failed(error) => Err(error),
        Found::Sound(db, ..) | Found::Behind(db, _) | Found::Blank(db) => {
            drop(db);
            open(dir, options, tell, true)
        }
        Found::Held => Err(Error::Locked {
            dir: dir.to_path_buf(),
        }),
    }
}

/// Makes a new database of what the journal holds, laid over what was `salvaged`; what was there is moved
/// aside.
pub(crate) fn recover(
    dir: &Path,
    why: &str,
    salvaged: Option<BTreeMap<Vec<u8>, Vec<u8>>>,
    options: &Options,
    tell: &Tell,
    is_whole: impl Fn(&Replay) -> bool,
) -> Result<(Opened, Option<Recovery>), Error> {
    let (journal, folder) = (&dir.join("journal.jsonl"), &dir.join("sled"));
    let mut replay =
        replay::read(journal, Some(BTreeMap::new())).map_err(Error::io("reading the journal"))?;
    let complete = is_whole(&replay);
    if !complete && let Some(salvaged) = salvaged {
        // Neither is whole: together they miss the least. The journal wins where both have a key.
        replay = replay::read(journal, Some(salvaged)).map_err(Error::io("reading the journal"))?;
    }
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
    let moved_to = if folder.exists() {
        let aside = dir.join(format!("sled.damaged-{stamp}"));
        fs::rename(folder, &aside).map_err(Error::io("moving the damaged database aside"))?;
        Some(aside)
    } else {
        None
    };
    if !complete && replay.any {
        // Kept for whoever wants to look: what could not be read is only here.
        let aside = dir.join(format!("journal.damaged-{stamp}.jsonl"));
        fs::copy(journal, aside).map_err(Error::io("keeping the damaged journal"))?;
    }
    let restored = replay.entries.len() as u64;
    // Commits that the lost database may have had beyond the journal must not be numbered again.
    let db = fresh(folder, &replay.entries, replay.seq + 1, options)?;
    let kept = if complete {
        format!("All {restored} entries of its journal were restored")
    } else {
        format!(
            "{restored} entries could be restored; {} parts of its journal were damaged as well",
            replay.damaged
        )
    };
    let place = moved_to.as_ref().map_or_else(String::new, |path| {
        format!(" It was moved to {}.", path.display())
    });
    let missing = match complete {
        true => "nothing that was confirmed is missing",
        false => "what was only in the damaged parts is missing",
    };
    let recovery = Recovery {
        moved_to,
        restored,
        damaged_lines: replay.damaged,
        complete,
        message: format!(
            "The database in {} could not be used as it was: {why}.{place} {kept}, and work goes on with them; {missing}.",
            dir.display()
        ),
    };
    tracing::error!(message = recovery.message, "a database was recovered");
    Ok((anew(journal, db, options, tell)?, Some(recovery)))
}

/// A new database with this content.
pub(crate) fn fresh(
    folder: &Path,
    entries: &BTreeMap<Vec<u8>, Vec<u8>>,
    seq: u64,
    options: &Options,
) -> Result<sled::Db, Error> {
    let db = config(folder, options.cache_bytes).open()?;
    let mut digest = 0_u64;
    for (key, value) in entries {
        digest = digest.wrapping_add(digest_of(key, value));
        db.insert(key.as_slice(), value.as_slice())?;
    }
    // Without this key the content above does not count: a crash before it starts over.
    db.insert(META, meta_value(seq, digest).as_slice())?;
    db.flush()?;
    sync_folder(folder.parent());
    Ok(db)
}
