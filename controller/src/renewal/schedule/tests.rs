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

#[test]
fn a_key_that_could_not_be_made_is_tried_again_soon_then_hourly() {
    let clock = Clock::new();
    let mut schedule = schedule();
    let _ = schedule.listed(one(clock.0.time), clock.0);
    let mut now = clock.after(30 * DAY);
    let mut waits = Vec::new();
    for _ in 0..11 {
        let act = schedule.step(now, Part::Leads);
        assert_eq!(act, Act::Make(Occasion::Schedule));
        schedule.failed(now);
        let Act::Wait(until) = schedule.step(now, Part::Leads) else {
            panic!("made without pause");
        };
        waits.push((until - now.instant).as_secs());
        now = clock.after(until - clock.0.instant);
    }
    let hour = 3_600;
    assert_eq!(
        waits,
        [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, hour, hour]
    );
    let _ = schedule.step(now, Part::Leads);
    schedule.made();
    schedule.keys_changed(one(now.time));
    let next = clock.after(now.instant - clock.0.instant + 30 * DAY);
    assert_eq!(
        schedule.step(next, Part::Leads),
        Act::Make(Occasion::Schedule)
    );
    schedule.failed(next);
    assert_eq!(
        schedule.step(next, Part::Leads),
        Act::Wait(next.instant + FIRST_RETRY)
    );
}

#[test]
fn a_failure_never_makes_a_key_due_earlier() {
    let clock = Clock::new();
    let mut schedule = schedule();
    let _ = schedule.listed(one(clock.0.time), clock.0);
    schedule.failed(clock.after(DAY));
    let now = clock.after(DAY + FIRST_RETRY);
    assert_eq!(
        schedule.step(now, Part::Leads),
        Act::Wait(now.instant + LOOK_AGAIN)
    );
}

#[test]
fn a_clock_that_is_set_back_prolongs_no_pause() {
    let clock = Clock::new();
    let mut schedule = schedule();
    let now = clock.after(DAY);
    let _ = schedule.listed(one(now.time), now);
    schedule.requested(true);
    assert_eq!(
        schedule.step(now, Part::Leads),
        Act::Make(Occasion::Request)
    );
    schedule.failed(now);
    let set_back = Moment {
        time: clock.0.time,
        instant: now.instant + FIRST_RETRY,
    };
    assert_eq!(
        schedule.step(set_back, Part::Leads),
        Act::Make(Occasion::Request)
    );
}
