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

/// Pause after any other key could not be made; doubles.
const FIRST_RETRY: Duration = Duration::from_secs(10);

/// The longest of those. Upstream waits a whole renewal period.
const LONGEST_RETRY: Duration = Duration::from_hours(1);

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
    /// The pause after the next failure.
    retry: Duration,
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
            retry: FIRST_RETRY,
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

    /// Somebody asks this very process for a new key: at once, whatever failed before. That holds until one is made.
    pub fn demanded(&mut self) {
        self.renewal.demanded();
        self.rest_until = None;
        self.retry = FIRST_RETRY;
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
        self.retry = FIRST_RETRY;
        if matches!(self.state, State::Making { .. }) {
            self.state = State::Over;
        }
    }

    /// A key could not be made or stored.
    pub fn failed(&mut self, now: Moment) {
        self.rest_until = Some(now.instant + self.retry);
        self.retry = self.retry.saturating_mul(2).min(LONGEST_RETRY);
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
mod tests;
