//! The way of one download, top to bottom.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Error, Finished, Progress, Request, engine::Parts};

pub(crate) async fn pull(
    _parts: &Parts,
    _request: Request,
    _progress: &watch::Sender<Progress>,
    _stop: CancellationToken,
) -> Result<Finished, Error> {
    Err(Error::Setup {
        what: "this build does not pull yet".to_owned(),
    })
}
