//! What is counted, and how it is told (OpenMetrics text, which Prometheus reads).
//!
//! Labels are bounded: route templates, states, operations. No owner, id or file name is ever one.

mod http;
mod s3;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use jiff::Timestamp;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};

pub(crate) use http::Routes;
pub(crate) use s3::Watch;

use crate::queue::{Ledger, Swept};

/// How the text is to be read.
pub(crate) const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Seconds = Family<Named, Histogram, fn() -> Histogram>;

/// One label, whose values the code names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Duty {
    duty: &'static str,
    outcome: &'static str,
}

/// One answer of the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The artifact is stored.
    Stored,
    /// It failed.
    Failed,
    /// Somebody cancelled the job.
    Cancelled,
    /// The job had moved on.
    Lost,
    /// The lease was given back.
    Released,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }
}

/// All counters of one server; clones of each are in the registry.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Histogram, fn() -> Histogram>,
    attempts: Seconds,
    claim_wait: Histogram,
    retries: Counter,
    produced_bytes: Counter,
    stored_bytes: Counter,
    s3_errors: Family<Operation, Counter>,
    swept: Family<Named, Counter>,
    duties: Family<Duty, Counter>,
    jobs: Family<Named, Gauge>,
    ledger: Family<Named, Gauge>,
    missing: Gauge,
    workers: Gauge,
    paused: Gauge,
    oldest: Gauge<f64, AtomicU64>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// 1 ms to 33 s: an answer.
fn answer_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

/// 50 ms to 7 h: an attempt, or a wait for a worker.
fn work_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.05, 3.0, 13))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("longhaul");
        let metrics = Self {
            answers: Family::new_with_constructor(answer_buckets),
            attempts: Family::new_with_constructor(work_buckets),
            claim_wait: work_buckets(),
            retries: Counter::default(),
            produced_bytes: Counter::default(),
            stored_bytes: Counter::default(),
            s3_errors: Family::default(),
            swept: Family::default(),
            duties: Family::default(),
            jobs: Family::default(),
            ledger: Family::default(),
            missing: Gauge::default(),
            workers: Gauge::default(),
            paused: Gauge::default(),
            oldest: Gauge::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    fn register(&self, r: &mut Registry) {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        r.register("build", "This build", build);
        r.register_with_unit(
            "http_answer",
            "Time to answer, by route, method and status",
            Unit::Seconds,
            self.answers.clone(),
        );
        r.register_with_unit(
            "attempt",
            "How long attempts took, by how they ended",
            Unit::Seconds,
            self.attempts.clone(),
        );
        r.register_with_unit(
            "claim_wait",
            "From acceptance to the first claim",
            Unit::Seconds,
            self.claim_wait.clone(),
        );
        r.register(
            "retries",
            "Attempts that were not a job's first",
            self.retries.clone(),
        );
        r.register_with_unit(
            "produced",
            "Bytes that sources gave",
            Unit::Bytes,
            self.produced_bytes.clone(),
        );
        r.register_with_unit(
            "stored",
            "Bytes put into S3",
            Unit::Bytes,
            self.stored_bytes.clone(),
        );
        r.register(
            "s3_errors",
            "Requests that S3 refused or did not answer, repeated ones included",
            self.s3_errors.clone(),
        );
        r.register(
            "swept",
            "What the limits ended: lost_lease, hung, abandoned, expired, forgotten, orphaned",
            self.swept.clone(),
        );
        r.register("duty", "Upkeep, by duty and outcome", self.duties.clone());
        r.register("jobs", "Jobs by state", self.jobs.clone());
        r.register(
            "ledger",
            "Jobs ever accepted, and what became of them",
            self.ledger.clone(),
        );
        r.register(
            "ledger_missing",
            "Jobs that were accepted and are nowhere: never other than 0",
            self.missing.clone(),
        );
        r.register("leases", "Workers that hold a job", self.workers.clone());
        r.register("paused", "1 while claims are paused", self.paused.clone());
        r.register_with_unit(
            "oldest_waiting",
            "How long the job that has waited longest could have been claimed",
            Unit::Seconds,
            self.oldest.clone(),
        );
    }

    /// An attempt begins: of a job that was accepted so long ago, where it is the first.
    pub(crate) fn claimed(&self, waited: Option<Duration>) {
        match waited {
            Some(waited) => self.claim_wait.observe(waited.as_secs_f64()),
            None => {
                self.retries.inc();
            }
        }
    }

    /// An attempt has ended.
    pub(crate) fn attempted(&self, outcome: Outcome, took: Duration, stored: u64) {
        let kind = outcome.name();
        let took = took.as_secs_f64();
        self.attempts.get_or_create(&Named { kind }).observe(took);
        self.stored_bytes.inc_by(stored);
    }

    /// A source gave so many bytes more.
    pub(crate) fn produced(&self, bytes: usize) {
        self.produced_bytes.inc_by(bytes as u64);
    }

    /// The limits were enforced.
    pub(crate) fn swept(&self, swept: &Swept) {
        for (kind, count) in [
            ("lost_lease", swept.lost_leases.len()),
            ("hung", swept.hung.len()),
            ("abandoned", swept.abandoned.len()),
            ("expired", swept.expired.len()),
            ("forgotten", swept.forgotten.len()),
            ("orphaned_upload", swept.orphaned_uploads.len()),
        ] {
            self.swept
                .get_or_create(&Named { kind })
                .inc_by(count as u64);
        }
    }

    /// A duty of the upkeep was done, or was not.
    pub(crate) fn duty(&self, duty: &'static str, done: bool) {
        let outcome = if done { "done" } else { "failed" };
        self.duties.get_or_create(&Duty { duty, outcome }).inc();
    }

    fn refused_by_s3(&self, operation: &str) {
        let operation = operation.to_owned();
        self.s3_errors.get_or_create(&Operation { operation }).inc();
    }

    /// All as text, with the queue as it is now.
    pub(crate) fn text(&self, ledger: &Ledger, now: Timestamp) -> Result<String, fmt::Error> {
        let set = |family: &Family<Named, Gauge>, kind, count: u64| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            family.get_or_create(&Named { kind }).set(count);
        };
        set(&self.jobs, "pending", ledger.pending);
        set(&self.jobs, "processing", ledger.processing);
        set(&self.ledger, "accepted", ledger.accepted);
        set(&self.ledger, "completed", ledger.completed);
        set(&self.ledger, "failed", ledger.failed);
        set(&self.ledger, "cancelled", ledger.cancelled);
        set(&self.ledger, "live", ledger.live());
        set(&self.ledger, "quarantined", ledger.quarantined);
        self.missing.set(ledger.missing());
        self.workers
            .set(i64::try_from(ledger.workers).unwrap_or(i64::MAX));
        self.paused.set(i64::from(ledger.paused));
        let age = ledger
            .oldest_waiting
            .map_or(0.0, |since| now.duration_since(since).as_secs_f64());
        self.oldest.set(age.max(0.0));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::Response};

    use super::*;

    #[test]
    fn the_text_tells_the_ledger_and_keeps_to_its_names() {
        let metrics = Metrics::default();
        metrics.claimed(Some(Duration::from_millis(70)));
        metrics.claimed(None);
        metrics.attempted(Outcome::Stored, Duration::from_secs(2), 7);
        metrics.refused_by_s3("PutObject");
        metrics.duty("sweep", true);
        let request = ::http::Request::get("/v1/jobs/7").body(Body::empty());
        let routes = Routes::new(["/v1/jobs/{id}"]);
        let measured = routes.begin(&request.expect("a request"));
        measured.end(&metrics, &Response::default());
        let now = Timestamp::UNIX_EPOCH;
        let ledger = Ledger {
            accepted: 3,
            completed: 1,
            pending: 1,
            oldest_waiting: Some(now - Duration::from_secs(9)),
            ..Ledger::default()
        };
        let text = metrics.text(&ledger, now).expect("text");
        for line in [
            "longhaul_ledger{kind=\"accepted\"} 3",
            "longhaul_ledger_missing 1",
            "longhaul_oldest_waiting_seconds 9.0",
            "longhaul_jobs{kind=\"pending\"} 1",
            "longhaul_retries_total 1",
            "longhaul_stored_bytes_total 7",
            "longhaul_s3_errors_total{operation=\"PutObject\"} 1",
            "longhaul_duty_total{duty=\"sweep\",outcome=\"done\"} 1",
            "longhaul_attempt_seconds_count{kind=\"stored\"} 1",
            "longhaul_claim_wait_seconds_count 1",
            "longhaul_http_answer_seconds_count{method=\"GET\",route=\"/v1/jobs/{id}\",status=\"200\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
