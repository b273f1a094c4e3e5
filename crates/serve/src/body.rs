//! A request body that may not be slow: no pause longer than it may be, and an end in time.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// How slow a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Nothing comes for so long.
    pub idle: Duration,
    /// The whole takes so long; none where bodies may be of any size.
    pub whole: Option<Duration>,
}

/// The body was slower than it may be.
#[derive(Debug)]
pub struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request's body came too slowly")
    }
}

impl Error for TooSlow {}

/// A body that fails with [`TooSlow`] where it keeps less than its pace. Time runs from the moment
/// that somebody first waits for it.
#[derive(Debug)]
pub struct Timely<B> {
    body: B,
    pace: Pace,
    end: Option<Instant>,
    /// Only while there is something to wait for: most bodies are there at once.
    wait: Option<Pin<Box<Sleep>>>,
}

impl<B> Timely<B> {
    /// Holds a body to a pace.
    pub const fn new(body: B, pace: Pace) -> Self {
        Self {
            body,
            pace,
            end: None,
            wait: None,
        }
    }
}

impl<B> Body for Timely<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let this = &mut *self;
        let now = Instant::now();
        if this.end.is_none() {
            this.end = this.pace.whole.map(|whole| now + whole);
        }
        if this.end.is_some_and(|end| end <= now) && !this.body.is_end_stream() {
            return Poll::Ready(Some(Err(TooSlow.into())));
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.wait = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let idle = now + this.pace.idle;
        let until = this.end.map_or(idle, |end| end.min(idle));
        let wait = this
            .wait
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(wait.as_mut().poll(cx));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::sync::mpsc;

    use super::*;

    const PACE: Pace = Pace {
        idle: Duration::from_secs(5),
        whole: Some(Duration::from_secs(10)),
    };

    /// A byte each `every`, `count` times; how long it took until the end or the error.
    async fn drip(every: Duration, count: u32) -> (Result<usize, String>, Duration) {
        let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
        let stream = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|frame| (frame, receiver))
        });
        let body = Timely::new(StreamBody::new(Box::pin(stream)), PACE);
        let begun = Instant::now();
        let dripping = async {
            for _ in 0..count {
                tokio::time::sleep(every).await;
                if sender
                    .send(Ok(Frame::data(Bytes::from_static(b"x"))))
                    .await
                    .is_err()
                {
                    break;
                }
            }
            drop(sender);
        };
        let (whole, ()) = tokio::join!(
            async {
                let whole = body.collect().await;
                let took = begun.elapsed();
                (
                    whole.map(|b| b.to_bytes().len()).map_err(|e| e.to_string()),
                    took,
                )
            },
            dripping
        );
        whole
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_in_time_passes_whole() {
        let (whole, _) = drip(Duration::from_secs(1), 8).await;
        assert_eq!(whole, Ok(8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_pauses_is_cut() {
        let (whole, took) = drip(Duration::from_secs(6), 2).await;
        assert_eq!(whole, Err(TooSlow.to_string()));
        assert_eq!(took, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_for_ever_is_cut() {
        let (whole, took) = drip(Duration::from_secs(4), 1000).await;
        assert_eq!(whole, Err(TooSlow.to_string()));
        assert_eq!(took, Duration::from_secs(10));
    }
}
