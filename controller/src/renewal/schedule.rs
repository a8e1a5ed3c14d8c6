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

impl Moment {
    /// When it will be `time`, unless the time of day is set: now, if that has passed; `None` if no clock goes so far.
    pub fn until(self, time: Timestamp) -> Option<Instant> {
        let wait = time.duration_since(self.time);
        let wait = Duration::try_from(wait).unwrap_or(Duration::ZERO);
        self.instant.checked_add(wait)
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Act {
    /// Make a key, then say [`made`](Schedule::made) or [`failed`](Schedule::failed).
    Make(Occasion),
    /// Nothing before this, unless the keys change or somebody asks for one.
    Wait(Instant),
}

/// The part of this process in making keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It makes every key that is due.
    Leads,
    /// Another process does; it makes those alone that it was itself asked for.
    Follows,
    /// It is not known yet which of both.
    Undecided,
    /// It writes nothing.
    Observes,
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
    /// No key after the first before this: whatever the time of day, keys are not made without pause.
    rest_until: Option<Instant>,
}

/// How far the start has come.
#[derive(Clone, Copy, Debug)]
enum State {
    /// It is not known yet which keys there are.
    Listing,
    /// A key has to be made first.
    Making {
        /// Not before this.
        after: Instant,
        /// The pause after the next failure.
        pause: Duration,
        /// Whether it failed already.
        failed: bool,
    },
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
                failed: false,
            },
            AtStart::Proceed | AtStart::WaitForKey | AtStart::NoUsableKey => State::Over,
        };
        decision
    }

    /// These keys are there, and others than before perhaps. Whoever brought one while one was to be made has answered
    /// the question.
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

    /// Somebody asks this very process for a new key. That holds until one is made.
    pub fn demanded(&mut self) {
        self.renewal.demanded();
    }

    /// Whether work may begin: the keys have been read, and none is made first.
    ///
    /// A key that is to replace others is tried once before that, so that the old one is not offered any more where
    /// that can be helped. When it cannot be made, or is another's to make, what the others open must not wait for it.
    pub fn is_ready(&self, part: Part) -> bool {
        let others = self.renewal.newest.is_some();
        match (self.state, part) {
            (State::Listing, _) | (State::Making { .. }, Part::Undecided) => false,
            (State::Making { .. }, Part::Follows) => others,
            (State::Making { failed, .. }, Part::Leads) => others && failed,
            (State::Making { .. }, Part::Observes) | (State::Over, _) => true,
        }
    }

    /// What to do now, with this part in it.
    pub fn step(&mut self, now: Moment, part: Part) -> Act {
        let latest = now.instant + LOOK_AGAIN;
        match self.next(now, part) {
            Some((due, occasion)) if due <= now.instant => {
                self.rest_until = Some(now.instant + REST);
                Act::Make(occasion)
            }
            Some((due, _)) => Act::Wait(due.min(latest)),
            None => Act::Wait(latest),
        }
    }

    /// The next key that this process makes, and when.
    fn next(&self, now: Moment, part: Part) -> Option<(Instant, Occasion)> {
        let due = match (self.state, part) {
            (State::Listing, _) | (_, Part::Observes) => return None,
            (State::Making { after, .. }, Part::Leads) => return Some((after, Occasion::Start)),
            (State::Over, Part::Leads) => self.renewal.due(),
            (_, Part::Follows | Part::Undecided) => self.renewal.due_on_demand(),
        };
        let due = now.until(due?)?;
        let due = self.rest_until.map_or(due, |rest| due.max(rest));
        Some((due, self.renewal.occasion()))
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
                failed: true,
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
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + LOOK_AGAIN)
        );
        assert!(!schedule.is_ready(Part::Leads));
    }

    #[test]
    fn a_first_key_that_could_not_be_made_is_tried_again_for_ever() {
        let clock = Clock::new();
        let mut schedule = schedule();
        let mut now = clock.after(Duration::ZERO);
        assert!(matches!(schedule.listed(NONE, now), AtStart::Generate(_)));
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert_eq!(schedule.step(now, Part::Leads), Act::Make(Occasion::Start));
            schedule.failed(now);
            assert!(!schedule.is_ready(Part::Leads));
            let Act::Wait(until) = schedule.step(now, Part::Leads) else {
                panic!("made without pause");
            };
            waits.push((until - now.instant).as_secs());
            now = clock.after(until - clock.0.instant);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        schedule.made();
        schedule.keys_changed(one(now.time));
        assert!(schedule.is_ready(Part::Leads));
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + LOOK_AGAIN)
        );
    }

    #[test]
    fn a_key_that_somebody_brings_ends_the_attempts() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        let _ = schedule.listed(NONE, now);
        schedule.failed(now);
        schedule.keys_changed(NONE);
        assert!(!schedule.is_ready(Part::Leads));
        schedule.keys_changed(one(now.time));
        assert!(schedule.is_ready(Part::Leads));
    }

    #[test]
    fn an_emptied_keyring_begins_no_new_start() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        assert_eq!(schedule.listed(one(now.time), now), AtStart::Proceed);
        schedule.keys_changed(NONE);
        assert!(schedule.is_ready(Part::Leads));
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + LOOK_AGAIN)
        );
    }

    #[test]
    fn a_wish_is_met_at_once_and_never_before_the_keys_were_read() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let mut schedule = schedule();
        schedule.requested(true);
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + LOOK_AGAIN)
        );
        let _ = schedule.listed(one(now.time), now);
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Make(Occasion::Request)
        );
        schedule.made();
        schedule.requested(false);
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + LOOK_AGAIN)
        );
    }

    #[test]
    fn keys_are_made_when_due_and_never_without_pause() {
        let clock = Clock::new();
        let mut schedule = schedule();
        let _ = schedule.listed(one(clock.0.time), clock.0);
        let due = clock.0.instant + 30 * DAY;
        let now = clock.after(29 * DAY);
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + LOOK_AGAIN)
        );
        let now = clock.after(29 * DAY + 24 * LOOK_AGAIN.mul_f64(0.999));
        assert_eq!(schedule.step(now, Part::Leads), Act::Wait(due));
        let now = clock.after(30 * DAY);
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Make(Occasion::Schedule)
        );
        schedule.made();
        // The clock was set: the new key is as old as the one before it.
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + REST)
        );
    }

    /// A schedule that has replaced its key when it was made before this.
    fn with_cutoff(cutoff: Timestamp) -> Schedule {
        Schedule::new(RenewalRules {
            period: None,
            cutoff: Some(cutoff),
            auto_first_key: true,
        })
    }

    #[test]
    fn work_waits_for_the_first_key_and_not_for_one_that_cannot_replace_others() {
        let clock = Clock::new();
        let now = clock.after(Duration::ZERO);
        let old = one(now.time - SignedDuration::from_hours(1));
        let parts = [Part::Leads, Part::Follows, Part::Undecided, Part::Observes];
        let ready = |schedule: &Schedule| parts.map(|part| schedule.is_ready(part));
        let mut schedule = with_cutoff(now.time);
        schedule.keys_changed(old);
        assert_eq!(ready(&schedule), [false; 4], "some may be missing");

        // The leader tries once before the old key is used. A follower cannot know what the leader thinks of it.
        assert!(matches!(schedule.listed(old, now), AtStart::Generate(_)));
        assert_eq!(ready(&schedule), [false, true, false, true]);
        assert_eq!(schedule.step(now, Part::Leads), Act::Make(Occasion::Start));
        schedule.failed(now);
        assert_eq!(ready(&schedule), [true, true, false, true]);
        assert_eq!(
            schedule.step(now, Part::Leads),
            Act::Wait(now.instant + FIRST_PAUSE),
            "it is tried again"
        );
        schedule.made();
        assert_eq!(ready(&schedule), [true; 4]);

        let mut schedule = with_cutoff(now.time);
        assert!(matches!(schedule.listed(NONE, now), AtStart::Generate(_)));
        schedule.failed(now);
        assert_eq!(ready(&schedule), [false, false, false, true]);
    }

    #[test]
    fn who_does_not_lead_makes_what_it_was_asked_for_and_who_observes_nothing() {
        let clock = Clock::new();
        let now = clock.after(31 * DAY);
        let wait = Act::Wait(now.instant + LOOK_AGAIN);
        for part in [Part::Follows, Part::Undecided, Part::Observes] {
            let mut schedule = schedule();
            schedule.demanded();
            assert_eq!(
                schedule.step(now, part),
                wait,
                "not before the keys are read"
            );
            let _ = schedule.listed(one(clock.0.time), now);
            let expected = match part {
                Part::Observes => wait,
                _ => Act::Make(Occasion::Demand),
            };
            assert_eq!(schedule.step(now, part), expected);
            schedule.made();
            schedule.requested(true);
            assert_eq!(schedule.step(now, part), wait, "the leader's business");
        }
    }

    #[test]
    fn a_demand_holds_until_a_key_is_made() {
        let clock = Clock::new();
        for part in [Part::Leads, Part::Follows] {
            let mut schedule = schedule();
            let now = clock.after(Duration::ZERO);
            let _ = schedule.listed(one(now.time), now);
            schedule.demanded();
            assert_eq!(schedule.step(now, part), Act::Make(Occasion::Demand));
            schedule.failed(now);
            let again = now.instant + Duration::from_secs(10);
            assert_eq!(schedule.step(now, part), Act::Wait(again));
            let now = clock.after(Duration::from_secs(10));
            assert_eq!(schedule.step(now, part), Act::Make(Occasion::Demand));
            schedule.failed(now);

            // Whoever asks again has removed what stood in the way, and does not want to wait.
            let now = clock.after(Duration::from_secs(12));
            schedule.demanded();
            assert_eq!(schedule.step(now, part), Act::Make(Occasion::Demand));
            schedule.made();
            schedule.keys_changed(one(now.time));
            assert_eq!(
                schedule.step(now, part),
                Act::Wait(now.instant + LOOK_AGAIN),
                "one key for both"
            );
        }
    }
}
