//! The life of the schedule: keys are read, a missing first one is made, and from then on the next one when it is due.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{AtStart, KeysAtStart, Renewal, RenewalRules};

/// The time of day is looked at again at least this often: it may be set, and the machine may sleep.
const LOOK_AGAIN: Duration = Duration::from_hours(1);

/// Between two keys made on schedule.
const REST: Duration = Duration::from_secs(1);

/// Pause after the first key could not be made; doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: as long as there is no key, nothing can be sealed.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// One moment on two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time of day, which decides when keys are due and may be set at any time.
    pub time: Timestamp,
    /// A clock that only goes forward: pauses are kept by it, whatever time of day it is.
    pub instant: Instant,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Act {
    /// Make a key, then say [`made`](Schedule::made) or [`failed`](Schedule::failed).
    Make(Occasion),
    /// Nothing before this, unless the keys change.
    Wait(Instant),
}

/// What a key is made for, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody asked for it.
    Demand,
    /// Somebody wished for it on a key Secret.
    Request,
    /// Its predecessor is old enough.
    Schedule,
    /// There was none at the start, or none young enough.
    Start,
}

impl Occasion {
    /// The words of the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Demand => "on demand",
            Self::Request => "on request",
            Self::Schedule => "on schedule",
            Self::Start => "at start",
        }
    }
}

/// When keys are made. Told of the keys there are and of what became of those it asked for.
#[derive(Clone, Debug)]
pub struct Schedule {
    renewal: Renewal,
    state: State,
    /// No key on schedule before this: whatever the time of day, keys are not made without pause.
    rest_until: Option<Instant>,
}

/// How far the start has come.
#[derive(Clone, Copy, Debug)]
enum State {
    /// It is not known yet which keys there are.
    Listing,
    /// A key has to be made first, not before this.
    Making { after: Instant, pause: Duration },
    /// Done.
    Over,
}

impl Schedule {
    /// A schedule that does not know yet which keys there are.
    pub fn new(rules: RenewalRules) -> Self {
        Self {
            renewal: Renewal::new(rules),
            state: State::Listing,
            rest_until: None,
        }
    }

    /// All keys have been read for the first time. Says what follows, to be told.
    pub fn listed(&mut self, found: KeysAtStart, now: Moment) -> AtStart {
        self.renewal.keys_changed(found.newest);
        let decision = self.renewal.at_start(found);
        self.state = match decision {
            AtStart::Generate(_) => State::Making {
                after: now.instant,
                pause: FIRST_PAUSE,
            },
            AtStart::Proceed | AtStart::WaitForKey | AtStart::NoUsableKey => State::Over,
        };
        decision
    }

    /// Other keys are there than before. Whoever brought one while one was to be made has answered the question.
    pub fn keys_changed(&mut self, found: KeysAtStart) {
        self.renewal.keys_changed(found.newest);
        let wanted = matches!(self.renewal.at_start(found), AtStart::Generate(_));
        if matches!(self.state, State::Making { .. }) && !wanted {
            self.state = State::Over;
        }
    }

    /// Tells whether somebody wishes for a new key that nobody has made yet.
    pub fn requested(&mut self, requested: bool) {
        self.renewal.requested(requested);
    }

    /// Whether the start is done: a missing first key was made, or none is to be expected.
    #[cfg(test)]
    fn is_started(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// What to do now.
    pub fn step(&mut self, now: Moment) -> Act {
        let latest = now.instant + LOOK_AGAIN;
        match self.state {
            State::Listing => Act::Wait(latest),
            State::Making { after, .. } if after <= now.instant => Act::Make(Occasion::Start),
            State::Making { after, .. } => Act::Wait(after.min(latest)),
            State::Over => {
                let due = self.due(now).map(|due| match self.rest_until {
                    Some(rest) => due.max(rest),
                    None => due,
                });
                match due {
                    Some(due) if due <= now.instant => {
                        self.rest_until = Some(now.instant + REST);
                        Act::Make(self.renewal.occasion())
                    }
                    due => Act::Wait(due.map_or(latest, |due| due.min(latest))),
                }
            }
        }
    }

    /// When the next key is due, on the clock that only goes forward.
    fn due(&self, now: Moment) -> Option<Instant> {
        let wait = self.renewal.due()?.duration_since(now.time);
        // Negative: it has been due for a while.
        let wait = Duration::try_from(wait).unwrap_or(Duration::ZERO);
        now.instant.checked_add(wait)
    }

    /// A key was made and stored, for whatever reason.
    pub fn made(&mut self) {
        self.renewal.generated();
        if matches!(self.state, State::Making { .. }) {
            self.state = State::Over;
        }
    }

    /// A key could not be made or stored.
    pub fn failed(&mut self, now: Moment) {
        self.renewal.failed(now.time);
        if let State::Making { pause, .. } = self.state {
            self.state = State::Making {
                after: now.instant + pause,
                pause: pause.saturating_mul(2).min(LONGEST_PAUSE),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::NewestKey;
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    /// A clock that tests move.
    #[derive(Clone, Copy)]
    struct Clock(Moment);

    impl Clock {
        fn new() -> Self {
            Self(Moment {
                time: Timestamp::UNIX_EPOCH,
                instant: Instant::now(),
            })
        }

        fn after(self, wait: Duration) -> Moment {
            Moment {
                time: self.0.time + SignedDuration::try_from(wait).unwrap(),
                instant: self.0.instant + wait,
            }
        }
    }

    fn schedule() -> Schedule {
        Schedule::new(RenewalRules {
            period: Some(SignedDuration::try_from(30 * DAY).unwrap()),
            cutoff: None,
            auto_first_key: true,
        })
    }

    const NONE: KeysAtStart = KeysAtStart {
        secrets: 0,
        newest: None,
    };

    fn one(ordering_time: Timestamp) -> KeysAtStart {
        KeysAtStart {
            secrets: 1,
            newest: Some(NewestKey {
                ordering_time,
                validity: None,
            }),
        }
    }

    #[test]
    fn nothing_is_made_before_the_keys_were_read() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        assert_eq!(schedule.step(now), Act::Wait(now.instant + LOOK_AGAIN));
        assert!(!schedule.is_started());
    }

    #[test]
    fn a_first_key_that_could_not_be_made_is_tried_again_for_ever() {
        let clock = Clock::new();
        let mut schedule = schedule();
        let mut now = clock.after(Duration::ZERO);
        assert!(matches!(schedule.listed(NONE, now), AtStart::Generate(_)));
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert_eq!(schedule.step(now), Act::Make(Occasion::Start));
            schedule.failed(now);
            assert!(!schedule.is_started());
            let Act::Wait(until) = schedule.step(now) else {
                panic!("made without pause");
            };
            waits.push((until - now.instant).as_secs());
            now = clock.after(until - clock.0.instant);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        schedule.made();
        schedule.keys_changed(one(now.time));
        assert!(schedule.is_started());
        assert_eq!(schedule.step(now), Act::Wait(now.instant + LOOK_AGAIN));
    }

    #[test]
    fn a_key_that_somebody_brings_ends_the_attempts() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        let _ = schedule.listed(NONE, now);
        schedule.failed(now);
        schedule.keys_changed(NONE);
        assert!(!schedule.is_started());
        schedule.keys_changed(one(now.time));
        assert!(schedule.is_started());
    }

    #[test]
    fn an_emptied_keyring_begins_no_new_start() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        assert_eq!(schedule.listed(one(now.time), now), AtStart::Proceed);
        schedule.keys_changed(NONE);
        assert!(schedule.is_started());
        assert_eq!(schedule.step(now), Act::Wait(now.instant + LOOK_AGAIN));
    }

    #[test]
    fn a_wish_is_met_at_once_and_never_before_the_keys_were_read() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        schedule.requested(true);
        assert_eq!(schedule.step(now), Act::Wait(now.instant + LOOK_AGAIN));
        let _ = schedule.listed(one(now.time), now);
        assert_eq!(schedule.step(now), Act::Make(Occasion::Request));
        schedule.made();
        schedule.requested(false);
        assert_eq!(schedule.step(now), Act::Wait(now.instant + LOOK_AGAIN));
    }

    #[test]
    fn keys_are_made_when_due_and_never_without_pause() {
        let clock = Clock::new();
        let mut schedule = schedule();
        let _ = schedule.listed(one(clock.0.time), clock.0);
        let due = clock.0.instant + 30 * DAY;
        let now = clock.after(29 * DAY);
        assert_eq!(schedule.step(now), Act::Wait(now.instant + LOOK_AGAIN));
        let now = clock.after(29 * DAY + 24 * LOOK_AGAIN.mul_f64(0.999));
        assert_eq!(schedule.step(now), Act::Wait(due));
        let now = clock.after(30 * DAY);
        assert_eq!(schedule.step(now), Act::Make(Occasion::Schedule));
        schedule.made();
        // The clock was set: the new key is as old as the one before it.
        assert_eq!(schedule.step(now), Act::Wait(now.instant + REST));
    }
}
