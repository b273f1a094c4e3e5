//! One transfer of a version: given up where it grows too large, nothing comes, or the user says so.

use std::{pin::pin, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

/// How much is here, and of how much where the source says so.
pub(super) type Progress = (u64, Option<u64>);

/// What a transfer must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of all of it.
    pub(super) most: u64,
    /// Between two chunks, and before the first.
    pub(super) patience: Duration,
}

/// Why there is no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The user said so.
    ByUser,
    /// A sentence.
    Because(String),
}

/// Waits for `download`, which says by `progress` what has come. Whatever it has is dropped where it is
/// stopped.
pub(super) async fn within<T>(
    bounds: Bounds,
    cancel: &CancellationToken,
    mut progress: watch::Receiver<Progress>,
    download: impl Future<Output = Result<T, String>>,
) -> Result<T, Stopped> {
    let mut download = pin!(download);
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Stopped::ByUser),
            done = &mut download => return done.map_err(Stopped::Because),
            Ok(()) = progress.changed() => {
                let (received, total) = *progress.borrow_and_update();
                if received.max(total.unwrap_or(0)) > bounds.most {
                    let most = bounds.most >> 20;
                    return Err(Stopped::Because(format!("it has more than {most} MiB")));
                }
            }
            () = sleep(bounds.patience) => {
                let seconds = bounds.patience.as_secs();
                return Err(Stopped::Because(format!(
                    "the source sent nothing for {seconds} seconds; nothing was changed"
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, net::SocketAddr};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    const BOUNDS: Bounds = Bounds {
        most: 1 << 20,
        patience: Duration::from_millis(300),
    };

    /// A server that sends as much to whoever comes, and then nothing, for as long as it is held.
    async fn stalling(after: usize) -> io::Result<(SocketAddr, tokio::task::JoinSet<()>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            stream.write_all(&vec![7; after]).await.expect("sent");
            std::future::pending::<()>().await;
        });
        Ok((address, task))
    }

    async fn read(from: SocketAddr, tell: watch::Sender<Progress>) -> Result<(), String> {
        let failed = |error: io::Error| error.to_string();
        let mut stream = TcpStream::connect(from).await.map_err(failed)?;
        let mut chunk = vec![0; 16 << 10];
        while stream.read(&mut chunk).await.map_err(failed)? > 0 {
            tell.send_modify(|(received, _)| *received += 16 << 10);
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_source_that_sends_no_more_is_given_up() {
        for after in [0, 100_000] {
            let (address, _held) = stalling(after).await.expect("serves");
            let (tell, progress) = watch::channel((0, None));
            let never = CancellationToken::new();
            let ended = within(BOUNDS, &never, progress, read(address, tell)).await;
            let Err(Stopped::Because(why)) = ended else {
                panic!("{ended:?}");
            };
            assert!(why.contains("sent nothing"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_stalled_transfer_ends_at_once_at_the_users_word() {
        let (address, _held) = stalling(100_000).await.expect("serves");
        let (tell, progress) = watch::channel((0, None));
        let (cancel, mut seen) = (CancellationToken::new(), progress.clone());
        let patient = Bounds {
            patience: Duration::from_hours(1),
            ..BOUNDS
        };
        let said = async {
            seen.wait_for(|(received, _)| *received > 0)
                .await
                .expect("it comes");
            cancel.cancel();
        };
        let transfer = within(patient, &cancel, progress, read(address, tell));
        let (ended, ()) = tokio::join!(transfer, said);
        assert_eq!(ended, Err(Stopped::ByUser));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_is_waited_for_and_one_that_is_too_large_is_not() {
        let slow = async |tell: watch::Sender<Progress>, total| {
            for chunk in 1..=100 {
                sleep(BOUNDS.patience / 2).await;
                tell.send_replace((chunk << 14, total));
            }
            Ok(())
        };
        let never = CancellationToken::new();
        let (tell, progress) = watch::channel((0, None));
        let small = Bounds {
            most: 100 << 14,
            ..BOUNDS
        };
        assert_eq!(
            within(small, &never, progress, slow(tell, None)).await,
            Ok(())
        );
        for total in [None, Some(2 << 20)] {
            let (tell, progress) = watch::channel((0, None));
            let ended = within(BOUNDS, &never, progress, slow(tell, total)).await;
            let too_large = Stopped::Because("it has more than 1 MiB".to_owned());
            assert_eq!(ended, Err(too_large));
        }
    }
}
