//! The wait for a request's head: one timer for a connection, however many requests it brings.
//!
//! hyper makes a timer for each head and drops it as the head comes. Each of them would go into the
//! runtime's wheel and out of it again, under a lock; here they share one, which is set anew only
//! when it rings before the time of the wait that is on.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

type Bell = Pin<Box<tokio::time::Sleep>>;

/// The timer of one connection, whose waits come one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeadTimer(Arc<Mutex<Option<Bell>>>);

/// One wait.
#[derive(Debug)]
struct Wait {
    timer: HeadTimer,
    until: Instant,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait {
            timer: self.clone(),
            until: deadline.into(),
        })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into()
    }
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut bell = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bell = bell.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.until)));
        if bell.deadline() > self.until {
            bell.as_mut().reset(self.until);
        }
        loop {
            ready!(bell.as_mut().poll(cx));
            if bell.deadline() >= self.until {
                return Poll::Ready(());
            }
            bell.as_mut().reset(self.until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(10);

    fn wait(timer: &HeadTimer, until: Instant) -> Pin<Box<dyn Sleep>> {
        timer.sleep_until(until.into())
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_end_though_they_share_a_timer() {
        let timer = HeadTimer::default();
        let begun = Instant::now();
        for n in 1..=20_u32 {
            let end = begun + WAIT * n;
            assert!(futures::poll!(wait(&timer, end)).is_pending());
            // A head comes, and the next wait begins.
            tokio::time::advance(Duration::from_secs(3)).await;
        }
        let end = begun + WAIT * 20;
        wait(&timer, end).await;
        assert_eq!(Instant::now(), end);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_ends_sooner_than_the_one_before_is_not_late() {
        let timer = HeadTimer::default();
        let begun = Instant::now();
        assert!(futures::poll!(wait(&timer, begun + WAIT)).is_pending());
        wait(&timer, begun + WAIT / 2).await;
        assert_eq!(Instant::now(), begun + WAIT / 2);
    }
}
