//! What the writer's thread is asked, and told by the threads beside it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use crate::{Error, Tx};

/// The writer is told again after so long where its line is full.
const AGAIN: Duration = Duration::from_millis(5);

/// What a transaction leaves to be told its outcome; runs what the caller wants done in order.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// A transaction; given an error instead of tables, it tells its caller so.
pub(crate) type Run = Box<dyn FnOnce(Result<&mut Tx<'_>, Error>) -> Option<Answer> + Send>;

pub(crate) enum Request {
    Change {
        run: Run,
        relaxed: bool,
    },
    /// The database was found not to be what was stored.
    Damaged(String),
    /// So was the journal.
    JournalDamaged,
    /// The database is what was stored.
    Proven,
    /// There is something to be done beside the groups.
    Settle,
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The way by which threads beside the writer tell it what they found; it keeps nobody from closing.
#[derive(Debug, Clone)]
pub(crate) struct Tell(mpsc::WeakSender<Request>);

impl Tell {
    pub(crate) fn to(requests: &mpsc::Sender<Request>) -> Self {
        Self(requests.downgrade())
    }

    /// Tells the writer, once it has room, unless `stop` comes first.
    pub(crate) fn tell(&self, mut news: Request, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let Some(sender) = self.0.upgrade() else {
                return;
            };
            match sender.try_send(news) {
                Err(mpsc::error::TrySendError::Full(back)) => news = back,
                _ => return,
            }
            drop(sender);
            std::thread::sleep(AGAIN);
        }
    }
}
