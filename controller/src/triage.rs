//! The first decision: does an object need work at all, and which keys first.
//!
//! Opening a value costs milliseconds and everything else next to nothing, so most events end
//! here: the echo of our own writes, a relist, a hand edit of a label, a retry of something that
//! still stands in the way.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_crypto::{Fingerprint, KeyOrder, Keyring};

use crate::content::ContentKey;
use crate::drift::Handling;
use crate::memory::{Done, Facts, KeySet, TargetRecord};
use crate::outcome::{Cause, Failure, Outcome};
use crate::ownership::Standing;
use crate::queue::Verdict;

/// Everything the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The object's name.
    pub name: &'a str,
    /// The object as it is.
    pub facts: &'a Facts,
    /// The keys it claims to be sealed for.
    pub hinted: &'a [Fingerprint],
    /// When it was probably sealed.
    pub written_at: Option<Timestamp>,
    /// How the last pass over it ended.
    pub last: Option<&'a Done>,
    /// Whether its Secret may have changed since.
    pub doubt: &'a Doubt,
    /// Its Secret, if somebody looked.
    pub target: Target<'a>,
    /// What tells whether the Secret still holds what was left in it.
    pub content_key: &'a ContentKey,
    /// The keys there are.
    pub keys: &'a KeySet,
    /// The keys that opened something last, in its namespace and anywhere.
    pub recent: &'a [Fingerprint],
}

/// What is known of a Secret at this moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// Nobody looked.
    Unknown,
    /// There is none.
    Absent,
    /// It is there.
    Present(&'a Secret),
}

impl<'a> From<Option<&'a Secret>> for Target<'a> {
    fn from(secret: Option<&'a Secret>) -> Self {
        secret.map_or(Self::Absent, Self::Present)
    }
}

/// News of a Secret that nobody has looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is no news.
    No,
    /// It disappeared.
    Gone,
    /// It is there, like this.
    Changed {
        /// Its uid.
        uid: String,
        /// What its metadata says.
        standing: Standing,
        /// Its version.
        resource_version: String,
    },
}

impl Doubt {
    /// The news that a watch brings about the Secret of the SealedSecret `name` with this `uid`.
    pub fn about(secret: Option<&ObjectMeta>, name: &str, uid: &str) -> Self {
        secret.map_or(Self::Gone, |secret| Self::Changed {
            uid: secret.uid.clone().unwrap_or_default(),
            standing: Standing::of(secret, name, uid),
            resource_version: secret.resource_version.clone().unwrap_or_default(),
        })
    }

    /// Whether the news is no more than what `record` says: the same Secret, as it was.
    pub fn is_settled_by(&self, record: Option<&TargetRecord>) -> bool {
        match (self, record) {
            (Self::No, _) | (Self::Gone, None) => true,
            (Self::Gone, Some(_)) | (Self::Changed { .. }, None) => false,
            (
                Self::Changed {
                    uid,
                    standing,
                    resource_version,
                },
                Some(record),
            ) => {
                *uid == record.uid
                    && *standing == record.standing
                    && record
                        .content
                        .as_ref()
                        .is_none_or(|content| content.resource_version == *resource_version)
            }
        }
    }
}

/// What an object needs.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Triage {
    /// Nothing: the last outcome holds. Its status may still have to be written, if that failed
    /// or somebody removed it ([`next_status`](crate::conditions::next_status) says so).
    Settled(Verdict),
    /// A look at its Secret, metadata or more; then triage again with what was found.
    Look,
    /// Opening, with these keys in this order, and a [`plan`](crate::plan::plan).
    Unseal {
        /// Which keys first.
        order: KeyOrder,
        /// Which keys at all.
        choice: KeyChoice,
    },
    /// Nothing may be done to it.
    Refuse(Refusal),
}

/// Which keys to try at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// Every key.
    All,
    /// The others are known not to open what did not open.
    Only(BTreeSet<Fingerprint>),
}

impl KeyChoice {
    /// The keys to try.
    pub fn of(&self, keyring: &Keyring) -> Keyring {
        match self {
            Self::All => keyring.clone(),
            Self::Only(chosen) => Keyring::new(
                keyring
                    .iter()
                    .filter(|key| chosen.contains(&key.fingerprint()))
                    .cloned(),
            ),
        }
    }
}

/// Why nothing may be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is being deleted: its Secret is about to be collected, not to be made again.
    Deleting,
    /// `seal-tool/paused: "true"`.
    Paused,
}

/// Decides. See the [module](self).
pub fn triage(seen: &Seen<'_>) -> Triage {
    if seen.facts.deleting {
        return Triage::Refuse(Refusal::Deleting);
    }
    if seen.facts.paused {
        return Triage::Refuse(Refusal::Paused);
    }
    match seen.last {
        Some(last) if last.facts.decide_as(seen.facts) => match &last.outcome {
            Outcome::Synced => synced(seen, last),
            Outcome::Drifted(drifted) => match drifted.handling {
                Handling::Left => synced(seen, last),
                Handling::Contested { .. } => contested(seen),
            },
            Outcome::Failed(failure) => failed(seen, last, failure),
        },
        _ => unseal(seen, KeyChoice::All),
    }
}

/// The Secret was written or confirmed. It is worked on when it is gone, replaced or edited, when
/// it says something else about who may write it, and when no key is left that opens the object:
/// then the status has to say so.
fn synced(seen: &Seen<'_>, last: &Done) -> Triage {
    if !seen.keys.contains_all(last.opened_by.keys()) {
        return unseal(seen, KeyChoice::All);
    }
    let changed = changed(seen, last);
    let only_patched = last
        .target
        .as_ref()
        .is_some_and(|target| target.standing.is_only_patched());
    match changed {
        Some(false) => Triage::Settled(Verdict::Settled),
        None => Triage::Look,
        // Upstream's rule: what we only added to is not ours to bring back.
        Some(true) if only_patched && seen.target == Target::Absent => {
            Triage::Settled(Verdict::Settled)
        }
        Some(true) => unseal(seen, KeyChoice::All),
    }
}

/// Somebody kept editing the Secret. Whatever brings the object back, the end of the contest among
/// it, what is there is compared with what is sealed.
fn contested(seen: &Seen<'_>) -> Triage {
    match seen.target {
        Target::Unknown => Triage::Look,
        Target::Absent | Target::Present(_) => unseal(seen, KeyChoice::All),
    }
}

fn failed(seen: &Seen<'_>, last: &Done, failure: &Failure) -> Triage {
    match failure.cause {
        Cause::Malformed(_) => Triage::Settled(Verdict::Settled),
        Cause::Unseal(_) => undecryptable(seen, last),
        Cause::Overrun(_) | Cause::Rejected | Cause::Unavailable => unseal(seen, KeyChoice::All),
        Cause::Immutable | Cause::ReservedKey | Cause::SecretType | Cause::Unmanaged => {
            match (seen.target, changed(seen, last)) {
                (Target::Unknown, _) | (_, None) => Triage::Look,
                (_, Some(false)) => Triage::Settled(failure.cause.next()),
                (_, Some(true)) => unseal(seen, KeyChoice::All),
            }
        }
    }
}

/// A value did not open. Only a key that was not there then can change that; those that opened
/// its neighbours are needed again.
fn undecryptable(seen: &Seen<'_>, last: &Done) -> Triage {
    let new: BTreeSet<_> = last.untried(seen.keys).collect();
    if new.is_empty() {
        return Triage::Settled(Verdict::Settled);
    }
    let choice = match last.tried {
        Some(_) => KeyChoice::Only(new.into_iter().chain(last.opened_by.keys()).collect()),
        None => KeyChoice::All,
    };
    unseal(seen, choice)
}

/// Whether the Secret is another one than the last pass left, holds or allows something else;
/// `None` when somebody has to look.
fn changed(seen: &Seen<'_>, last: &Done) -> Option<bool> {
    match seen.target {
        Target::Unknown => (*seen.doubt == Doubt::No).then_some(false),
        Target::Absent => Some(last.target.is_some()),
        Target::Present(secret) => {
            let record = last.target.as_ref();
            let now = Doubt::about(Some(&secret.metadata), seen.name, &seen.facts.uid);
            let as_left = now.is_settled_by(record)
                || record.is_some_and(|record| record.is_held_by(&now, secret, seen.content_key));
            Some(!as_left)
        }
    }
}

/// The most probable keys first: the one that opened this object before; the one it claims to be
/// sealed for; those that opened something last; the one that was newest when it was written.
fn unseal(seen: &Seen<'_>, choice: KeyChoice) -> Triage {
    let opened_by = seen.last.into_iter().flat_map(|last| last.opened_by.keys());
    let mut known = BTreeSet::new();
    let first = opened_by
        .chain(seen.hinted.iter().copied())
        .chain(seen.recent.iter().copied())
        .filter(|key| seen.keys.contains(key) && known.insert(*key))
        .collect();
    Triage::Unseal {
        order: KeyOrder {
            first,
            written_at: seen.written_at,
        },
        choice,
    }
}

#[cfg(test)]
mod tests;
