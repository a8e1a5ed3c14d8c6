//! The clock and the randomness of the machine.

use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand;
use sealed_template::Environment;

/// The machine's clock and randomness: what production renders with.
#[derive(Clone, Copy, Debug)]
pub struct System {
    start: Instant,
}

impl System {
    /// The machine, its monotonic clock starting now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the shell that hands the clock to the pure rest"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(
        clippy::expect_used,
        reason = "no operating system that is left without randomness can go on, and no template can bring that about"
    )]
    fn random(&self, bytes: &mut [u8]) {
        rand::fill(bytes).expect("the operating system has randomness");
    }
}
