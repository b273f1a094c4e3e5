//! Work that a thread does beside the writer, which goes on meanwhile and is told when it is done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    thread::JoinHandle,
};

use crate::{
    Error,
    error::guarded,
    request::{Request, Tell},
};

/// One such work.
#[derive(Debug)]
pub(crate) struct Beside<T> {
    outcome: Receiver<Result<T, Error>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Beside<T> {
    /// Begins it. What it owns is let go of before its outcome is there; its flag tells it to stop.
    pub(crate) fn start(
        name: &str,
        tell: Tell,
        work: impl FnOnce(&AtomicBool) -> Result<T, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (sender, outcome) = sync_channel(1);
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let _ = sender.send(guarded(|| work(&stopped)));
                tell.tell(Request::Settle, &stopped);
            })
            .map_err(Error::io("starting a thread"))?;
        Ok(Self {
            outcome,
            stop,
            thread,
        })
    }

    /// What became of it, once; none while it goes on.
    pub(crate) fn outcome(&self) -> Option<Result<T, Error>> {
        match self.outcome.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(Error::Panicked)),
        }
    }

    /// The same, waited for.
    pub(crate) fn wait(&self) -> Result<T, Error> {
        self.outcome.recv().unwrap_or(Err(Error::Panicked))
    }

    /// Tells it to stop, and waits for its end.
    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic was told as its outcome.
        let _ = self.thread.join();
    }
}
