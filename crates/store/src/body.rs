//! An object's bytes on their way out: large reads off the runtime, one ahead of the wire.
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{FutureExt, Stream};
use s3s::{
    S3Result, StdError,
    dto::StreamingBlob,
    stream::{ByteStream, RemainingLength},
};
use tokio::task::JoinHandle;

use crate::{error::off_runtime, error::refused, index::Stored, range::Span};

/// Bytes a read; a GET in flight holds two of these.
const CHUNK: u64 = 512 << 10;

/// Where in the object the next read begins, with the file it goes on in.
struct Reader {
    stored: Arc<Stored>,
    piece: usize,
    /// Within the piece.
    offset: u64,
    open: Option<File>,
    left: u64,
}

impl Reader {
    fn new(stored: Arc<Stored>, span: Span) -> Self {
        let (mut piece, mut offset) = (0, span.start);
        for known in &stored.record.pieces {
            if offset < known.size {
                break;
            }
            offset -= known.size;
            piece += 1;
        }
        Self {
            stored,
            piece,
            offset,
            open: None,
            left: span.length,
        }
    }

    /// The next chunk; empty at the end. Never crosses into the next piece.
    fn read(&mut self) -> io::Result<Bytes> {
        while self.left > 0 {
            let (Some(piece), Some(file)) = (
                self.stored.record.pieces.get(self.piece),
                self.stored.files.get(self.piece),
            ) else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            let wanted = CHUNK.min(self.left).min(piece.size - self.offset);
            if wanted == 0 {
                (self.piece, self.offset, self.open) = (self.piece + 1, 0, None);
                continue;
            }
            let mut open = match self.open.take() {
                Some(open) => open,
                None => {
                    let mut open = File::open(file.path())?;
                    open.seek(SeekFrom::Start(self.offset))?;
                    open
                }
            };
            let mut chunk = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
            (&mut open).take(wanted).read_to_end(&mut chunk)?;
            if chunk.len() as u64 != wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.open = Some(open);
            self.offset += wanted;
            self.left -= wanted;
            return Ok(chunk.into());
        }
        Ok(Bytes::new())
    }
}

type Ahead = JoinHandle<(Reader, io::Result<Bytes>)>;

struct Outgoing {
    /// Read before the answer began, so that a missing file is an error and not a torn body.
    first: Option<Bytes>,
    ahead: Option<Ahead>,
    left: usize,
}

fn read_ahead(mut reader: Reader) -> Option<Ahead> {
    (reader.left > 0).then(|| {
        tokio::task::spawn_blocking(move || {
            let chunk = reader.read();
            (reader, chunk)
        })
    })
}

/// The bytes of `span`; reading has begun when this returns.
pub(crate) async fn stream(stored: Arc<Stored>, span: Span) -> S3Result<StreamingBlob> {
    let mut reader = Reader::new(stored, span);
    let (reader, first) = off_runtime(move || {
        let first = reader.read().map_err(refused)?;
        Ok((reader, first))
    })
    .await?;
    let left = usize::try_from(span.length).unwrap_or(usize::MAX);
    Ok(StreamingBlob::new(Outgoing {
        first: Some(first),
        ahead: read_ahead(reader),
        left,
    }))
}

impl Stream for Outgoing {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = if let Some(first) = self.first.take() {
            first
        } else {
            let Some(ahead) = &mut self.ahead else {
                return Poll::Ready(None);
            };
            match ready!(ahead.poll_unpin(cx)) {
                Ok((reader, Ok(chunk))) => {
                    self.ahead = read_ahead(reader);
                    chunk
                }
                Ok((_, Err(error))) => {
                    self.ahead = None;
                    tracing::error!(%error, "a data file could not be read to its end");
                    return Poll::Ready(Some(Err(error.into())));
                }
                Err(error) => {
                    self.ahead = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        };
        self.left = self.left.saturating_sub(chunk.len());
        Poll::Ready((!chunk.is_empty()).then_some(Ok(chunk)))
    }
}

impl ByteStream for Outgoing {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(self.left)
    }
}
