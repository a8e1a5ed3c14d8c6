//! Secrets that outlive their SealedSecret for a while: `--retain-deleted`.
//!
//! An owner reference makes the garbage collector delete a Secret in the moment its SealedSecret goes, so that a type
//! that is deleted by mistake, or an application that is pruned, takes every Secret with it. Here the Secret carries a
//! mark instead, and this program deletes it itself, later, and not at all when many lose their SealedSecrets together.
//!
//! All that is known stands on the Secrets: a restart forgets nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::{self, annotations};

use crate::object_key::ObjectKey;

/// Those that lose their SealedSecrets in so short a time do so for one reason.
const TOGETHER: SignedDuration = SignedDuration::from_mins(1);

/// What the flags say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetainRule {
    /// How long a Secret outlives its SealedSecret.
    pub grace: Duration,
    /// When more than these lose their SealedSecrets within a minute, none of them is deleted.
    pub per_minute: usize,
}

/// Makes a Secret to be written one that is retained: with a mark instead of the owner reference.
///
/// `managed` lets the existing controller take it over should it come back.
pub fn retain(wanted: &mut Secret, uid: &str) {
    let mark = mark(&wanted.metadata, uid);
    let metadata = &mut wanted.metadata;
    let owners = metadata.owner_references.get_or_insert_default();
    let before = owners.len();
    owners.retain(|owner| owner.uid != uid);
    if owners.len() == before {
        // It asked for none: it is nobody's to delete.
        return;
    }
    let marks = [
        (annotations::RETAINED, mark),
        (annotations::MANAGED, names::TRUE.to_owned()),
    ];
    let marks = marks.map(|(name, value)| (name.to_owned(), value));
    metadata.annotations.get_or_insert_default().extend(marks);
}

/// The mark: of which SealedSecret, and on which Secret. A copy of the Secret under another name, or in another
/// namespace, is nothing that anybody asked to have deleted.
fn mark(secret: &ObjectMeta, uid: &str) -> String {
    let place = [&secret.namespace, &secret.name].map(|part| part.as_deref().unwrap_or_default());
    format!("{uid} {}", place.join("/"))
}

/// The uid of the SealedSecret that a retained Secret is of.
pub fn retained_for(secret: &ObjectMeta) -> Option<&str> {
    let text = secret.annotations.as_ref()?.get(annotations::RETAINED)?;
    let (uid, _) = text.split_once(' ')?;
    (*text == mark(secret, uid)).then_some(uid)
}

/// Takes off what only this controller may say. A template could otherwise mark a Secret that nobody retains.
pub fn unmark(wanted: &mut Secret) {
    if let Some(all) = &mut wanted.metadata.annotations {
        all.remove(annotations::RETAINED);
        all.remove(annotations::ORPHANED);
    }
}

/// A retained Secret whose SealedSecret is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphaned {
    /// Since when.
    pub since: Timestamp,
    /// Whether it is one of too many, and stays.
    pub held: bool,
}

const HELD: &str = " held";

impl Orphaned {
    /// What a Secret says of itself. What cannot be read says nothing.
    pub fn of(secret: &ObjectMeta) -> Option<Self> {
        let text = secret.annotations.as_ref()?.get(annotations::ORPHANED)?;
        let (since, held) = match text.strip_suffix(HELD) {
            Some(since) => (since, true),
            None => (text.as_str(), false),
        };
        Some(Self {
            since: since.parse().ok()?,
            held,
        })
    }
}

impl fmt::Display for Orphaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = if self.held { HELD } else { "" };
        write!(f, "{:.0}{held}", self.since)
    }
}

/// Whether a Secret says that its SealedSecret is gone, in words that can be read or not.
pub fn is_orphaned(secret: &ObjectMeta) -> bool {
    let annotations = secret.annotations.as_ref();
    annotations.is_some_and(|all| all.contains_key(annotations::ORPHANED))
}

/// A retained Secret, and whether there is a SealedSecret of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Whether there is one.
    pub sealed: bool,
    /// What the Secret says of itself.
    pub orphaned: Option<Orphaned>,
}

/// What to do with a retained Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Burial {
    /// Nothing, for now.
    Wait,
    /// To write on it since when it has no SealedSecret, and whether it stays for that.
    Mark(Orphaned),
    /// To take that off it again: its SealedSecret is back.
    Unmark,
    /// To delete it.
    Delete,
}

/// Decides about all retained Secrets together.
pub fn bury(
    all: &BTreeMap<ObjectKey, Remains>,
    rule: RetainRule,
    now: Timestamp,
) -> BTreeMap<ObjectKey, Burial> {
    // A clock that was wrong when it was marked must not make it older or keep it for ever.
    let since = |remains: &Remains| {
        remains
            .orphaned
            .map_or(now, |orphaned| orphaned.since.min(now))
    };
    // A loss in the future is no loss of this moment: a note could otherwise make every moment one of many losses.
    let mut losses: Vec<Timestamp> = all
        .values()
        .filter(|remains| !remains.sealed)
        .filter(|remains| {
            remains
                .orphaned
                .is_none_or(|orphaned| orphaned.since <= now)
        })
        .map(since)
        .collect();
    losses.sort_unstable();
    let together = |moment: Timestamp| {
        let near = |other: &Timestamp| other.duration_since(moment).abs() < TOGETHER;
        let first = losses.partition_point(|other| *other < moment && !near(other));
        losses[first..].partition_point(near)
    };
    let decide = |remains: &Remains| {
        let since = since(remains);
        let age = now.duration_since(since);
        match remains.orphaned {
            orphaned if remains.sealed => orphaned.map_or(Burial::Wait, |_| Burial::Unmark),
            Some(Orphaned { held: true, .. }) => Burial::Wait,
            _ if together(since) > rule.per_minute => Burial::Mark(Orphaned { since, held: true }),
            None => Burial::Mark(Orphaned { since, held: false }),
            Some(_)
                if age >= SignedDuration::try_from(rule.grace).unwrap_or(SignedDuration::MAX) =>
            {
                Burial::Delete
            }
            Some(_) => Burial::Wait,
        }
    };
    all.iter()
        .map(|(key, remains)| (key.clone(), decide(remains)))
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use sealed_api::names::annotations::{MANAGED, ORPHANED, RETAINED};

    use super::*;

    const RULE: RetainRule = RetainRule {
        grace: Duration::from_hours(1),
        per_minute: 2,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).expect("in range")
    }

    fn orphaned(since: i64) -> Orphaned {
        Orphaned {
            since: at(since),
            held: false,
        }
    }

    fn held(since: i64) -> Orphaned {
        Orphaned {
            since: at(since),
            held: true,
        }
    }

    fn without_sealed_secret(orphaned: Option<Orphaned>) -> Remains {
        Remains {
            sealed: false,
            orphaned,
        }
    }

    fn buried(all: &[Remains]) -> Vec<Burial> {
        let all = (0..)
            .map(|number: u32| ObjectKey::new("web", format!("{number:03}")))
            .zip(all.iter().copied());
        bury(&all.collect(), RULE, at(0)).into_values().collect()
    }

    #[rstest]
    #[case::with_its_sealed_secret(Remains { sealed: true, orphaned: None }, Burial::Wait)]
    #[case::whose_sealed_secret_is_back(Remains { sealed: true, orphaned: Some(orphaned(-7200)) }, Burial::Unmark)]
    #[case::held_whose_sealed_secret_is_back(Remains { sealed: true, orphaned: Some(held(-7200)) }, Burial::Unmark)]
    #[case::just_lost(without_sealed_secret(None), Burial::Mark(Orphaned { since: at(0), held: false }))]
    #[case::in_its_grace(without_sealed_secret(Some(orphaned(-3599))), Burial::Wait)]
    #[case::after_its_grace(without_sealed_secret(Some(orphaned(-3600))), Burial::Delete)]
    #[case::marked_by_a_clock_that_is_ahead(
        without_sealed_secret(Some(orphaned(9999))),
        Burial::Wait
    )]
    #[case::held(without_sealed_secret(Some(held(-999_999))), Burial::Wait)]
    fn a_retained_secret(#[case] remains: Remains, #[case] expected: Burial) {
        assert_eq!(buried(&[remains]), [expected]);
    }

    #[test]
    fn those_that_are_lost_together_stay() {
        let lost = without_sealed_secret(None);
        let hold = |since| {
            Burial::Mark(Orphaned {
                since: at(since),
                held: true,
            })
        };
        let mark = Burial::Mark(Orphaned {
            since: at(0),
            held: false,
        });
        assert_eq!(buried(&[lost; 2]), [mark; 2]);
        assert_eq!(buried(&[lost; 3]), [hold(0); 3]);

        // Those that were lost a moment before are some of them, and so are late ones, whatever the clock.
        let before = without_sealed_secret(Some(orphaned(-59)));
        assert_eq!(buried(&[before, lost, lost]), [hold(-59), hold(0), hold(0)]);
        let old = [-3700, -3690, -3680].map(|since| without_sealed_secret(Some(orphaned(since))));
        assert_eq!(buried(&old), [hold(-3700), hold(-3690), hold(-3680)]);
        let stayed = [held(-30), held(-20)].map(|one| without_sealed_secret(Some(one)));
        let all = [stayed[0], stayed[1], lost];
        assert_eq!(buried(&all), [Burial::Wait, Burial::Wait, hold(0)]);

        // A note from the future makes no crowd of others.
        let future = without_sealed_secret(Some(held(9999)));
        assert_eq!(buried(&[future, future, future, lost])[3], mark);

        // That most of a crowd are back changes nothing for the rest.
        let back = Remains {
            sealed: true,
            orphaned: Some(held(-30)),
        };
        let all = [back, back, stayed[0]];
        assert_eq!(buried(&all), [Burial::Unmark, Burial::Unmark, Burial::Wait]);
    }

    #[test]
    fn one_after_the_other_is_no_crowd() {
        let all: Vec<_> = (0..50)
            .map(|number| without_sealed_secret(Some(orphaned(-4000 - number * 60))))
            .collect();
        assert_eq!(buried(&all), [Burial::Delete; 50]);
    }

    #[test]
    fn the_mark_takes_the_place_of_the_owner() {
        let owner = |uid: &str| k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
            uid: uid.to_owned(),
            ..Default::default()
        };
        let mut secret = Secret::default();
        secret.metadata.namespace = Some("web".to_owned());
        secret.metadata.name = Some("app".to_owned());
        secret.metadata.owner_references = Some(vec![owner("u1"), owner("u7")]);
        retain(&mut secret, "u1");
        assert_eq!(secret.metadata.owner_references, Some(vec![owner("u7")]));
        assert_eq!(retained_for(&secret.metadata), Some("u1"));
        let annotations = secret.metadata.annotations.clone().unwrap_or_default();
        assert_eq!(annotations.keys().collect::<Vec<_>>(), [RETAINED, MANAGED]);

        // A copy is not retained, whatever it says.
        for change in [
            |copy: &mut ObjectMeta| copy.namespace = Some("other".to_owned()),
            |copy: &mut ObjectMeta| copy.name = Some("copy".to_owned()),
        ] {
            let mut copy = secret.metadata.clone();
            change(&mut copy);
            assert_eq!(retained_for(&copy), None);
        }
        unmark(&mut secret);
        assert_eq!(retained_for(&secret.metadata), None);

        let mut unowned = Secret::default();
        retain(&mut unowned, "u1");
        assert_eq!(retained_for(&unowned.metadata), None);
    }

    #[test]
    fn what_is_written_on_a_secret_is_read_again() {
        for orphaned in [orphaned(5), held(5)] {
            let text = orphaned.to_string();
            let secret = ObjectMeta {
                annotations: Some([(ORPHANED.to_owned(), text)].into()),
                ..ObjectMeta::default()
            };
            assert_eq!(Orphaned::of(&secret), Some(orphaned));
            assert!(is_orphaned(&secret));
        }
        let junk = ObjectMeta {
            annotations: Some([(ORPHANED.to_owned(), "yesterday".to_owned())].into()),
            ..ObjectMeta::default()
        };
        assert_eq!(Orphaned::of(&junk), None);
        assert!(is_orphaned(&junk));
        assert_eq!(Orphaned::of(&ObjectMeta::default()), None);
    }
}
