//! The clock and the randomness that templates may use, as an argument.

use std::time::{Duration, SystemTime};

/// What a template can learn from the world.
pub trait Environment {
    /// The time of day.
    fn now(&self) -> SystemTime;

    /// Time since some fixed moment, for [`Limits::time`](crate::Limits::time); never runs backwards.
    fn monotonic(&self) -> Duration;

    /// Fills `bytes` with random bytes fit for passwords.
    fn random(&self, bytes: &mut [u8]);
}
