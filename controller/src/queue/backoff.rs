//! How long a failing object waits.

use std::time::Duration;

/// How fast a failed pass is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Something that may be over in a moment: a conflict, an API server that restarts.
    Fast,
    /// Something that only a change of the cluster ends, repeated in case the news of that
    /// change is lost: a foreign Secret, an immutable one.
    Slow,
}

/// The delays between the attempts at one object: a few quick ones, then slow ones for ever.
///
/// Upstream stops after the quick ones, 200 ms in all, and a Secret that an outage kept from
/// being written then stays away until somebody edits the object (compat: `--max-unseal-retries`
/// counts the quick attempts here).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The number of quick retries.
    pub fast_retries: u32,
    /// The first quick delay; each further one is twice as long.
    pub fast_base: Duration,
    /// The first slow delay; each further one is twice as long.
    pub slow_base: Duration,
    /// The longest delay before jitter.
    pub cap: Duration,
}

impl Default for Backoff {
    /// Upstream's quick retries (5 ms, doubling, five of them), then 1 s doubling up to 5 minutes.
    fn default() -> Self {
        Self {
            fast_retries: 5,
            fast_base: Duration::from_millis(5),
            slow_base: Duration::from_secs(1),
            cap: Duration::from_mins(5),
        }
    }
}

impl Backoff {
    /// The default delays with another number of quick retries.
    pub fn with_fast_retries(fast_retries: u32) -> Self {
        Self {
            fast_retries,
            ..Self::default()
        }
    }

    /// The wait after an attempt failed, when `failures` attempts had failed before it.
    ///
    /// `jitter` in `0.0..1.0` spreads the wait over 75 % to 125 %, so that objects that failed
    /// together do not return together.
    pub fn delay(&self, pace: Pace, failures: u32, jitter: f64) -> Duration {
        let exact = match (pace, failures.checked_sub(self.fast_retries)) {
            (Pace::Fast, None) => doubled(self.fast_base, failures),
            (Pace::Fast, Some(slow)) => doubled(self.slow_base, slow),
            (Pace::Slow, _) => doubled(self.slow_base, failures),
        };
        exact
            .min(self.cap)
            .mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

fn doubled(base: Duration, times: u32) -> Duration {
    base.saturating_mul(2_u32.saturating_pow(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The jitter that changes nothing.
    const NONE: f64 = 0.5;

    fn delays(backoff: &Backoff, pace: Pace, attempts: u32) -> Vec<u128> {
        (0..attempts)
            .map(|failures| backoff.delay(pace, failures, NONE).as_millis())
            .collect()
    }

    #[test]
    fn five_quick_retries_then_slow_ones_up_to_five_minutes() {
        let expected = vec![
            5, 10, 20, 40, 80, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000,
            256_000, 300_000, 300_000,
        ];
        assert_eq!(delays(&Backoff::default(), Pace::Fast, 16), expected);
    }

    #[test]
    fn a_blocker_is_never_retried_quickly() {
        assert_eq!(
            delays(&Backoff::default(), Pace::Slow, 3),
            vec![1_000, 2_000, 4_000]
        );
    }

    #[test]
    fn there_are_no_quick_retries_when_none_are_wanted() {
        let backoff = Backoff::with_fast_retries(0);
        assert_eq!(delays(&backoff, Pace::Fast, 2), vec![1_000, 2_000]);
    }

    #[test]
    fn the_delay_never_overflows() {
        let backoff = Backoff::with_fast_retries(u32::MAX);
        assert_eq!(
            backoff.delay(Pace::Fast, u32::MAX - 1, NONE),
            Duration::from_mins(5)
        );
    }

    #[test]
    fn jitter_spreads_by_a_quarter_either_way() {
        let backoff = Backoff::default();
        let at = |jitter| backoff.delay(Pace::Slow, 2, jitter);
        assert_eq!(at(0.0), Duration::from_secs(3));
        assert_eq!(at(1.0), Duration::from_secs(5));
    }
}
