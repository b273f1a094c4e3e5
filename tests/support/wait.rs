//! Waiting by looking, with a deadline.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::Instant;

/// What a person waits for without wondering.
pub const SOON: Duration = Duration::from_secs(30);
/// For whole downloads on a busy machine.
pub const LATER: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer.
///
/// # Errors
/// When asking fails, or there is no answer in time.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(Instant::now() < deadline, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}
