//! The API: a file for each thing that a call does. `router.rs` is the table of contents.

pub(crate) mod cancel;
mod conditions;
pub(crate) mod docs;
pub(crate) mod download;
mod explain;
pub(crate) mod extract;
pub(crate) mod files;
pub(crate) mod health;
pub(crate) mod initiate;
pub(crate) mod jobs;
pub(crate) mod legacy;
mod links;
pub(crate) mod manifest;
pub(crate) mod metrics;
pub(crate) mod openapi;
mod pace;
pub(crate) mod problem;
pub(crate) mod queue;
pub(crate) mod retry;
mod view;
pub(crate) mod web;

use std::{sync::Arc, time::Duration};

use longhaul_protocol::{Clock, Token};
use tokio_util::sync::CancellationToken;

pub(crate) use links::Links;

use crate::{
    artifact::Artifacts, catalogue::Catalogue, config::Delivery, metrics::Metrics,
    queue::SharedQueue, readiness::Readiness, source::UrlPolicy,
};

/// What the calls work with, shared: each layer of the router clones it for each request.
#[derive(Debug, Clone)]
pub(crate) struct Api(Arc<Parts>);

impl From<Parts> for Api {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the calls work with.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The queue.
    pub queue: SharedQueue,
    /// Where artifacts are.
    pub artifacts: Artifacts,
    /// What a file id is.
    pub catalogue: Arc<Catalogue>,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where download URLs lead.
    pub delivery: Delivery,
    /// Signs those that lead here.
    pub links: Links,
    /// How long a download URL works.
    pub presign_ttl: Duration,
    /// How long an artifact lives.
    pub artifact_ttl: Duration,
    /// When a job nobody asks for is given up; zero for never.
    pub abandon_after: Duration,
    /// Attempts that a job gets by itself.
    pub max_attempts: u32,
    /// Jobs that this process works at together.
    pub workers: u64,
    /// No request is held longer.
    pub max_wait: Duration,
    /// Nor is one that waits for the file itself.
    pub blocking_wait: Duration,
    /// Which URLs jobs may name; none where they may not.
    pub urls: Option<UrlPolicy>,
    /// Cancelled once the server shuts down: no new jobs, and nobody waits any longer.
    pub draining: CancellationToken,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the server can do its work.
    pub readiness: Arc<Readiness>,
    /// Opens the metrics to others than this machine.
    pub admin_token: Option<Token>,
}
