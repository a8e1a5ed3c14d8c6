//! What follows from an outcome: the event, the status and the next pass.

use jiff::Timestamp;
use sealed_api::{Malformed, SealedSecret, SealedSecretStatus};

use super::{Observed, Plan, Rules, Write};
use crate::conditions::{Recorded, next_status, tells};
use crate::memory::Done;
use crate::object_key::ObjectKey;
use crate::outcome::{ApiFailure, Failure, Outcome};

/// The object that an outcome is about, as far as it can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject<'a> {
    /// Its name.
    pub key: ObjectKey,
    /// Its generation.
    pub generation: i64,
    /// Its stored status.
    pub status: Option<&'a SealedSecretStatus>,
}

impl<'a> Subject<'a> {
    /// A SealedSecret.
    pub fn of(object: &'a SealedSecret) -> Self {
        Self {
            key: ObjectKey::new(object.namespace(), object.name()),
            generation: object.metadata.generation.unwrap_or_default(),
            status: object.status.as_ref(),
        }
    }
}

impl<'a> From<&'a Malformed> for Subject<'a> {
    fn from(object: &'a Malformed) -> Self {
        let metadata = &object.metadata;
        Self {
            key: ObjectKey::new(
                metadata.namespace.clone().unwrap_or_default(),
                metadata.name.clone().unwrap_or_default(),
            ),
            generation: metadata.generation.unwrap_or_default(),
            status: object.status.as_ref(),
        }
    }
}

/// The plan of a pass that ended with `outcome` and has nothing (more) to write. `writes` says
/// whether it writes the Secret.
///
/// An event is news: there is one for every write, and for an outcome that neither the stored
/// status nor the previous pass of this process told already. So a restart is silent, a failure
/// that lasts is told once, and without `--update-status` each start tells everything once.
pub fn conclude(
    subject: Subject<'_>,
    outcome: Outcome,
    writes: bool,
    last: Option<&Done>,
    rules: &Rules,
    now: Timestamp,
) -> Plan {
    let Subject {
        key,
        generation,
        status,
    } = subject;
    let told_by_last =
        last.is_some_and(|last| last.outcome == outcome && last.facts.generation == generation);
    let news = writes || !(told_by_last || tells(status, generation, &outcome));
    let next = if rules.update_status {
        next_status(status, generation, &outcome, Recorded::AsStored, now)
    } else {
        None
    };
    Plan {
        write: Write::Nothing,
        noticed: None,
        event: news.then(|| outcome.event(&key)),
        status: next,
        next: outcome.next(),
        outcome,
    }
}

/// What to do when the API server did not take the write.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum AfterWrite {
    /// Somebody else was faster: read the target again and plan with what was unsealed already.
    /// A shell that gets this several times in a row retries the whole pass.
    ObserveAgain,
    /// The pass failed.
    Concluded(Plan),
}

/// Decides what follows from a failed write. The shell has made sure that `failure` quotes no value.
pub fn after_failed_write(
    observed: &Observed<'_>,
    write: &Write,
    failure: &ApiFailure,
) -> AfterWrite {
    let vanished = matches!(write, Write::Replace(_)) && failure.is_not_found();
    if failure.is_conflict() || vanished {
        return AfterWrite::ObserveAgain;
    }
    AfterWrite::Concluded(conclude(
        Subject::of(observed.object),
        Outcome::Failed(Failure::api(failure)),
        false,
        observed.last,
        observed.rules,
        observed.now,
    ))
}
