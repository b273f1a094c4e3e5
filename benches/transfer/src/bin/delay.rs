//! A TCP proxy that adds a delay each way: `bench-delay PORT MILLISECONDS WINDOW_MIB`; prints its own port.
//!
//! Bytes are handed on in order once their delay is over. At most a window of them waits for each
//! connection and way, as with TCP over a line of that length.

use std::{io::Write as _, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    time::Instant,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|arg| arg.parse())
        .collect::<Result<_, _>>()?;
    let [port, delay, window] = numbers[..] else {
        anyhow::bail!("usage: bench-delay PORT MILLISECONDS WINDOW_MIB");
    };
    let (port, delay) = (u16::try_from(port)?, Duration::from_millis(delay));
    let window = usize::try_from(window << 20)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (near, _) = listener.accept().await?;
        tokio::spawn(async move {
            // The handshake takes the way there and back.
            tokio::time::sleep(delay * 2).await;
            let far = TcpStream::connect(("127.0.0.1", port)).await?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::spawn(carry(near_read, far_write, delay, window));
            carry(far_read, near_write, delay, window).await
        });
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    window: usize,
) -> anyhow::Result<()> {
    let room = Arc::new(Semaphore::new(window));
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let free = Arc::clone(&room);
    let hands_on = tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            to.write_all(&bytes).await?;
            free.add_permits(bytes.len());
        }
        to.shutdown().await
    });
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        // The channel holds no more than the window.
        room.acquire_many(u32::try_from(length)?).await?.forget();
        let sent = sender.send((Instant::now() + delay, buffer[..length].to_vec()));
        if sent.is_err() {
            break;
        }
    }
    drop(sender);
    hands_on.await.context("the other half")??;
    Ok(())
}
