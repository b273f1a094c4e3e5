//! Bytes per second, as a bucket that may be overdrawn: a chunk that is already here is taken,
//! and the next one waits until the debt is paid.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// How much may come at once after a silence, in seconds' worth of the limit.
const BURST: Duration = Duration::from_millis(100);

const UNLIMITED: u64 = 0;

/// A limit that many connections share. Costs one atomic read while there is none.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Bytes per second.
    rate: AtomicU64,
    /// When all that was taken so far is paid for.
    paid_at: Mutex<Option<Instant>>,
    changed: Notify,
}

impl Limit {
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self {
            rate: AtomicU64::new(rate_of(rate)),
            paid_at: Mutex::new(None),
            changed: Notify::new(),
        }
    }

    /// Sets the rate; whoever waits under the old one goes on at once.
    pub(crate) fn set(&self, rate: Option<u64>) {
        self.rate.store(rate_of(rate), Ordering::Relaxed);
        *self.paid_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_waiters();
    }

    /// Takes `bytes`, and waits until they are paid for.
    pub(crate) async fn take(&self, bytes: u64) {
        if self.rate.load(Ordering::Relaxed) == UNLIMITED {
            return;
        }
        let changed = self.changed.notified();
        if let Some(until) = self.charge(bytes, Instant::now()) {
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = changed => {}
            }
        }
    }

    fn charge(&self, bytes: u64, now: Instant) -> Option<Instant> {
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == UNLIMITED {
            return None;
        }
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        let floor = now.checked_sub(BURST).unwrap_or(now);
        let from = paid_at.map_or(floor, |at| at.max(floor));
        // A day bounds the wait of an absurdly low rate, and keeps the sum within an instant's range.
        let cost = Duration::from_secs_f64((bytes as f64 / rate as f64).min(86_400.0));
        let until = from + cost;
        *paid_at = Some(until);
        (until > now).then_some(until)
    }
}

/// A limit of nothing would be a stop, which is another command: it counts as one byte.
fn rate_of(rate: Option<u64>) -> u64 {
    rate.map_or(UNLIMITED, |rate| rate.max(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_is_paid_in_time() {
        let limit = Limit::new(Some(1000));
        let begun = Instant::now();
        for _ in 0..10 {
            limit.take(500).await;
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(4899), "{took:?}");
        assert!(took <= Duration::from_millis(5010), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_share_a_limit_get_it_once() {
        let limit = Arc::new(Limit::new(Some(1000)));
        let begun = Instant::now();
        let take = async |limit: Arc<Limit>| {
            for _ in 0..5 {
                limit.take(500).await;
            }
        };
        tokio::join!(take(Arc::clone(&limit)), take(Arc::clone(&limit)));
        assert!(begun.elapsed() >= Duration::from_millis(4899));
    }

    #[tokio::test(start_paused = true)]
    async fn lifting_a_limit_frees_who_waits() {
        let limit = Arc::new(Limit::new(Some(1)));
        let begun = Instant::now();
        tokio::join!(limit.take(3600), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            limit.set(None);
        });
        assert_eq!(begun.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_costs_no_time() {
        let limit = Limit::new(None);
        let begun = Instant::now();
        limit.take(u64::MAX).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
