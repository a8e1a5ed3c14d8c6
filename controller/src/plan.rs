//! The decision: what a pass writes, and how it ends.
//!
//! Pure, synchronous and total. The shell [observes](Observed), calls [`plan`], applies the
//! [`Write`] and, if the API server refuses it, asks [`after_failed_write`]; then it publishes
//! the event and the status and [remembers](crate::memory::Done) how it ended. The same code
//! decides for a cluster and for a directory.
//!
//! The order of observation matters for cost: read the target first, then unseal. An API server
//! that does not answer then costs no private-key operation, however often the pass is repeated.

mod conclude;
mod hand_edit;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::events;
use sealed_api::{SealedSecret, SealedSecretStatus, UnsealFailure, Unsealed, skips_owner};

pub use self::conclude::{AfterWrite, Subject, after_failed_write, conclude};
use self::hand_edit::Found;
use crate::conditions::tells_synced;
use crate::content::ContentKey;
use crate::drift::DriftRule;
use crate::key_secret::{is_key_secret, is_reserved_name};
use crate::memory::{Done, KeySet};
use crate::opened_by::OpenedBy;
use crate::outcome::{Event, Failure, Outcome};
use crate::ownership::{Ownership, Standing, belongs_to};
use crate::queue::Verdict;
use crate::record::InputDigest;
use crate::retain::{is_orphaned, retain, unmark};
use crate::secret_diff::{self, Owner};
use sealed_api::wipe;

/// What the flags say about writing.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of the command line"
)]
pub struct Rules {
    /// The namespace in which key Secrets are read.
    pub key_namespace: String,
    /// `--key-prefix`: the name of the oldest form of key Secret.
    pub key_prefix: String,
    /// `--allow-sealed-keys`.
    pub allow_sealed_keys: bool,
    /// `--update-status`.
    pub update_status: bool,
    /// Whether nobody else can have written a status: in standalone mode they are our own files.
    pub own_statuses: bool,
    /// `--retain-deleted`: Secrets get a mark instead of an owner reference.
    pub retain: bool,
    /// `--drift`.
    pub drift: DriftRule,
    /// Digests what a Secret was left with; the one that [`Memory`](crate::memory::Memory) has.
    pub content_key: ContentKey,
}

/// The attempt to open an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The Secret, or why there is none.
    pub unsealed: Result<Unsealed, UnsealFailure>,
    /// The keys that opened values, also if others failed.
    pub opened_by: OpenedBy,
    /// All keys there were.
    pub keys: KeySet,
    /// What the object said.
    pub input: InputDigest,
}

/// Everything a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The object.
    pub object: &'a SealedSecret,
    /// What came of opening it.
    pub attempt: &'a Attempt,
    /// The Secret of its name.
    pub target: Option<&'a Secret>,
    /// How this process's previous pass over it ended.
    pub last: Option<&'a Done>,
    /// What the flags say.
    pub rules: &'a Rules,
    /// If somebody undoes what is written as often as it is written: how long the Secret has to be
    /// left alone after another write before that is over.
    pub contested: Option<Duration>,
    /// The time.
    pub now: Timestamp,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Plan {
    /// What to write; everything below holds once it is written.
    pub write: Write,
    /// How the pass ends.
    pub outcome: Outcome,
    /// A hand edit of the Secret that was found.
    pub noticed: Option<Noticed>,
    /// What to tell whoever describes the object; nothing when it was told before.
    pub event: Option<Event>,
    /// The status to store; nothing when it is stored.
    pub status: Option<SealedSecretStatus>,
    /// When to work on the object again.
    pub next: Verdict,
}

/// A hand edit, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// It is told.
    Reported,
    /// It is undone; this is what the event says.
    Repaired(String),
}

/// What to do to the Secret.
struct Decision {
    write: Write,
    outcome: Outcome,
    noticed: Option<Noticed>,
}

impl Decision {
    /// Nothing: it is as it should be.
    fn confirm() -> Self {
        Self {
            write: Write::Nothing,
            outcome: Outcome::Synced,
            noticed: None,
        }
    }

    /// To make it what it should be.
    fn sync(write: Write) -> Self {
        Self {
            write,
            ..Self::confirm()
        }
    }
}

/// A write to the Secret. `Debug` shows no values, and they are overwritten when it is dropped.
#[derive(Clone, PartialEq)]
pub enum Write {
    /// Nothing differs, or nothing may be written.
    Nothing,
    /// POST; when it exists by now, observe again.
    Create(Box<Secret>),
    /// PUT. Holds the uid and resourceVersion that were observed, so it only replaces that Secret.
    Replace(Box<Secret>),
}

impl Write {
    /// The Secret to write.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Nothing => None,
            Self::Create(secret) | Self::Replace(secret) => Some(secret),
        }
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Create(secret) | Self::Replace(secret) => wipe(secret),
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, secret) = match self {
            Self::Nothing => return f.write_str("Nothing"),
            Self::Create(secret) => ("Create", secret),
            Self::Replace(secret) => ("Replace", secret),
        };
        let keys: Vec<_> = secret.data.iter().flatten().map(|(key, _)| key).collect();
        write!(f, "{verb}({:?}, data keys {keys:?})", secret.metadata)
    }
}

/// Decides. See the [module](self).
pub fn plan(observed: &Observed<'_>) -> Plan {
    let decision = match &observed.attempt.unsealed {
        Ok(unsealed) => decide(observed, unsealed),
        Err(failure) => Err(Failure::unseal(failure)),
    };
    let Decision {
        write,
        outcome,
        noticed,
    } = decision.unwrap_or_else(|failure| Decision {
        outcome: Outcome::Failed(failure),
        ..Decision::confirm()
    });
    let writes = write != Write::Nothing;
    let concluded = conclude(
        Subject::of(observed.object),
        outcome,
        writes,
        observed.last,
        observed.rules,
        observed.now,
    );
    let event = match (&noticed, &concluded.outcome) {
        (Some(Noticed::Repaired(message)), Outcome::Synced) => Some(Event {
            kind: events::WARNING,
            reason: events::DRIFTED,
            message: message.clone(),
        }),
        _ => concluded.event,
    };
    Plan {
        write,
        noticed,
        event,
        ..concluded
    }
}

/// The table of compat/controller.md §4.3.
fn decide(observed: &Observed<'_>, unsealed: &Unsealed) -> Result<Decision, Failure> {
    let object = observed.object;
    let name = object.name();
    let Unsealed {
        secret, volatile, ..
    } = unsealed;
    let mut wanted = secret_diff::to_create(secret);
    unmark(&mut wanted);
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let Some(existing) = observed.target else {
        if observed.rules.retain {
            retain(&mut wanted, uid);
        }
        refuse_reserved(observed, &[&wanted.metadata])?;
        return Ok(Decision::sync(Write::Create(Box::new(wanted))));
    };

    let owner = Owner { name, uid };
    let standing = Standing::of(&existing.metadata, name, uid);
    let generation = object.metadata.generation.unwrap_or_default();
    let synced_before = tells_synced(object.status.as_ref(), generation);
    let ownership = standing.ownership(wrote_without_owner(observed, existing));
    if observed.rules.retain && !standing.is_only_patched() {
        retain(&mut wanted, uid);
    }
    if rendered_before(observed, existing, standing, synced_before) {
        secret_diff::keep_volatile(&mut wanted, existing, volatile);
    }
    let mut next = if ownership == Ownership::Patch {
        secret_diff::merged(existing, &wanted, owner)
    } else {
        let next = secret_diff::replaced(existing, &wanted, owner);
        // Nothing changed since the last pass, perhaps of an earlier process, made it so. With a status that
        // nobody else can have written, this is also how a Secret without owner is found to be in place after a
        // restart. In a cluster it would answer a stranger's guess: whoever may write a status could let it claim
        // that the guess was synced. There the signed record tells.
        let returned = is_orphaned(&existing.metadata);
        let is_known = ownership != Ownership::Foreign || observed.rules.own_statuses;
        if synced_before && is_known && !returned && secret_diff::still_says(existing, &next) {
            return Ok(hand_edit::in_place(observed));
        }
        if ownership == Ownership::Foreign {
            return Err(Failure::unmanaged(name));
        }
        next
    };
    refuse_reserved(observed, &[&existing.metadata, &next.metadata])?;
    let found = Found {
        existing,
        wanted: &wanted,
        next: &next,
        standing,
        ownership,
    };
    let decision = match hand_edit::decide(observed, found, synced_before) {
        Some(decision) => {
            wipe(&mut next);
            decision
        }
        None => Decision::sync(Write::Replace(Box::new(next))),
    };
    let Some(next) = decision.write.secret() else {
        return Ok(decision);
    };
    if !secret_diff::differs(existing, next) {
        return Ok(Decision::confirm());
    }
    let type_ = secret_diff::type_of(next);
    if secret_diff::type_of(existing) != type_ {
        return Err(Failure::secret_type(name, type_));
    }
    if existing.immutable == Some(true) && secret_diff::data_differs(existing, next) {
        return Err(Failure::immutable(name));
    }
    Ok(decision)
}

/// Whether what the templates made up was made up before from the same inputs, and stays: otherwise
/// a label on the Secret would rotate the password in it.
///
/// What was synced last decides, by this process or, by its record, an earlier one. Where there is no
/// record, what is in our own Secret is taken for it: a password too old is better than one that nobody
/// asked for.
fn rendered_before(
    observed: &Observed<'_>,
    existing: &Secret,
    standing: Standing,
    synced_before: bool,
) -> bool {
    let uid = observed.object.metadata.uid.as_deref().unwrap_or_default();
    match observed.last.and_then(|last| last.synced_from) {
        // Another replica, or a write whose answer was lost, may be ahead of what this process knows.
        Some(made) => synced_before || made == observed.attempt.input,
        // Not those of a namesake that was deleted: its values are nobody's to take over. Nor what was in
        // somebody's Secret before we added to it, unless there are no statuses to tell that time from this.
        None => {
            synced_before
                || belongs_to(&existing.metadata, uid)
                || (standing.patch && !observed.rules.update_status)
        }
    }
}

/// Whether this process wrote the Secret that exists for an object that wants no owner reference
/// on it. Nothing on the Secret can show that; its uid cannot be forged.
fn wrote_without_owner(observed: &Observed<'_>, existing: &Secret) -> bool {
    skips_owner(observed.object)
        && observed
            .last
            .and_then(|last| last.target.as_ref())
            .is_some_and(|target| {
                target.held && existing.metadata.uid.as_ref() == Some(&target.uid)
            })
}

/// Neither a new sealing key nor a change to one: whoever may create a SealedSecret in the key
/// namespace could otherwise make everybody seal for a key of their own. Nor the name of a key to
/// come, which follows from the keys there are: all that would be tried could be taken.
fn refuse_reserved(observed: &Observed<'_>, involved: &[&ObjectMeta]) -> Result<(), Failure> {
    let rules = observed.rules;
    let name = observed.object.name();
    let reserved = !rules.allow_sealed_keys
        && observed.object.namespace() == rules.key_namespace
        && (is_reserved_name(name, &rules.key_prefix)
            || involved
                .iter()
                .any(|metadata| is_key_secret(metadata, &rules.key_prefix)));
    if reserved {
        return Err(Failure::reserved_key(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
