//! A program and all that it started: ended together.

use std::time::Duration;

use tokio::{process::Child, time::Instant};

/// Between the request to end and the end.
const GRACE: Duration = Duration::from_secs(5);
/// A killed process is gone within this; what stays is dead, and nobody has asked how it ended.
#[cfg(unix)]
const LAST: Duration = Duration::from_secs(1);
#[cfg(unix)]
const LOOK: Duration = Duration::from_millis(20);

/// A process group. Dropping it kills what is left of it.
#[derive(Debug)]
pub(super) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    /// The group of a child that was started as the leader of one.
    pub(super) fn led_by(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(rustix::process::Pid::from_raw),
        }
    }

    /// Asks all of them to end, and after a while does not ask any more.
    pub(super) async fn end(&self, child: &mut Child) {
        self.signal(rustix::process::Signal::TERM);
        let deadline = Instant::now() + GRACE;
        let _ = tokio::time::timeout_at(deadline, child.wait()).await;
        self.gone_by(deadline).await;
        self.kill();
        let _ = child.wait().await;
        self.gone_by(Instant::now() + LAST).await;
    }

    async fn gone_by(&self, deadline: Instant) {
        while self.lives() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn lives(&self) -> bool {
        self.leader
            .is_some_and(|leader| rustix::process::test_kill_process_group(leader).is_ok())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(leader) = self.leader {
            // None of them there any more is what is wanted.
            let _ = rustix::process::kill_process_group(leader, signal);
        }
    }
}

/// Elsewhere there are no process groups: the program alone is ended.
#[cfg(not(unix))]
impl Group {
    pub(super) fn led_by(_: &Child) -> Self {
        Self {}
    }

    pub(super) async fn end(&self, child: &mut Child) {
        let _ = child.start_kill();
        let _ = tokio::time::timeout_at(Instant::now() + GRACE, child.wait()).await;
    }

    pub(super) fn kill(&self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
