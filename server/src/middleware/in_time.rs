//! How long a call may take.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use longhaul_protocol::ProblemCode;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use crate::api::problem::Refusal;

/// Contract: no request but the deprecated one takes longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Gives a call so long to begin its answer; the body of one is not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InTime(pub Duration);

/// A call that is held to it.
#[derive(Debug, Clone)]
pub(crate) struct Held<S> {
    call: S,
    longest: Duration,
}

impl<S> Layer<S> for InTime {
    type Service = Held<S>;

    fn layer(&self, call: S) -> Held<S> {
        Held {
            call,
            longest: self.0,
        }
    }
}

impl<S> Service<Request> for Held<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.call.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Answer {
            answer: self.call.call(request),
            end: None,
            longest: self.longest,
        }
    }
}

pin_project! {
    /// The answer, or a refusal once its time is over. There is a timer only while there is
    /// something to wait for: most answers are there at once.
    pub(crate) struct Answer<F> {
        #[pin]
        answer: F,
        end: Option<Pin<Box<Sleep>>>,
        longest: Duration,
    }
}

impl<F> Future for Answer<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.answer.poll(cx) {
            return Poll::Ready(answer);
        }
        let end = this
            .end
            .get_or_insert_with(|| Box::pin(sleep(*this.longest)));
        end.as_mut().poll(cx).map(|()| Ok(too_late()))
    }
}

fn too_late() -> Response {
    tracing::error!("a call took too long and was given up");
    Refusal::new(
        ProblemCode::NotReady,
        "The server did not come to an answer in time; ask again.",
    )
    .after(Duration::from_secs(5))
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_call_that_never_answers_is_given_up() {
        let router = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(InTime(Duration::from_millis(20)));
        let request = http::Request::get("/").body(Body::empty());
        let answer = router.oneshot(request.expect("a request")).await;
        assert_eq!(answer.expect("answers").status(), 503);
    }
}
