//! Waiting for conditions, never for the clock.

use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep, timeout_at};

/// Between two looks. Short against everything a cluster does, long enough to leave the processor to it.
const INTERVAL: Duration = Duration::from_millis(50);

/// The reason why waiting longer is pointless: returned by a probe, it ends [`eventually`] at once.
#[derive(Debug)]
pub struct Fatal(pub String);

impl std::fmt::Display for Fatal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Fatal {}

/// Looks again and again until `probe` succeeds, and gives its answer.
///
/// # Errors
///
/// When `timeout` has passed, with the reason the last probe gave; at once when that reason is [`Fatal`].
pub async fn eventually<T>(
    what: &str,
    timeout: Duration,
    mut probe: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    let mut last = anyhow!("the first look never ended");
    loop {
        match timeout_at(deadline, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) if error.is::<Fatal>() => {
                return Err(error.context(format!("gave up waiting: {what}")));
            }
            Ok(Err(error)) => last = error,
            // The last look hangs: the reason of the one before says more.
            Err(_) => {}
        }
        if Instant::now() >= deadline {
            return Err(last.context(format!("still not so after {timeout:?}: {what}")));
        }
        sleep(INTERVAL).await;
    }
}

/// Looks again and again for all of `duration`: `probe` must succeed every time. For what must stay as it is.
///
/// # Errors
///
/// The first one of `probe`.
pub async fn throughout(
    what: &str,
    duration: Duration,
    mut probe: impl AsyncFnMut() -> Result<()>,
) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < duration {
        probe().await.map_err(|error| {
            error.context(format!("not so after {:?}: {what}", start.elapsed()))
        })?;
        sleep(INTERVAL).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_success_is_the_answer() {
        let mut looks = 0;
        let answer = eventually("third look", Duration::from_secs(5), async || {
            looks += 1;
            anyhow::ensure!(looks == 3, "look {looks}");
            Ok(looks)
        });
        assert_eq!(answer.await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_names_the_wish_and_the_last_reason() {
        let error = eventually("pigs fly", Duration::from_secs(1), async || {
            Err::<(), _>(anyhow!("on the ground"))
        });
        assert_eq!(
            format!("{:#}", error.await.unwrap_err()),
            "still not so after 1s: pigs fly: on the ground"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_probe_does_not_outlive_the_deadline() {
        let error = eventually(
            "an answer",
            Duration::from_secs(1),
            std::future::pending::<Result<()>>,
        );
        assert_eq!(
            format!("{:#}", error.await.unwrap_err()),
            "still not so after 1s: an answer: the first look never ended"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_fatal_reason_ends_the_wait_at_once() {
        let start = Instant::now();
        let error = eventually(
            "a dead process answers",
            Duration::from_mins(1),
            async || Err::<(), _>(Fatal("it ended".to_owned()).into()),
        );
        assert!(error.await.is_err());
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn one_exception_ends_what_must_hold_throughout() {
        let mut looks = 0;
        let error = throughout("calm", Duration::from_secs(5), async || {
            looks += 1;
            anyhow::ensure!(looks < 4, "storm");
            Ok(())
        });
        assert_eq!(
            format!("{:#}", error.await.unwrap_err()),
            "not so after 150ms: calm: storm"
        );
    }
}
