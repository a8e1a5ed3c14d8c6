//! When a new sealing key is due.
//!
//! Pure: the schedule follows from the newest key and the rules, so that a restart neither shifts
//! nor loses it. Generating and storing the key is the shell's.

mod schedule;

use jiff::{SignedDuration, Timestamp};
use sealed_crypto::{Keyring, SealingKey};

pub use self::schedule::{Act, Moment, Occasion, Part, Schedule};
use crate::config::KeyConfig;

/// A certificate is replaced this long before it ends, or a tenth of its life if that is less:
/// whoever fetched it last week should still be able to seal with it next week.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the flags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalRules {
    /// `--key-renew-period`; `None` when it is zero, which switches the schedule off.
    pub period: Option<SignedDuration>,
    /// `--key-cutoff-time`: a newest key older than this is replaced at the start.
    pub cutoff: Option<Timestamp>,
    /// `--auto-first-key`: whether a cluster without any key gets one.
    pub auto_first_key: bool,
}

/// Those properties of the newest key that decide when it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewestKey {
    /// When it came into use.
    pub ordering_time: Timestamp,
    /// The validity of its certificate, if it has one.
    pub validity: Option<(Timestamp, Timestamp)>,
}

impl NewestKey {
    /// The key that is offered for sealing at `now`, else the newest there is.
    ///
    /// A key dated into the future is not offered and must not stop the renewal of the one that
    /// is.
    pub fn of(keyring: &Keyring, now: Timestamp) -> Option<Self> {
        let key = keyring.current(now).or_else(|| keyring.iter().next())?;
        Some(Self::from(&**key))
    }
}

impl From<&SealingKey> for NewestKey {
    fn from(key: &SealingKey) -> Self {
        Self {
            ordering_time: key.ordering_time(),
            validity: key
                .certificate()
                .map(|certificate| (certificate.not_before(), certificate.not_after())),
        }
    }
}

impl From<&KeyConfig> for RenewalRules {
    fn from(config: &KeyConfig) -> Self {
        Self {
            period: config.renew_period,
            cutoff: config.cutoff,
            auto_first_key: config.auto_first_key,
        }
    }
}

/// What the controller finds in its namespace when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysAtStart {
    /// How many key Secrets there are that are meant to be used, readable or not.
    pub secrets: usize,
    /// The newest of those that can be used.
    pub newest: Option<NewestKey>,
}

/// What to do before anything listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtStart {
    /// Go on with the keys there are.
    Proceed,
    /// Generate a key first.
    Generate(Why),
    /// Go on without any key: the operator brings one (`--auto-first-key=false`).
    WaitForKey,
    /// Go on without any key: there are key Secrets, but none can be used. A new key would hide
    /// that, and everything sealed so far would stay closed.
    NoUsableKey,
}

/// Why a key is generated, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The newest key is older than `--key-cutoff-time`.
    Cutoff,
    /// There is no key at all.
    FirstStart,
}

/// The schedule, with the memory it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    rules: RenewalRules,
    newest: Option<NewestKey>,
    requested: bool,
    demanded: bool,
}

impl Renewal {
    /// A schedule that knows of no key yet.
    pub fn new(rules: RenewalRules) -> Self {
        Self {
            rules,
            newest: None,
            requested: false,
            demanded: false,
        }
    }

    /// What to do with the keys found at the start.
    pub fn at_start(&self, found: KeysAtStart) -> AtStart {
        match (found.newest, self.rules.cutoff) {
            (Some(newest), Some(cutoff)) if newest.ordering_time < cutoff => {
                AtStart::Generate(Why::Cutoff)
            }
            (Some(_), _) => AtStart::Proceed,
            (None, _) if found.secrets > 0 => AtStart::NoUsableKey,
            (None, _) if self.rules.auto_first_key => AtStart::Generate(Why::FirstStart),
            (None, _) => AtStart::WaitForKey,
        }
    }

    /// Tells the schedule which key is the newest.
    ///
    /// An emptied keyring changes nothing: deleting all keys must not make a new one appear
    /// before its time, while the operator is about to restore the old ones.
    pub fn keys_changed(&mut self, newest: Option<NewestKey>) {
        self.newest = newest.or(self.newest);
    }

    /// Tells whether somebody wishes for a new key that nobody has made yet. Such a wish counts with the schedule
    /// switched off, too.
    pub fn requested(&mut self, requested: bool) {
        self.requested = requested;
    }

    /// Somebody asks this process for a new key. That holds until one is made.
    pub fn demanded(&mut self) {
        self.demanded = true;
    }

    /// What the key that is due is made for.
    pub fn occasion(&self) -> Occasion {
        if self.demanded {
            Occasion::Demand
        } else if self.requested {
            Occasion::Request
        } else {
            Occasion::Schedule
        }
    }

    /// A key was generated and stored.
    pub fn generated(&mut self) {
        self.demanded = false;
    }

    /// When the next key is due: in the past means now, `None` never.
    pub fn due(&self) -> Option<Timestamp> {
        if self.demanded || self.requested {
            return Some(Timestamp::MIN);
        }
        self.due_on_schedule()
    }

    /// The same for a process that leaves all else to another one.
    pub fn due_on_demand(&self) -> Option<Timestamp> {
        self.due().filter(|_| self.demanded)
    }

    fn due_on_schedule(&self) -> Option<Timestamp> {
        let period = self.rules.period?;
        let newest = self.newest?;
        let by_age = later(newest.ordering_time, period);
        let by_expiry = newest
            .validity
            .and_then(|(from, until)| before_expiry(from, until));
        Some(by_expiry.map_or(by_age, |by_expiry| by_age.min(by_expiry)))
    }
}

/// When to replace a certificate because of its end. One that never was valid says nothing: a
/// negative `--key-ttl` makes only such certificates, and would renew without end.
fn before_expiry(from: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let life = until.duration_since(from);
    let margin = EXPIRY_MARGIN.min(life / 10);
    (life > SignedDuration::ZERO).then(|| until.checked_sub(margin).unwrap_or(Timestamp::MIN))
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    fn key(ordering: i64, validity: Option<(i64, i64)>) -> NewestKey {
        NewestKey {
            ordering_time: at(ordering),
            validity: validity.map(|(from, until)| (at(from), at(until))),
        }
    }

    fn rules(period: i64) -> RenewalRules {
        RenewalRules {
            period: (period > 0).then(|| SignedDuration::from_secs(period)),
            cutoff: None,
            auto_first_key: true,
        }
    }

    #[rstest]
    #[case::a_period_after_the_newest_key(30 * DAY, key(0, Some((0, 3_650 * DAY))), Some(30 * DAY))]
    #[case::before_the_certificate_ends(720 * DAY, key(0, Some((0, 365 * DAY))), Some(335 * DAY))]
    #[case::a_tenth_before_the_end_of_a_short_life(30 * DAY, key(0, Some((0, 10 * HOUR))), Some(9 * HOUR))]
    #[case::at_once_when_it_has_ended_long_ago(30 * DAY, key(900 * DAY, Some((0, DAY))), Some(DAY - DAY / 10))]
    #[case::a_period_when_it_never_was_valid(30 * DAY, key(0, Some((0, -DAY))), Some(30 * DAY))]
    #[case::a_period_without_certificate(30 * DAY, key(DAY, None), Some(31 * DAY))]
    #[case::never_when_the_schedule_is_off(0, key(0, Some((0, DAY))), None)]
    fn the_next_key_is_due(
        #[case] period: i64,
        #[case] newest: NewestKey,
        #[case] due: Option<i64>,
    ) {
        let mut renewal = Renewal::new(rules(period));
        renewal.keys_changed(Some(newest));
        assert_eq!(renewal.due(), due.map(at));
    }

    #[test]
    fn nothing_is_due_before_there_ever_was_a_key() {
        assert_eq!(Renewal::new(rules(DAY)).due(), None);
    }

    #[test]
    fn an_emptied_keyring_does_not_bring_the_next_key_forward() {
        let mut renewal = Renewal::new(rules(30 * DAY));
        renewal.keys_changed(Some(key(0, None)));
        renewal.keys_changed(None);
        assert_eq!(renewal.due(), Some(at(30 * DAY)));
    }

    #[test]
    fn a_wish_is_due_at_once_with_the_schedule_off_too() {
        for period in [0, 30 * DAY] {
            let mut renewal = Renewal::new(rules(period));
            renewal.keys_changed(Some(key(0, None)));
            let before = renewal.due();
            assert_eq!(renewal.occasion(), Occasion::Schedule);
            renewal.requested(true);
            assert_eq!(renewal.occasion(), Occasion::Request);
            assert!(renewal.due().is_some_and(|due| due < at(0)));
            renewal.requested(false);
            assert_eq!(renewal.due(), before);
        }
    }

    #[rstest]
    #[case::the_first_start_makes_a_key(0, None, None, true, AtStart::Generate(Why::FirstStart))]
    #[case::unless_the_operator_brings_it(0, None, None, false, AtStart::WaitForKey)]
    #[case::broken_key_secrets_are_not_papered_over(2, None, None, true, AtStart::NoUsableKey)]
    #[case::a_key_is_enough(1, Some(5), None, true, AtStart::Proceed)]
    #[case::a_key_before_the_cutoff_is_replaced(
        1,
        Some(5),
        Some(6),
        true,
        AtStart::Generate(Why::Cutoff)
    )]
    #[case::a_key_at_the_cutoff_is_not(1, Some(6), Some(6), true, AtStart::Proceed)]
    #[case::the_cutoff_counts_without_auto_first_key(
        1,
        Some(5),
        Some(6),
        false,
        AtStart::Generate(Why::Cutoff)
    )]
    #[case::a_cutoff_makes_no_broken_key_good(1, None, Some(6), true, AtStart::NoUsableKey)]
    fn at_the_start(
        #[case] secrets: usize,
        #[case] newest: Option<i64>,
        #[case] cutoff: Option<i64>,
        #[case] auto_first_key: bool,
        #[case] expected: AtStart,
    ) {
        let renewal = Renewal::new(RenewalRules {
            cutoff: cutoff.map(at),
            auto_first_key,
            ..rules(DAY)
        });
        let newest = newest.map(|ordering| key(ordering, None));
        assert_eq!(renewal.at_start(KeysAtStart { secrets, newest }), expected);
    }
}
