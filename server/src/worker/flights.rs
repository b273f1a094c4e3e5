//! Single flight: jobs for one source that looks the same are produced once. The first leads, the
//! others follow without a worker; what landed is given to later ones as long as it lives.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use longhaul_protocol::{JobFault, JobId, Stage};
use tokio::sync::{Notify, watch};

use crate::{
    artifact::Gauge,
    queue::{Artifact, Progress, UploadState},
};

/// Jobs that follow one flight at most; one more is produced by itself.
const SEATS: usize = 4096;
/// Landed flights that are remembered; the oldest are forgotten first.
const LANDED: usize = 4096;

/// What makes two jobs' bytes the same: a digest of the source and of what it looks like.
pub(super) type Share = String;

/// All flights of this process.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    board: Mutex<Board>,
}

#[derive(Debug, Default)]
struct Board {
    air: HashMap<Share, Arc<Flight>>,
    /// The job that offers what landed.
    landed: HashMap<Share, JobId>,
    order: VecDeque<Share>,
}

/// One production, for all who wait for it.
#[derive(Debug)]
struct Flight {
    /// Whose attempt it is.
    job: JobId,
    gauge: Arc<Gauge>,
    progress: watch::Sender<Progress>,
    end: watch::Sender<Option<Landing>>,
    seats: AtomicUsize,
    left: Notify,
    /// The leader's own job is over, and the flight goes on for those who follow.
    detached: AtomicBool,
    /// A follower that completed with the artifact.
    heir: Mutex<Option<JobId>>,
}

/// How a flight ended.
#[derive(Debug, Clone)]
pub(super) enum Landing {
    /// With an artifact for everybody.
    Stored(Artifact),
    /// With a fault that any other attempt would have met.
    Failed(JobFault),
    /// Without either: whoever still wants the bytes begins anew.
    Over,
}

/// Who a job is in its flight.
pub(super) enum Joined {
    Leads(Lead),
    Follows(Seat),
}

/// The leader's hold: dropping it ends the flight.
#[derive(Debug)]
pub(super) struct Lead {
    flights: Arc<Flights>,
    /// None where nobody else may join.
    share: Option<Share>,
    flight: Arc<Flight>,
}

/// A follower's hold.
#[derive(Debug)]
pub(super) struct Seat {
    flight: Arc<Flight>,
}

impl Flights {
    /// Joins the flight for `share`, or begins it.
    pub(super) fn join(self: &Arc<Self>, share: Share, job: JobId) -> Joined {
        let mut board = self.board();
        let flight = match board.air.get(&share) {
            Some(flight) if flight.seats.load(Ordering::SeqCst) < SEATS => {
                flight.seats.fetch_add(1, Ordering::SeqCst);
                return Joined::Follows(Seat {
                    flight: Arc::clone(flight),
                });
            }
            Some(_) => None,
            None => Some(Arc::new(Flight::new(job))),
        };
        if let Some(flight) = &flight {
            board.air.insert(share.clone(), Arc::clone(flight));
        }
        Joined::Leads(Lead {
            flights: Arc::clone(self),
            share: flight.is_some().then_some(share),
            flight: flight.unwrap_or_else(|| Arc::new(Flight::new(job))),
        })
    }

    /// The job that offers what an earlier flight for `share` landed, as far as is remembered.
    pub(super) fn landed(&self, share: &Share) -> Option<JobId> {
        self.board().landed.get(share).copied()
    }

    /// Whether a flight is under way that this job began.
    pub(crate) fn leads(&self, job: JobId) -> bool {
        self.board().air.values().any(|flight| flight.job == job)
    }

    /// Whether a flight still writes to this upload, whoever's job began it.
    pub(crate) fn owns(&self, upload: &UploadState) -> bool {
        let board = self.board();
        board
            .air
            .values()
            .any(|flight| flight.gauge.upload().is_some_and(|its| its.is(upload)))
    }

    fn land(&self, share: Share, job: JobId) {
        let mut board = self.board();
        if board.landed.insert(share.clone(), job).is_none() {
            board.order.push_back(share);
        }
        while board.order.len() > LANDED {
            if let Some(oldest) = board.order.pop_front() {
                board.landed.remove(&oldest);
            }
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn new(job: JobId) -> Self {
        Self {
            job,
            gauge: Arc::default(),
            progress: watch::Sender::new(Progress {
                stage: Stage::Producing,
                bytes_done: 0,
                bytes_total: None,
                percent: 0,
                work: 0,
            }),
            end: watch::Sender::new(None),
            seats: AtomicUsize::new(0),
            left: Notify::new(),
            detached: AtomicBool::new(false),
            heir: Mutex::new(None),
        }
    }
}

impl Lead {
    /// How far the flight is.
    pub(super) fn gauge(&self) -> &Arc<Gauge> {
        &self.flight.gauge
    }

    /// Tells those who follow.
    pub(super) fn tell(&self, progress: Progress) {
        self.flight.progress.send_replace(progress);
    }

    pub(super) fn is_followed(&self) -> bool {
        self.flight.seats.load(Ordering::SeqCst) > 0
    }

    /// The leader's own job is over; those who follow look after the upload from now on.
    pub(super) fn detach(&self) {
        self.flight.detached.store(true, Ordering::SeqCst);
    }

    /// Ends the flight. What was stored by `job` is remembered for later jobs, where `lasting`.
    pub(super) fn end(&self, landing: Landing, job: Option<JobId>, lasting: bool) {
        if let Some(job) = job {
            self.remember(job, lasting);
        }
        self.close();
        self.flight.end.send_replace(Some(landing));
    }

    /// Later jobs for the same source are given what this job offers, where that is `lasting`.
    pub(super) fn remember(&self, job: JobId, lasting: bool) {
        if let (Some(share), true) = (&self.share, lasting) {
            self.flights.land(share.clone(), job);
        }
    }

    /// Waits until nobody follows any more; answers a job that took the artifact over.
    pub(super) async fn heir(&self) -> Option<JobId> {
        loop {
            let left = self.flight.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if !self.is_followed() {
                return *self.flight.heir();
            }
            left.await;
        }
    }

    /// Nobody joins any more.
    fn close(&self) {
        if let Some(share) = &self.share {
            let mut board = self.flights.board();
            if board
                .air
                .get(share)
                .is_some_and(|flight| Arc::ptr_eq(flight, &self.flight))
            {
                board.air.remove(share);
            }
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.close();
        self.flight.end.send_if_modified(|end| {
            let open = end.is_none();
            if open {
                *end = Some(Landing::Over);
            }
            open
        });
    }
}

impl Flight {
    fn heir(&self) -> MutexGuard<'_, Option<JobId>> {
        self.heir.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    pub(super) fn progress(&self) -> Progress {
        *self.flight.progress.borrow()
    }

    /// The flight's upload, once nobody else has it written down.
    pub(super) fn upload(&self) -> Option<UploadState> {
        if self.flight.detached.load(Ordering::SeqCst) {
            self.flight.gauge.upload()
        } else {
            None
        }
    }

    /// Resolves when the flight has ended.
    pub(super) async fn landing(&self) -> Landing {
        let mut end = self.flight.end.subscribe();
        match end.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(landing)) => landing.clone(),
            _ => Landing::Over,
        }
    }

    /// This job offers the flight's artifact now.
    pub(super) fn inherit(&self, job: JobId) {
        *self.flight.heir() = Some(job);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.flight.seats.fetch_sub(1, Ordering::SeqCst);
        self.flight.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(flights: &Arc<Flights>) -> Lead {
        match flights.join("share".into(), JobId::random()) {
            Joined::Leads(lead) => lead,
            Joined::Follows(_) => panic!("somebody leads already"),
        }
    }

    fn follow(flights: &Arc<Flights>) -> Seat {
        match flights.join("share".into(), JobId::random()) {
            Joined::Follows(seat) => seat,
            Joined::Leads(_) => panic!("nobody leads"),
        }
    }

    #[tokio::test]
    async fn the_second_follows_the_first_and_learns_how_it_ended() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights);
        let second = follow(&flights);
        assert!(first.is_followed());
        let fault = JobFault {
            code: longhaul_protocol::FaultCode::SourceFailed,
            message: "no".into(),
            retryable: true,
        };
        first.end(Landing::Failed(fault), None, false);
        assert!(matches!(second.landing().await, Landing::Failed(_)));
        let _next = lead(&flights);
    }

    #[tokio::test]
    async fn a_leader_that_dies_leaves_its_followers_free() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights);
        let second = follow(&flights);
        drop(first);
        assert!(matches!(second.landing().await, Landing::Over));
        let _next = lead(&flights);
    }

    #[tokio::test]
    async fn a_flight_knows_when_its_last_follower_has_left_and_who_inherited() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights);
        let second = follow(&flights);
        let third = follow(&flights);
        let job = JobId::random();
        let ended = tokio::spawn(async move { first.heir().await });
        drop(third);
        second.inherit(job);
        drop(second);
        assert_eq!(ended.await.expect("joined"), Some(job));
    }

    #[test]
    fn a_full_flight_takes_nobody_more_and_the_oldest_landing_is_forgotten() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights);
        let seats: Vec<_> = (0..SEATS).map(|_| follow(&flights)).collect();
        let alone = lead(&flights);
        drop(alone);
        assert_eq!(seats.len(), SEATS);
        drop(seats);
        let _again = follow(&flights);
        drop(first);
        for n in 0..=LANDED {
            flights.land(n.to_string(), JobId::random());
        }
        assert!(flights.landed(&"0".to_owned()).is_none());
        assert!(flights.landed(&LANDED.to_string()).is_some());
    }
}
