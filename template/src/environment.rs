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

/// An environment for tests and examples, where nothing happens: it is always the beginning of 1970, and all
/// random bytes are zero.
#[derive(Clone, Copy, Debug)]
pub struct Still;

impl Environment for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
