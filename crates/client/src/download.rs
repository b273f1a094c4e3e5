//! The life of one download, pure: its states, what can happen to it, and what may be done with it.
//!
//! Nobody else moves a state on. Drivers hand an [`Event`] to [`apply`], which either gives the
//! record after it or says that this cannot happen now; [`can`] is the one table of what a user
//! may do, and agrees with [`apply`] by test.

use std::path::PathBuf;

use jiff::Timestamp;
use longhaul_protocol::{Crc64Nvme, DownloadId, JobId, Sha256};
use serde::{Deserialize, Serialize};

use crate::servers::ServerId;
use crate::view::{
    Action, DownloadFault, DownloadSource, DownloadState, Fix, MadeView, Moment, MomentKind,
    PulledView,
};

/// Where a download stands, with what only that state knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum State {
    /// The server must be asked. A record that has a job already asks to run that one again.
    Queued,
    /// The server has the job; the poller watches it.
    Preparing,
    /// The artifact is stored; it waits for its turn to be pulled.
    Ready,
    /// Bytes come from S3.
    Downloading,
    /// All bytes are here; the last checks run.
    Verifying,
    /// Complete, verified, under its final name.
    Completed {
        /// The file.
        path: PathBuf,
        /// Its digest, where the engine computed it or the server's was proven.
        sha256: Option<Sha256>,
        /// Its digest.
        crc64nvme: Crc64Nvme,
        /// Whether it was held against digests that were known beforehand.
        #[serde(default = "proven")]
        proven: bool,
    },
    /// Stopped by the user.
    Paused,
    /// Ended with an error.
    Failed {
        /// Why.
        fault: DownloadFault,
        /// Whether the job itself failed, so that trying again means running it again.
        job_failed: bool,
    },
    /// Given up by the user.
    Cancelled,
}

/// Before there were direct downloads, all were.
const fn proven() -> bool {
    true
}

impl State {
    /// The state's name, as front ends see it.
    pub(crate) const fn shown(&self) -> DownloadState {
        match self {
            Self::Queued | Self::Ready => DownloadState::Queued,
            Self::Preparing => DownloadState::Preparing,
            Self::Downloading => DownloadState::Downloading,
            Self::Verifying => DownloadState::Verifying,
            Self::Completed { .. } => DownloadState::Completed,
            Self::Paused => DownloadState::Paused,
            Self::Failed { .. } => DownloadState::Failed,
            Self::Cancelled => DownloadState::Cancelled,
        }
    }

    /// Whether nothing more happens unless the user says so, pauses not counted.
    pub(crate) const fn has_ended(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled
        )
    }

    /// Whether it goes on by itself.
    pub(crate) const fn is_running(&self) -> bool {
        !self.has_ended() && !matches!(self, Self::Paused)
    }
}

/// One row of the list as it is kept on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// The row's id and the click's idempotency key.
    pub id: DownloadId,
    /// Its place in the list: grows with each addition.
    pub order: u64,
    /// What it is of.
    pub source: DownloadSource,
    /// The name to show, once there is one.
    pub name: Option<String>,
    /// The folder it goes into.
    pub folder: PathBuf,
    /// The folder for it where the settings have no rule for its name; none where the user named
    /// the folder.
    #[serde(default)]
    pub unsorted: Option<PathBuf>,
    /// What the user says its digest must be.
    pub wanted_sha256: Option<Sha256>,
    /// The job on the server.
    pub job: Option<JobId>,
    /// Whose job it is.
    #[serde(default)]
    pub server: ServerId,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// Bytes, once known.
    pub size: Option<u64>,
    /// How far the server was when this was written.
    pub made: Option<MadeView>,
    /// How far the pull was when this was written.
    pub pulled: Option<PulledView>,
    /// What happened when, oldest first.
    pub moments: Vec<Moment>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Grows with each change.
    pub revision: u64,
    /// How often the job was begun anew without the user's doing, since the last click.
    #[serde(default)]
    pub renewals: u32,
    /// Bytes per second at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// The user gave the job up and changed their mind: it may still end as cancelled once.
    #[serde(default)]
    pub expects_cancelled: bool,
    /// The user was asked, and wants it under a numbered name beside the file that has its own.
    #[serde(default)]
    pub keeps_both: bool,
}

impl Record {
    /// A new row, as the click makes it.
    pub(crate) fn new(
        id: DownloadId,
        order: u64,
        source: DownloadSource,
        folder: PathBuf,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            order,
            name: None,
            folder,
            unsorted: None,
            wanted_sha256: None,
            job: None,
            limit: None,
            server: ServerId::FIRST,
            state: match source.is_direct() {
                true => State::Ready,
                false => State::Queued,
            },
            size: None,
            made: None,
            pulled: None,
            moments: vec![Moment {
                kind: MomentKind::Clicked,
                at: now,
            }],
            added_at: now,
            ended_at: None,
            revision: 1,
            renewals: 0,
            expects_cancelled: false,
            keeps_both: false,
            source,
        }
    }

    fn reached(&mut self, kind: MomentKind, now: Timestamp) {
        if self.moments.iter().all(|moment| moment.kind != kind) {
            self.moments.push(Moment { kind, at: now });
        }
    }
}

/// Something that happens to a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server answered 202, or runs the known job again.
    Accepted(JobId),
    /// A worker began.
    Started,
    /// The artifact is stored.
    Stored {
        /// Its bytes.
        size: u64,
    },
    /// It is its turn to be pulled.
    Turn,
    /// The first byte came.
    FirstByte,
    /// All bytes are here.
    AllBytes,
    /// A check failed and bytes are fetched again.
    MoreBytes,
    /// Complete and verified.
    Finished {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        size: u64,
        /// Its digest, where known and proven.
        sha256: Option<Sha256>,
        /// Its digest.
        crc64nvme: Crc64Nvme,
        /// Whether it was held against digests that were known beforehand.
        proven: bool,
    },
    /// The pull stopped over something that may pass: it waits for another turn.
    Yielded,
    /// The server must be asked again: it forgot the job (then there is none), or the job must be
    /// run again.
    Renew {
        /// Whether the job is known no more.
        forgotten: bool,
    },
    /// It cannot go on.
    Failed {
        /// Why.
        fault: DownloadFault,
        /// Whether the server's job failed, and not this machine's part.
        job_failed: bool,
    },
    /// What ran is not known any more, because the program was started again or the server could
    /// not be reached for a link: the job is asked for again.
    Recheck,
    /// The user stops it for now.
    Pause,
    /// The user lets it go on.
    Resume,
    /// The user gives it up.
    Cancel,
    /// The user tries again.
    Retry,
}

/// The event cannot happen in this state; the record is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a download that is {state:?} cannot take this step")]
pub(crate) struct Impossible {
    /// The state it was in.
    pub state: DownloadState,
}

/// The record after `event`.
#[allow(
    clippy::needless_pass_by_value,
    reason = "an event happens once: who hands it over has no more use for it"
)]
pub(crate) fn apply(record: &mut Record, event: Event, now: Timestamp) -> Result<(), Impossible> {
    use State as S;
    let direct = record.source.is_direct();
    let next = match (&record.state, &event) {
        (S::Queued, Event::Accepted(_)) => S::Preparing,
        (S::Preparing, Event::Started) => S::Preparing,
        (S::Preparing, Event::Stored { .. }) => S::Ready,
        (S::Ready, Event::Turn) => S::Downloading,
        (S::Downloading, Event::FirstByte) => S::Downloading,
        (S::Downloading, Event::AllBytes) => S::Verifying,
        (S::Verifying, Event::MoreBytes) => S::Downloading,
        (S::Downloading | S::Verifying, Event::Yielded) => S::Ready,
        // Also from a pause, or a pause and a resume, that came a moment too late: the file is
        // there, and the row says so.
        (
            open,
            Event::Finished {
                path,
                sha256,
                crc64nvme,
                proven,
                ..
            },
        ) if !open.has_ended() => S::Completed {
            path: path.clone(),
            sha256: *sha256,
            crc64nvme: *crc64nvme,
            proven: *proven,
        },
        (S::Preparing | S::Ready | S::Downloading | S::Verifying, Event::Renew { .. })
            if !direct =>
        {
            S::Queued
        }
        (running, Event::Failed { fault, job_failed }) if running.is_running() => S::Failed {
            fault: fault.clone(),
            job_failed: *job_failed,
        },
        (S::Ready | S::Downloading | S::Verifying, Event::Recheck) if direct => S::Ready,
        (S::Ready | S::Downloading | S::Verifying, Event::Recheck) => S::Preparing,
        (same, Event::Recheck) => same.clone(),
        (running, Event::Pause) if running.is_running() => S::Paused,
        (S::Paused, Event::Resume) if direct => S::Ready,
        (S::Failed { .. } | S::Cancelled, Event::Retry) if direct => S::Ready,
        (S::Paused, Event::Resume) => asked_again(record.job, false),
        (open, Event::Cancel) if !open.has_ended() => S::Cancelled,
        (S::Failed { job_failed, .. }, Event::Retry) => asked_again(record.job, *job_failed),
        (S::Cancelled, Event::Retry) => S::Queued,
        (state, _) => {
            return Err(Impossible {
                state: state.shown(),
            });
        }
    };
    note(record, &event, now);
    record.ended_at = next.has_ended().then(|| record.ended_at.unwrap_or(now));
    record.state = next;
    record.revision += 1;
    Ok(())
}

/// A known job is looked at again; one that failed, or none at all, is asked for.
const fn asked_again(job: Option<JobId>, run_again: bool) -> State {
    if job.is_some() && !run_again {
        State::Preparing
    } else {
        State::Queued
    }
}

/// What an event leaves in the record besides the state.
fn note(record: &mut Record, event: &Event, now: Timestamp) {
    match event {
        Event::Accepted(job) => {
            record.job = Some(*job);
            record.reached(MomentKind::Accepted, now);
        }
        Event::Started => record.reached(MomentKind::Started, now),
        Event::Stored { size } => {
            record.size = Some(*size);
            record.reached(MomentKind::Started, now);
            record.reached(MomentKind::Stored, now);
        }
        Event::FirstByte => record.reached(MomentKind::Pulling, now),
        Event::AllBytes => {
            record.reached(MomentKind::Pulling, now);
            record.reached(MomentKind::Pulled, now);
        }
        Event::Finished { size, .. } => {
            record.size = Some(*size);
            record.reached(MomentKind::Pulling, now);
            record.reached(MomentKind::Pulled, now);
            record.reached(MomentKind::Finished, now);
        }
        Event::Renew { forgotten } => {
            if *forgotten {
                record.job = None;
            }
            record.renewals += 1;
            record.made = None;
        }
        Event::Retry => {
            record.expects_cancelled = record.state == State::Cancelled && record.job.is_some();
            record.renewals = 0;
            record.made = None;
            record.ended_at = None;
            record
                .moments
                .retain(|moment| moment.kind == MomentKind::Clicked);
        }
        Event::Resume => record.renewals = 0,
        Event::Cancel => record.pulled = None,
        Event::MoreBytes => record
            .moments
            .retain(|moment| moment.kind != MomentKind::Pulled),
        Event::Turn | Event::Yielded | Event::Failed { .. } | Event::Recheck | Event::Pause => {}
    }
}

/// What a user may do now: the one table, for buttons, menus and the terminal alike.
pub(crate) fn can(state: &State) -> Vec<Action> {
    match state {
        State::Queued | State::Preparing | State::Ready | State::Downloading | State::Verifying => {
            vec![Action::Pause, Action::Cancel, Action::Remove]
        }
        State::Paused => vec![Action::Resume, Action::Cancel, Action::Remove],
        State::Completed { .. } => vec![Action::Open, Action::ShowInFolder, Action::Remove],
        State::Failed { fault, .. } if fault.fix == Fix::ChooseName => {
            vec![Action::KeepBoth, Action::Replace, Action::Remove]
        }
        State::Failed { .. } | State::Cancelled => vec![Action::Retry, Action::Remove],
    }
}

#[cfg(test)]
mod tests {
    use longhaul_protocol::FileId;
    use proptest::prelude::*;

    use super::*;

    fn record() -> Record {
        Record::new(
            DownloadId::random(),
            1,
            DownloadSource::File {
                file_id: FileId::new(7).expect("small"),
            },
            PathBuf::from("/downloads"),
            Timestamp::UNIX_EPOCH,
        )
    }

    fn direct_record() -> Record {
        let source = DownloadSource::Direct {
            url: "https://example.org/a".into(),
        };
        Record::new(
            DownloadId::random(),
            1,
            source,
            PathBuf::from("/downloads"),
            Timestamp::UNIX_EPOCH,
        )
    }

    fn fault() -> DownloadFault {
        DownloadFault {
            code: "source_missing".into(),
            message: "The file is gone.".into(),
            kept: 0,
            fix: Fix::Retry,
        }
    }

    fn finished() -> Event {
        Event::Finished {
            path: PathBuf::from("/downloads/a"),
            size: 3,
            sha256: None,
            crc64nvme: Crc64Nvme(1),
            proven: true,
        }
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Accepted(JobId::random()),
            Event::Started,
            Event::Stored { size: 3 },
            Event::Turn,
            Event::FirstByte,
            Event::AllBytes,
            Event::MoreBytes,
            finished(),
            Event::Yielded,
            Event::Renew { forgotten: true },
            Event::Renew { forgotten: false },
            Event::Failed {
                fault: fault(),
                job_failed: true,
            },
            Event::Failed {
                fault: fault(),
                job_failed: false,
            },
            Event::Recheck,
            Event::Pause,
            Event::Resume,
            Event::Cancel,
            Event::Retry,
        ]
    }

    fn event_of(action: Action) -> Option<Event> {
        match action {
            Action::Pause => Some(Event::Pause),
            Action::Resume => Some(Event::Resume),
            Action::Cancel => Some(Event::Cancel),
            Action::Retry => Some(Event::Retry),
            Action::KeepBoth
            | Action::Replace
            | Action::Remove
            | Action::Open
            | Action::ShowInFolder => None,
        }
    }

    fn walk(steps: &[Event]) -> Record {
        let mut record = record();
        for (index, step) in steps.iter().enumerate() {
            apply(&mut record, step.clone(), Timestamp::UNIX_EPOCH)
                .unwrap_or_else(|error| panic!("step {index} {step:?}: {error}"));
        }
        record
    }

    #[test]
    fn the_straight_way_reaches_completed_and_each_moment_once() {
        let record = walk(&[
            Event::Accepted(JobId::random()),
            Event::Started,
            Event::Stored { size: 3 },
            Event::Turn,
            Event::FirstByte,
            Event::AllBytes,
            finished(),
        ]);
        assert_eq!(record.state.shown(), DownloadState::Completed);
        assert_eq!(record.size, Some(3));
        let kinds: Vec<_> = record.moments.iter().map(|moment| moment.kind).collect();
        assert_eq!(
            kinds,
            [
                MomentKind::Clicked,
                MomentKind::Accepted,
                MomentKind::Started,
                MomentKind::Stored,
                MomentKind::Pulling,
                MomentKind::Pulled,
                MomentKind::Finished
            ]
        );
        assert_eq!(record.revision, 8);
    }

    #[test]
    fn a_forgotten_job_is_asked_for_again_without_a_job() {
        let record = walk(&[
            Event::Accepted(JobId::random()),
            Event::Renew { forgotten: true },
        ]);
        assert_eq!(record.state, State::Queued);
        assert_eq!(record.job, None);
        assert_eq!(record.renewals, 1);
    }

    #[test]
    fn a_retry_runs_a_failed_job_again_and_keeps_a_good_one() {
        let job = JobId::random();
        let failed = |job_failed| Event::Failed {
            fault: fault(),
            job_failed,
        };
        let again = walk(&[Event::Accepted(job), failed(true), Event::Retry]);
        assert_eq!((again.state, again.job), (State::Queued, Some(job)));
        let kept = walk(&[Event::Accepted(job), failed(false), Event::Retry]);
        assert_eq!((kept.state, kept.job), (State::Preparing, Some(job)));
    }

    #[test]
    fn a_pause_that_came_too_late_shows_the_finished_file() {
        let record = walk(&[
            Event::Accepted(JobId::random()),
            Event::Stored { size: 3 },
            Event::Turn,
            Event::Pause,
            finished(),
        ]);
        assert_eq!(record.state.shown(), DownloadState::Completed);
    }

    #[test]
    fn a_restart_lets_everything_unfinished_go_on_and_leaves_pauses_alone() {
        let mut seen = 0;
        for steps in [
            vec![],
            vec![Event::Accepted(JobId::random())],
            vec![Event::Accepted(JobId::random()), Event::Stored { size: 3 }],
            vec![
                Event::Accepted(JobId::random()),
                Event::Stored { size: 3 },
                Event::Turn,
            ],
        ] {
            let mut record = walk(&steps);
            apply(&mut record, Event::Recheck, Timestamp::UNIX_EPOCH).expect("always possible");
            assert!(matches!(record.state, State::Queued | State::Preparing));
            seen += 1;
        }
        assert_eq!(seen, 4);
        let mut paused = walk(&[Event::Pause]);
        apply(&mut paused, Event::Recheck, Timestamp::UNIX_EPOCH).expect("always possible");
        assert_eq!(paused.state, State::Paused);
    }

    proptest! {
        #[test]
        fn no_sequence_reaches_what_cannot_be(direct: bool, choices in prop::collection::vec(0usize..18, 0..60)) {
            let events = events();
            let mut record = match direct {
                true => direct_record(),
                false => record(),
            };
            for choice in choices {
                let event = events[choice].clone();
                let before = record.clone();
                let outcome = apply(&mut record, event.clone(), Timestamp::UNIX_EPOCH);
                if outcome.is_err() {
                    prop_assert_eq!(&record, &before);
                    continue;
                }
                prop_assert!(record.revision > before.revision);
                // What has ended is left by a retry alone.
                if before.state.has_ended() && record.state != before.state {
                    prop_assert_eq!(&event, &Event::Retry);
                    let completed = matches!(before.state, State::Completed { .. });
                    prop_assert!(!completed);
                }
                prop_assert_eq!(record.ended_at.is_some(), record.state.has_ended());
                // Whoever is past the queue has a job, and a direct one never has.
                if direct {
                    prop_assert!(record.job.is_none());
                    prop_assert!(!matches!(record.state, State::Queued | State::Preparing));
                } else if matches!(
                    record.state,
                    State::Preparing | State::Ready | State::Downloading | State::Verifying
                ) {
                    prop_assert!(record.job.is_some());
                }
                // The table of actions and the machine agree, both ways.
                let allowed = can(&record.state);
                for action in [Action::Pause, Action::Resume, Action::Cancel, Action::Retry] {
                    let event = event_of(action).expect("these four are events");
                    let possible = apply(&mut record.clone(), event, Timestamp::UNIX_EPOCH).is_ok();
                    prop_assert_eq!(allowed.contains(&action), possible, "{:?} in {:?}", action, record.state);
                }
                let text = serde_json::to_string(&record).expect("records serialise");
                prop_assert_eq!(serde_json::from_str::<Record>(&text).expect("and read back"), record.clone());
            }
        }
    }
}
