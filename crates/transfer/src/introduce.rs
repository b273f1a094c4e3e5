//! A mirror's first question: whether it has the same object. Its size must be the same, and where
//! no manifest proves each block, so must be a sample of bytes that are already on the disk.

use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderMap;

use crate::{
    LinkSource,
    probe::{Asked, Asker, Fault, Object, Reply, whole},
    renew::Links,
    source::SourceId,
};

/// Bytes that are compared.
pub(crate) const SAMPLE: u64 = 64 << 10;

/// Bytes of the file, from `start` on.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What became of the question.
pub(crate) struct Introduced {
    pub(crate) source: SourceId,
    /// Its link and the object in its words, or why it is of no use.
    pub(crate) result: Result<(Links, Object), Fault>,
}

/// Asks a mirror. Not repeated: a mirror that fails at once is no help.
pub(crate) async fn introduce(
    source: SourceId,
    origin: Arc<dyn LinkSource>,
    asker: Asker,
    size: u64,
    sample: Option<Sample>,
    stall: Duration,
) -> Introduced {
    let result = ask(origin, &asker, size, sample, stall).await;
    Introduced { source, result }
}

async fn ask(
    origin: Arc<dyn LinkSource>,
    asker: &Asker,
    size: u64,
    sample: Option<Sample>,
    stall: Duration,
) -> Result<(Links, Object), Fault> {
    let links = Links::start(origin)
        .await
        .map_err(|error| Fault::Fatal(error.into()))?;
    let known = Object {
        size: Some(size),
        ..Object::default()
    };
    let (start, length) = sample
        .as_ref()
        .map_or((0, 1), |sample| (sample.start, sample.bytes.len() as u64));
    let asked = Asked::Range {
        start,
        end: start + length,
    };
    let url = links.link().url.expose().clone();
    let none = HeaderMap::new();
    let reply = asker.ask(&url, &none, asked, Some(&known));
    let (body, object) = match reply.await? {
        Reply::Bytes { body, object, .. } => (body, object),
        _ => return Err(Fault::RangesIgnored),
    };
    let came = whole(body, length, stall).await?;
    match sample {
        Some(sample) if sample.bytes != came => {
            Err(Fault::Changed("its bytes are others".to_owned()))
        }
        _ => Ok((links, object)),
    }
}
