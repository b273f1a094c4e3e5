//! Bytes per second, as a bucket that may be overdrawn: a piece that is already here is taken,
//! and the next one waits until the debt is paid.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// How much may come at once after a silence, in seconds' worth of the limit.
const BURST: Duration = Duration::from_millis(100);

/// No single wait is much longer than this, however large the chunks of the network are.
const STEP: Duration = Duration::from_millis(50);

/// A chunk is not cut smaller than this for the sake of `STEP`.
const SMALLEST_STEP: u64 = 1 << 10;

const UNLIMITED: u64 = 0;

/// A limit that many connections share, changeable while they run; a cheap handle, to be cloned.
/// Costs one atomic read while there is none.
#[derive(Debug, Clone)]
pub struct Limit(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    /// Bytes per second.
    rate: AtomicU64,
    /// When all that was taken so far is paid for.
    paid_at: Mutex<Option<Instant>>,
    changed: Notify,
}

impl Default for Limit {
    /// No limit, until one is set.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Limit {
    /// A limit in bytes per second; none where absent.
    #[must_use]
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self(Arc::new(Bucket {
            rate: AtomicU64::new(rate_of(bytes_per_second)),
            paid_at: Mutex::new(None),
            changed: Notify::new(),
        }))
    }

    /// Sets the rate in bytes per second; whoever waits under the old one goes on at once.
    pub fn set(&self, bytes_per_second: Option<u64>) {
        let bucket = &self.0;
        let rate = rate_of(bytes_per_second);
        if bucket.rate.swap(rate, Ordering::Relaxed) == rate {
            return;
        }
        *bucket
            .paid_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        bucket.changed.notify_waiters();
    }

    /// The present rate in bytes per second.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        match self.0.rate.load(Ordering::Relaxed) {
            UNLIMITED => None,
            rate => Some(rate),
        }
    }

    /// The most bytes to take at once, so that waits stay short and the flow even.
    fn step(&self) -> u64 {
        self.rate().map_or(u64::MAX, |rate| {
            (rate.saturating_mul(STEP.as_millis() as u64) / 1000).max(SMALLEST_STEP)
        })
    }

    /// Takes `bytes`, and waits until they are paid for.
    async fn take(&self, bytes: u64) {
        if self.0.rate.load(Ordering::Relaxed) == UNLIMITED {
            return;
        }
        let changed = self.0.changed.notified();
        if let Some(until) = self.charge(bytes, Instant::now()) {
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = changed => {}
            }
        }
    }

    fn charge(&self, bytes: u64, now: Instant) -> Option<Instant> {
        let rate = self.rate()?;
        let mut paid_at = self
            .0
            .paid_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let floor = now.checked_sub(BURST).unwrap_or(now);
        let from = paid_at.map_or(floor, |at| at.max(floor));
        // A day bounds the wait of an absurdly low rate, and keeps the sum within an instant's range.
        let cost = Duration::from_secs_f64((bytes as f64 / rate as f64).min(86_400.0));
        let until = from + cost;
        *paid_at = Some(until);
        (until > now).then_some(until)
    }
}

/// The limits that hold for one pull: everyone's, and its own.
#[derive(Debug, Clone)]
pub(crate) struct Limits([Limit; 2]);

impl Limits {
    pub(crate) const fn new(all: Limit, own: Limit) -> Self {
        Self([all, own])
    }

    /// Whether there is any.
    pub(crate) fn are_set(&self) -> bool {
        self.0.iter().any(|limit| limit.rate().is_some())
    }

    /// The most bytes to take at once, so that waits stay short and the flow even.
    pub(crate) fn step(&self) -> u64 {
        let [all, own] = &self.0;
        all.step().min(own.step())
    }

    /// Takes `bytes` of each, and waits until they are paid for.
    pub(crate) async fn take(&self, bytes: u64) {
        for limit in &self.0 {
            limit.take(bytes).await;
        }
    }
}

/// A limit of nothing would be a stop, which is another command: it counts as one byte.
fn rate_of(rate: Option<u64>) -> u64 {
    rate.map_or(UNLIMITED, |rate| rate.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        let limit = Limit::new(Some(1000));
        let begun = Instant::now();
        let take = async |limit: Limit| {
            for _ in 0..5 {
                limit.take(500).await;
            }
        };
        tokio::join!(take(limit.clone()), take(limit.clone()));
        assert!(begun.elapsed() >= Duration::from_millis(4899));
    }

    #[tokio::test(start_paused = true)]
    async fn lifting_a_limit_frees_who_waits() {
        let limit = Limit::new(Some(1));
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

    proptest! {
        /// Chunks of any size, over any number of connections, cut to steps as they are taken.
        #[test]
        fn ten_seconds_bring_what_the_limit_says(
            rate in 50_000_u64..200_000_000,
            lanes in 1_usize..16,
            chunk in 1_000_u64..500_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime");
            let taken = runtime.block_on(async {
                let limit = Limit::new(Some(rate));
                let taken = Arc::new(AtomicU64::new(0));
                let mut tasks = tokio::task::JoinSet::new();
                for _ in 0..lanes {
                    let (limit, taken) = (limit.clone(), Arc::clone(&taken));
                    tasks.spawn(async move {
                        loop {
                            let mut left = chunk;
                            while left > 0 {
                                let piece = left.min(limit.step());
                                limit.take(piece).await;
                                taken.fetch_add(piece, Ordering::Relaxed);
                                left -= piece;
                            }
                        }
                    });
                }
                tokio::time::sleep(Duration::from_secs(10)).await;
                taken.load(Ordering::Relaxed)
            });
            let wanted = rate as f64 * 10.0;
            prop_assert!((taken as f64 - wanted).abs() <= wanted * 0.05, "{taken} of {wanted}");
        }
    }
}
