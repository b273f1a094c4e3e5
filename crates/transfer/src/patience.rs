//! How often, and after what wait, a failure is followed by another try.

use std::time::Duration;

use crate::{EngineConfig, Error, probe::Fault};

/// Counts the failures since the last new byte.
#[derive(Debug)]
pub(crate) struct Patience {
    attempts: u32,
    base: Duration,
    cap: Duration,
    retry_after_cap: Duration,
    failures: u32,
    /// Bytes that had come at the last failure.
    fetched: u64,
}

impl Patience {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        Self {
            attempts: config.attempts.max(1),
            base: config.backoff,
            cap: config.backoff_cap,
            retry_after_cap: config.retry_after_cap,
            failures: 0,
            fetched: 0,
        }
    }

    /// A failure, with `fetched` bytes come so far: how long to wait, or the end of patience.
    pub(crate) fn failed(&mut self, fault: Fault, fetched: u64) -> Result<Duration, Error> {
        if fetched > self.fetched {
            self.failures = 0;
        }
        self.fetched = fetched;
        self.failures += 1;
        if self.failures >= self.attempts {
            return Err(in_the_end(fault));
        }
        let asked = match fault {
            Fault::Busy { retry_after, .. } => retry_after,
            _ => None,
        };
        let jittered = self.backoff().mul_f64(rand::random::<f64>());
        Ok(match asked {
            // All clients were told the same instant: a little later is kinder.
            Some(asked) => asked.min(self.retry_after_cap) + jittered.min(Duration::from_secs(1)),
            None => jittered,
        })
    }

    /// Failures since the last new byte.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    fn backoff(&self) -> Duration {
        let doubled = 1u32.checked_shl(self.failures - 1).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.cap)
    }
}

/// The error that a fault becomes when it is not to be tried again.
pub(crate) fn in_the_end(fault: Fault) -> Error {
    match fault {
        Fault::Stopped => Error::Stopped { kept: 0 },
        Fault::Expired { status } => Error::LinkRefused {
            reason: format!("every fresh one was refused with status {status}"),
            retryable: false,
            kept: 0,
        },
        Fault::Changed(what) => Error::Changed { what, kept: 0 },
        Fault::Busy { status, .. } => Error::Overloaded { status, kept: 0 },
        Fault::Network(what) => Error::Network { what, kept: 0 },
        Fault::Wrong(what) => Error::BadReply { what, kept: 0 },
        Fault::RangesIgnored => Error::BadReply {
            what: "the whole came for a range".to_owned(),
            kept: 0,
        },
        Fault::Fatal(error) => error,
    }
}

/// What to tell the user while waiting.
pub(crate) fn in_words(fault: &Fault) -> String {
    match fault {
        Fault::Expired { status } => format!("the link was refused (status {status})"),
        other => in_the_end(other.clone()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(attempts: u32) -> Patience {
        Patience::new(&EngineConfig {
            attempts,
            ..EngineConfig::default()
        })
    }

    #[test]
    fn patience_ends_only_without_a_new_byte() {
        let mut patience = patience(3);
        for fetched in 1..100 {
            let wait = patience.failed(Fault::Network(String::new()), fetched);
            assert!(wait.is_ok_and(|wait| wait <= Duration::from_millis(250)));
        }
        assert!(patience.failed(Fault::Network(String::new()), 99).is_ok());
        let end = patience.failed(Fault::Network("cut".into()), 99);
        assert!(matches!(end, Err(Error::Network { .. })));
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept_within_bounds() {
        let mut patience = patience(10);
        let busy = |seconds| Fault::Busy {
            status: 503,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let wait = patience.failed(busy(7), 0).expect("goes on");
        assert!(wait >= Duration::from_secs(7) && wait <= Duration::from_secs(8));
        let wait = patience.failed(busy(1_000_000), 0).expect("goes on");
        assert!(wait <= Duration::from_secs(121));
    }

    #[test]
    fn waits_grow_to_their_cap() {
        let mut patience = patience(100);
        for _ in 0..60 {
            patience.failed(Fault::RangesIgnored, 0).expect("goes on");
        }
        assert_eq!(patience.backoff(), Duration::from_secs(30));
    }
}
