//! The status, as a function of how the last pass ended and of what is stored.
//!
//! Upstream writes a status only when `Synced` flips or the generation moves, so that a changed
//! message is never published and a lost write never repaired (compat/controller.md §4.6). Here
//! it is written whenever it differs, times aside, and never otherwise.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sealed_api::Code;
use sealed_api::names::conditions;
use sealed_api::{Condition, SealedSecretStatus};

use crate::drift::Handling;
use crate::outcome::Outcome;

/// The condition types that are this controller's to set and to remove.
const OURS: [&str; 6] = [
    conditions::SYNCED,
    conditions::READY,
    conditions::SETTLED,
    conditions::DRIFTED,
    conditions::RECONCILING,
    conditions::STALLED,
];

/// The reason of `Settled`: what its message is.
const RECORD: &str = "Record";

/// A record that differs in nothing but the version of the Secret is written anew after this time: others may touch a
/// Secret as often as they like, and all that it costs is one look at the next start.
const RECORD_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// What becomes of the condition `Settled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded<'a> {
    /// It stays.
    AsStored,
    /// It holds this [record](crate::record), or there is none. It is never anything but True, because the existing
    /// controller alerts on every condition that is not.
    As(Option<&'a str>),
}

/// The status to write, or `None` when the stored one says the same.
///
/// * `Synced` stands at index 0, where printer columns look for it, then `Ready`, then `Settled`.
/// * `Reconciling` or `Stalled` follow a failure and exist only while True, because kstatus would
///   otherwise call a broken object current, and upstream would alert on a False one.
/// * `Drifted` follows a success and exists only while True: the object itself is in order, so that
///   neither kstatus nor an alert of upstream's has anything to say about it.
/// * Conditions of others stay as they are, behind ours.
/// * `lastUpdateTime` moves when the condition is written, `lastTransitionTime` when its status
///   flips; both are equal the first time.
pub fn next_status(
    stored: Option<&SealedSecretStatus>,
    generation: i64,
    outcome: &Outcome,
    recorded: Recorded<'_>,
    now: Timestamp,
) -> Option<SealedSecretStatus> {
    let settled = stored
        .and_then(|status| status.condition(conditions::SETTLED))
        .filter(|settled| settled.status == conditions::TRUE);
    let kept = status(
        stored,
        generation,
        wanted(outcome, settled.map(untimed)),
        now,
    );
    let Recorded::As(record) = recorded else {
        return (stored != Some(&kept)).then_some(kept);
    };
    let lasts = settled
        .and_then(|settled| settled.last_update_time.as_ref())
        .is_some_and(|written| now.duration_since(written.0).abs() < RECORD_LASTS);
    if stored == Some(&kept) && lasts && record.is_some() {
        return None;
    }
    let next = status(
        stored,
        generation,
        wanted(outcome, record.map(settled_by)),
        now,
    );
    // Times are kept where nothing else differs, so equality is equality without times.
    (stored != Some(&next)).then_some(next)
}

fn status(
    stored: Option<&SealedSecretStatus>,
    generation: i64,
    wanted: Vec<Condition>,
    now: Timestamp,
) -> SealedSecretStatus {
    let stored_conditions = stored.map_or(&[][..], |status| &status.conditions);
    let observed_before = stored.and_then(|status| status.observed_generation);
    let moved = observed_before != Some(generation);
    let now = Time(seconds(now));

    let ours = wanted.into_iter().map(|wanted| {
        let before = stored_conditions
            .iter()
            .find(|condition| condition.type_ == wanted.type_);
        timed(wanted, before, moved, &now)
    });
    let mut seen = BTreeSet::from(OURS);
    let others = stored_conditions
        .iter()
        .filter(|condition| seen.insert(condition.type_.as_str()))
        .cloned();
    SealedSecretStatus {
        observed_generation: Some(generation),
        conditions: ours.chain(others).collect(),
    }
}

/// Whether the stored status tells of `outcome` at `generation`, so that there is nothing new.
pub fn tells(stored: Option<&SealedSecretStatus>, generation: i64, outcome: &Outcome) -> bool {
    let Some(status) = stored else { return false };
    status.observed_generation == Some(generation)
        && is_like(status.condition(conditions::SYNCED), Some(&synced(outcome)))
        && is_like(
            status.condition(conditions::DRIFTED),
            drifted(outcome).as_ref(),
        )
}

/// Whether the stored status tells that the object was brought into sync at `generation`, whatever
/// became of its Secret since.
pub fn tells_synced(stored: Option<&SealedSecretStatus>, generation: i64) -> bool {
    stored.is_some_and(|status| {
        status.observed_generation == Some(generation)
            && is_like(
                status.condition(conditions::SYNCED),
                Some(&synced(&Outcome::Synced)),
            )
    })
}

/// Whether a condition says what another one does. Upstream gives none a reason.
fn is_like(found: Option<&Condition>, wanted: Option<&Condition>) -> bool {
    match (found, wanted) {
        (Some(found), Some(wanted)) => found.status == wanted.status && text(found) == text(wanted),
        (found, wanted) => found.is_none() && wanted.is_none(),
    }
}

fn untimed(condition: &Condition) -> Condition {
    Condition {
        last_update_time: None,
        last_transition_time: None,
        ..condition.clone()
    }
}

fn settled_by(record: &str) -> Condition {
    Condition {
        type_: conditions::SETTLED.to_owned(),
        status: conditions::TRUE.to_owned(),
        last_update_time: None,
        last_transition_time: None,
        reason: Some(RECORD.to_owned()),
        message: Some(record.to_owned()),
    }
}

fn wanted(outcome: &Outcome, settled: Option<Condition>) -> Vec<Condition> {
    let synced = synced(outcome);
    let ready = Condition {
        type_: conditions::READY.to_owned(),
        ..synced.clone()
    };
    let trouble = outcome.failure().map(|failure| Condition {
        type_: if failure.cause.is_transient() {
            conditions::RECONCILING.to_owned()
        } else {
            conditions::STALLED.to_owned()
        },
        status: conditions::TRUE.to_owned(),
        ..synced.clone()
    });
    let told = [synced, ready].into_iter();
    told.chain(settled)
        .chain(trouble)
        .chain(drifted(outcome))
        .collect()
}

fn drifted(outcome: &Outcome) -> Option<Condition> {
    let Outcome::Drifted(drifted) = outcome else {
        return None;
    };
    let reason = match drifted.handling {
        Handling::Left => conditions::HAND_EDITED,
        Handling::Contested { .. } => conditions::CONTESTED,
    };
    Some(Condition {
        type_: conditions::DRIFTED.to_owned(),
        status: conditions::TRUE.to_owned(),
        last_update_time: None,
        last_transition_time: None,
        reason: Some(reason.to_owned()),
        message: Some(drifted.message()),
    })
}

/// The condition `Synced`, without times.
pub(crate) fn synced(outcome: &Outcome) -> Condition {
    let (status, code, message) = match outcome {
        Outcome::Synced | Outcome::Drifted(_) => (conditions::TRUE, Code::Unsealed, None),
        Outcome::Failed(failure) => (
            conditions::FALSE,
            failure.cause.code(),
            Some(failure.message.clone()),
        ),
    };
    Condition {
        type_: conditions::SYNCED.to_owned(),
        status: status.to_owned(),
        last_update_time: None,
        last_transition_time: None,
        reason: Some(code.reason().to_owned()),
        message,
    }
}

/// Gives a condition its times: those it had, or `now` for what changes.
fn timed(wanted: Condition, before: Option<&Condition>, moved: bool, now: &Time) -> Condition {
    let flipped = before.is_none_or(|before| before.status != wanted.status);
    let changed = flipped
        || moved
        || before
            .is_some_and(|before| before.reason != wanted.reason || text(before) != text(&wanted));
    let updated = before.and_then(|before| before.last_update_time.clone());
    let transition = before.and_then(|before| before.last_transition_time.clone());
    // What does not change keeps a missing time too, or it would differ from what is stored.
    let fresh = || changed.then(|| now.clone());
    Condition {
        last_update_time: updated.filter(|_| !changed).or_else(fresh),
        last_transition_time: transition.filter(|_| !flipped).or_else(fresh),
        ..wanted
    }
}

/// An empty message is none: the API server stores what it is sent.
fn text(condition: &Condition) -> &str {
    condition.message.as_deref().unwrap_or_default()
}

/// Times in a status have whole seconds.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests;
