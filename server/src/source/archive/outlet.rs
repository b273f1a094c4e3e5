//! Where an archive's bytes go: in whole chunks down the channel.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::source::{CHUNK, SourceError};

/// Why an archive is not finished.
#[derive(Debug)]
pub(super) enum Stop {
    Source(SourceError),
    NobodyListens,
}

#[derive(Debug)]
pub(super) struct Outlet<'a> {
    chunks: &'a mpsc::Sender<Result<Bytes, SourceError>>,
    buffer: BytesMut,
}

impl<'a> Outlet<'a> {
    pub(super) fn new(chunks: &'a mpsc::Sender<Result<Bytes, SourceError>>) -> Self {
        Self {
            chunks,
            buffer: BytesMut::with_capacity(CHUNK),
        }
    }

    pub(super) fn send_rest(self) {
        if !self.buffer.is_empty() {
            // Nobody there to take it, nobody misses it.
            let _ = self.chunks.blocking_send(Ok(self.buffer.freeze()));
        }
    }
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Sent only when more comes: the last chunk waits for the last look at the files.
        if self.buffer.len() == CHUNK && !bytes.is_empty() {
            let chunk = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK));
            self.chunks
                .blocking_send(Ok(chunk.freeze()))
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        let take = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..take]);
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
