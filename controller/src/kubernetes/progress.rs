//! Whether passes get on.
//!
//! How long one pass takes says nothing: thousands of values and dozens of keys take long, and whoever may create
//! objects decides how many there are. A process that is ended for that begins again with the same work.

use std::time::{Duration, Instant};

/// Passes under way of which nothing has ended for so long will never end. One value takes seconds, and a request
/// has a deadline.
pub(super) const STUCK: Duration = Duration::from_mins(30);

/// What can be seen of the passes at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Passes that have ended so far.
    pub(super) passes_ended: u64,
    /// Jobs of the private-key threads that have ended so far.
    pub(super) jobs_ended: u64,
    /// Passes under way.
    pub(super) running: usize,
}

/// What was seen last, and since when nothing has moved.
#[derive(Debug)]
pub(super) struct Progress {
    seen: Seen,
    since: Instant,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            seen: Seen::default(),
            since: now,
        }
    }

    /// Whether there are passes under way and none of them has got on for too long.
    pub(super) fn is_stuck(&mut self, seen: Seen, now: Instant) -> bool {
        if seen.running == 0 || seen != self.seen {
            *self = Self { seen, since: now };
        }
        now.duration_since(self.since) > STUCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every minute for two hours and says whether that ever looked stuck.
    fn watched(seen: impl Fn(u64) -> Seen) -> bool {
        let start = Instant::now();
        let mut progress = Progress::new(start);
        (0..120).any(|minute| {
            let now = start + Duration::from_mins(minute);
            progress.is_stuck(seen(minute), now)
        })
    }

    #[test]
    fn a_pass_that_opens_values_for_hours_is_not_stuck() {
        assert!(!watched(|minute| Seen {
            jobs_ended: minute / 20,
            running: 8,
            ..Seen::default()
        }));
    }

    #[test]
    fn passes_that_end_are_not_stuck() {
        assert!(!watched(|minute| Seen {
            passes_ended: minute,
            running: 1,
            ..Seen::default()
        }));
    }

    #[test]
    fn nothing_to_do_is_not_stuck() {
        assert!(!watched(|_| Seen::default()));
    }

    #[test]
    fn a_pass_of_which_nothing_ever_ends_is_stuck() {
        assert!(watched(|_| Seen {
            passes_ended: 5,
            jobs_ended: 7,
            running: 1,
        }));
    }
}
