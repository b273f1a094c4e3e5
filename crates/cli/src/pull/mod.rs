//! `longhaul pull`: URLs become files in the foreground, by the engine alone.

mod access;
mod orders;
mod say;

use std::{path::Path, sync::Arc, time::Instant};

use futures::StreamExt as _;
use longhaul_transfer::{
    Engine, EngineConfig, Error, Finished, Limit, LinkSource, Plain, Progress, Request, WhenTaken,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{orders::Order, say::Say};
use crate::{
    args::Pull,
    outcome::{Outcome, Stop},
    place,
};

/// Connections for each file at most, where nothing else was asked for.
const CONNECTIONS: u8 = 16;
/// Files at a time.
const CONCURRENT: usize = 16;

/// Pulls everything that is wanted; exit 0 only when every file is complete.
pub(crate) async fn pull(wanted: Pull, json: bool) -> Result<Outcome, Stop> {
    let folder = place::folder(&wanted.output)?;
    let headers = orders::headers(&wanted.header)?;
    let mut orders = orders::of(&wanted)?;
    if let Some(user) = &wanted.access.user {
        access::sign_in(&mut orders, user)?;
    }
    let engine = Engine::new(EngineConfig {
        limit: wanted.pace.limit_rate,
        network: access::network(&wanted.access)?,
        ..EngineConfig::default()
    })
    .map_err(|error| Stop::usage(error.to_string()))?;
    let stop = CancellationToken::new();
    let _interrupts = interrupts(stop.clone());
    let connections = wanted.pace.connections.unwrap_or(CONNECTIONS);
    let concurrent = wanted.concurrent.map_or(CONCURRENT, |files| files as usize);

    let begun = Instant::now();
    let mut say = Say::new(json, orders.len());
    let watched = say.watched();
    let mut pulls = futures::stream::iter(orders)
        .map(|order| {
            let request = request(&order, &folder, connections, headers.clone());
            let (engine, stop, watched) = (engine.clone(), stop.clone(), watched.clone());
            // A task of its own, so that all processors work.
            let pull = tokio::spawn(async move {
                let progress = watch::channel(Progress::default()).0;
                watched.follow(&progress);
                engine.pull(request, &progress, stop).await
            });
            async move { (order, pull.await) }
        })
        .buffer_unordered(concurrent);
    let (mut failed, mut stopped) = (0, false);
    while let Some((order, pulled)) = pulls.next().await {
        let pulled: Result<Finished, Error> = match pulled {
            Ok(pulled) => pulled,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        match pulled {
            Err(Error::Stopped { .. }) => stopped = true,
            Ok(finished) => say.finished(&order.url, &finished),
            Err(error) => {
                failed += 1;
                say.failed(&order.url, &error);
            }
        }
    }
    say.summary(begun.elapsed());
    Ok(match (stopped, failed) {
        (true, _) => Outcome::Interrupted,
        (false, 0) => Outcome::Done,
        (false, _) => Outcome::Failed,
    })
}

fn request(
    order: &Order,
    folder: &Path,
    connections: u8,
    headers: http::header::HeaderMap,
) -> Request {
    let source = |url: &longhaul_protocol::SignedUrl| {
        Arc::new(Plain::new(url.clone())) as Arc<dyn LinkSource>
    };
    Request {
        // The same URL for the same folder is the same download: a second run goes on with the first.
        id: Uuid::new_v5(&Uuid::NAMESPACE_URL, order.identity().as_bytes()),
        source: source(&order.url),
        mirrors: order.mirrors.iter().map(source).collect(),
        folder: folder.to_owned(),
        sort: None,
        settles: false,
        name: order.name.clone(),
        when_taken: WhenTaken::Number,
        expected: order.expected.clone(),
        connections,
        limit: Limit::default(),
        headers,
    }
}

/// The first Ctrl-C stops the pulls, and what they have is kept.
fn interrupts(stop: CancellationToken) -> tokio_util::task::AbortOnDropHandle<()> {
    tokio_util::task::AbortOnDropHandle::new(tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    }))
}
