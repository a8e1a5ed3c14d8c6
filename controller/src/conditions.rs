//! The status, as a function of how the last pass ended and of what is stored.
//!
//! Upstream writes a status only when `Synced` flips or the generation moves, so that a changed
//! message is never published and a lost write never repaired (compat/controller.md §4.6). Here
//! it is written whenever it differs, times aside, and never otherwise.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sealed_api::Code;
use sealed_api::names::conditions;
use sealed_api::{Condition, SealedSecretStatus};

use crate::outcome::Outcome;

/// The condition types that are this controller's to set and to remove.
const OURS: [&str; 4] = [
    conditions::SYNCED,
    conditions::READY,
    conditions::RECONCILING,
    conditions::STALLED,
];

/// The status to write, or `None` when the stored one says the same.
///
/// * `Synced` stands at index 0, where printer columns look for it, then `Ready`.
/// * `Reconciling` or `Stalled` follow a failure and exist only while True, because kstatus would
///   otherwise call a broken object current, and upstream would alert on a False one.
/// * Conditions of others stay as they are, behind ours.
/// * `lastUpdateTime` moves when the condition is written, `lastTransitionTime` when its status
///   flips; both are equal the first time.
pub fn next_status(
    stored: Option<&SealedSecretStatus>,
    generation: i64,
    outcome: &Outcome,
    now: Timestamp,
) -> Option<SealedSecretStatus> {
    let stored_conditions = stored.map_or(&[][..], |status| &status.conditions);
    let observed_before = stored.and_then(|status| status.observed_generation);
    let moved = observed_before != Some(generation);
    let now = Time(seconds(now));

    let ours = wanted(outcome).into_iter().map(|wanted| {
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
    let next = SealedSecretStatus {
        observed_generation: Some(generation),
        conditions: ours.chain(others).collect(),
    };
    // Times are kept where nothing else differs, so equality is equality without times.
    (stored != Some(&next)).then_some(next)
}

/// Whether the stored status tells of `outcome` at `generation`, so that there is nothing new.
pub fn tells(stored: Option<&SealedSecretStatus>, generation: i64, outcome: &Outcome) -> bool {
    let Some(status) = stored else { return false };
    let wanted = synced(outcome);
    status.observed_generation == Some(generation)
        && status.condition(conditions::SYNCED).is_some_and(|found| {
            found.status == wanted.status
                && found.message.as_deref().unwrap_or_default()
                    == wanted.message.as_deref().unwrap_or_default()
        })
}

fn wanted(outcome: &Outcome) -> Vec<Condition> {
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
    [synced, ready].into_iter().chain(trouble).collect()
}

fn synced(outcome: &Outcome) -> Condition {
    let (status, code, message) = match outcome {
        Outcome::Synced => (conditions::TRUE, Code::Unsealed, None),
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
