//! What stands before all calls, and after them: one function, as each layer of a router is a box
//! that every request clones with all those below it. As seven layers this took half of the CPU of
//! a status poll.

use std::{
    any::Any,
    future::{Ready, ready},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use axum::{
    Router,
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Either},
};
use longhaul_protocol::ProblemCode;
use tower::Service;
use tracing::Instrument;

use super::{Asked, Caller, Hosts, host, short_head};
use crate::{
    api::{Api, jobs, problem::Refusal},
    metrics::Routes,
};

/// An answer that is there, or one that comes.
pub(crate) type Answer = Either<Ready<Response>, BoxFuture<'static, Response>>;

/// The whole of what the server answers at one address.
#[derive(Debug, Clone)]
pub(crate) struct Front(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    api: Api,
    router: Router,
    routes: Routes,
    hosts: Hosts,
    /// Whose polls are answered at once; none where all go through the router.
    polls: Option<Caller>,
}

impl Front {
    /// Stands before `router`, of which the answers of `routes` are counted each by itself.
    pub(crate) fn new(
        api: Api,
        router: Router,
        routes: Routes,
        hosts: Hosts,
        polls: Option<Caller>,
    ) -> Self {
        Self(Arc::new(Parts {
            api,
            router,
            routes,
            hosts,
            polls,
        }))
    }

    /// Answers, whatever comes. What needs no waiting is answered before this returns: in a future
    /// of its own the request and its answer would be moved about, again and again.
    pub(crate) fn answer(&self, peer: SocketAddr, mut request: Request) -> Answer {
        let parts = &*self.0;
        let asked = Asked::of(peer, &request);
        let measured = parts.routes.begin(&request);
        let at_once = AssertUnwindSafe(|| parts.at_once(&request));
        // A panic of a call is an answer too.
        let caught = || catch_unwind(at_once).unwrap_or_else(|panic| Some(panicked(panic)));
        if let Some(response) = asked.span.in_scope(caught) {
            measured.end(&parts.api.metrics, &response);
            return Either::Left(ready(asked.answered(response)));
        }
        request.extensions_mut().insert(peer);
        let parts = Arc::clone(&self.0);
        Either::Right(Box::pin(async move {
            let call = AssertUnwindSafe(parts.routed(request)).catch_unwind();
            let caught = call.map(|answer| answer.unwrap_or_else(panicked));
            let response = caught.instrument(asked.span.clone()).await;
            measured.end(&parts.api.metrics, &response);
            asked.answered(response)
        }))
    }
}

impl Parts {
    /// A refusal, or the answer to a poll that memory answers; none for what is the router's.
    fn at_once(&self, request: &Request) -> Option<Response> {
        short_head(request)
            .and_then(|()| host(&self.hosts, request))
            .map_or_else(
                |refusal| Some(refusal.into_response()),
                |()| self.poll(request),
            )
    }

    /// Most requests are polls, and memory answers most of them: they are spared what the router
    /// would carry along for them. Whatever is to be refused is the router's still: this says
    /// nothing that [`jobs::one`] would not say.
    fn poll(&self, request: &Request) -> Option<Response> {
        let known = self.polls.as_ref()?;
        if request.method() != Method::GET || request.uri().query().is_some() {
            return None;
        }
        let job = request.uri().path().strip_prefix("/v1/jobs/")?;
        let job = job.parse().ok()?;
        jobs::at_once(&self.api, known.owner(request.headers())?, job)
    }

    async fn routed(&self, request: Request) -> Response {
        let Ok(response) = self.router.clone().call(request).await;
        response
    }
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a call panicked");
    Refusal::new(
        ProblemCode::Internal,
        "This request met a fault of the server; its request id is in the log.",
    )
    .into_response()
}
