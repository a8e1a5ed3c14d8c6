//! An API server that does not answer.
//!
//! Every pass would find that out for itself, log it and drift into a long back-off. Instead the workers rest
//! together, one line says so, and when the first request is answered all go on where they were.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::client::ApiError;

/// The first rest; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);
/// The longest rest, and so the longest that work waits after the API server is back.
const LONGEST: Duration = Duration::from_secs(15);

/// Whether the API server answers, as far as the workers know.
#[derive(Debug, Default)]
pub(super) struct Outage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The rest under way or just over; `None` when all is well.
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    length: Duration,
}

impl Outage {
    /// Returns when it makes sense to send a request.
    pub(super) async fn over(&self) {
        let rest = self.state().rest;
        if let Some(rest) = rest {
            tokio::time::sleep_until(rest.until).await;
        }
    }

    /// Learns from the result of a request. Says whether there was no answer.
    pub(super) fn heard<T>(&self, result: &Result<T, ApiError>) -> bool {
        self.heard_of(result.as_ref().err())
    }

    /// Learns from the failure of a request, or from its success.
    pub(super) fn heard_of(&self, failure: Option<&ApiError>) -> bool {
        let unanswered = failure.filter(|error| matches!(error, ApiError::Unreachable(_)));
        match unanswered {
            Some(error) => self.unanswered(error),
            None => self.answered(),
        }
        unanswered.is_some()
    }

    fn unanswered(&self, error: &ApiError) {
        let now = Instant::now();
        let mut state = self.state();
        let length = match state.rest {
            None => {
                warn!(%error, "the API server does not answer; waiting for it");
                FIRST
            }
            // Others were under way when the rest began.
            Some(rest) if rest.until > now => return,
            Some(rest) => rest.length.saturating_mul(2).min(LONGEST),
        };
        state.rest = Some(Rest {
            until: now + super::jittered(length),
            length,
        });
    }

    fn answered(&self) {
        if self.state().rest.take().is_some() {
            info!("the API server answers again");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_answer() -> Result<(), ApiError> {
        Err(ApiError::Unreachable("connection refused".into()))
    }

    async fn rest(outage: &Outage) -> Duration {
        let start = Instant::now();
        outage.over().await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn rests_grow_while_nobody_answers() {
        let outage = Outage::default();
        assert_eq!(rest(&outage).await, Duration::ZERO);
        let mut expected = FIRST;
        for _ in 0..8 {
            assert!(outage.heard(&no_answer()));
            // The workers that were under way come back with the same news.
            assert!(outage.heard(&no_answer()));
            let rest = rest(&outage).await;
            assert!(
                rest >= expected.mul_f64(0.7) && rest <= expected.mul_f64(1.3),
                "{rest:?}"
            );
            expected = (expected * 2).min(LONGEST);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn any_answer_ends_the_outage_also_a_refusal() {
        let outage = Outage::default();
        assert!(outage.heard(&no_answer()));
        let mut refusal = kube::core::Status::failure("no", "");
        refusal.code = 403;
        assert!(!outage.heard::<()>(&Err(ApiError::Refused(Box::new(refusal)))));
        assert_eq!(rest(&outage).await, Duration::ZERO);
    }
}
