//! Taking over what an earlier process settled.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::SealedSecret;

use super::{Done, Facts, Holding, TargetRecord};
use crate::conditions::{Recorded, next_status};
use crate::outcome::{Cause, Failure, Outcome};
use crate::ownership::Standing;
use crate::record::{Content, Entry, InputDigest, Record, Terms, Unverified};

/// What is known of a Secret that no pass of this process has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nobody said anything of it.
    Unlisted,
    /// A whole list does not hold it.
    Absent,
    /// It was listed, or read.
    Present {
        /// Its uid.
        uid: String,
        /// Its version.
        resource_version: String,
        /// What its metadata says.
        standing: Standing,
    },
}

impl Shown {
    /// Reads the metadata of the Secret of the SealedSecret `name` with this `uid`.
    pub fn of(secret: Option<&ObjectMeta>, name: &str, uid: &str) -> Self {
        secret.map_or(Self::Absent, |secret| Self::Present {
            uid: secret.uid.clone().unwrap_or_default(),
            resource_version: secret.resource_version.clone().unwrap_or_default(),
            standing: Standing::of(secret, name, uid),
        })
    }
}

/// The chance to settle an object without its body: the record in its status, kept until it can be verified and the
/// Secrets are listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub(super) record: Unverified,
    pub(super) input: InputDigest,
    pub(super) secret: Shown,
}

impl Offer {
    /// Finds one in an object whose status is in order. `None` means that its body is needed.
    pub fn of(object: &SealedSecret, secret: Shown) -> Option<Self> {
        let status = object.status.as_ref()?;
        let record = Unverified::of(status)?;
        let input = InputDigest::of(object);
        let generation = object.metadata.generation.unwrap_or_default();
        let told = next_status(
            Some(status),
            generation,
            record.outcome(),
            Recorded::AsStored,
            jiff::Timestamp::UNIX_EPOCH,
        )
        .is_none();
        (told && record.is_about(input)).then_some(Self {
            record,
            input,
            secret,
        })
    }

    /// The record.
    pub fn record(&self) -> &Unverified {
        &self.record
    }

    /// What the object says now.
    pub fn input(&self) -> InputDigest {
        self.input
    }

    /// Its Secret.
    pub fn secret(&self) -> &Shown {
        &self.secret
    }
}

impl Done {
    /// How a pass of an earlier process ended, if that still holds for the object as it is. `seen` is its Secret.
    pub fn recalled(
        record: &Record,
        facts: &Facts,
        (input, terms): (InputDigest, Terms),
        seen: &Shown,
    ) -> Option<Self> {
        let same_secret = match seen {
            Shown::Unlisted => false,
            Shown::Absent => record.secret().is_none(),
            Shown::Present {
                uid,
                resource_version,
                ..
            } => record.is_of_version(uid, resource_version),
        };
        let holds = match record.outcome() {
            // A record never tells of one: what was edited is compared at every start.
            Outcome::Drifted(_) => false,
            Outcome::Synced => same_secret && *seen != Shown::Absent,
            // Whatever the Secret is, it does not help.
            Outcome::Failed(Failure {
                cause: Cause::Unseal(_),
                ..
            }) => record.tried().is_some(),
            Outcome::Failed(failure) => failure.cause.is_blocker() && same_secret,
        };
        (holds && record.holds_for(input, terms)).then(|| Self::taken_over(record, facts, seen))
    }

    /// The same, of a Secret that was read: also if only its version or what others added to its metadata is new.
    /// Says in that case that a new record is due.
    pub fn recalled_from(
        record: &Record,
        object: &SealedSecret,
        terms: Terms,
        secret: Option<&Secret>,
    ) -> Option<(Self, bool)> {
        let facts = Facts::of(&object.metadata);
        let input = InputDigest::of(object);
        let metadata = secret.map(|secret| &secret.metadata);
        let seen = Shown::of(metadata, object.name(), &facts.uid);
        if let Some(done) = Self::recalled(record, &facts, (input, terms), &seen) {
            return Some((done, false));
        }
        let (Some(secret), Shown::Present { standing, .. }) = (secret, &seen) else {
            return None;
        };
        let content = Content {
            secret,
            standing: *standing,
        };
        let holds = *record.outcome() == Outcome::Synced
            && record.holds_for(input, terms)
            && record.is_of_content(object, content);
        holds.then(|| (Self::taken_over(record, &facts, &seen), true))
    }

    fn taken_over(record: &Record, facts: &Facts, seen: &Shown) -> Self {
        let outcome = record.outcome().clone();
        let target = match seen {
            Shown::Present {
                uid,
                standing,
                resource_version,
            } => Some(TargetRecord {
                held: held(record, uid)
                    || (outcome == Outcome::Synced && !standing.is_only_patched()),
                uid: uid.clone(),
                standing: *standing,
                content: outcome.is_synced().then(|| Holding {
                    resource_version: resource_version.clone(),
                    digest: None,
                }),
            }),
            Shown::Unlisted | Shown::Absent => None,
        };
        Self {
            facts: Arc::new(facts.clone()),
            opened_by: record.opened_by().clone(),
            tried: outcome
                .failure()
                .map(|_| record.tried().cloned().unwrap_or_default()),
            outcome,
            target,
            wrote: false,
            synced_from: record.made(),
            resynced: facts.resync.clone(),
        }
    }

    /// What a record tells whose outcome does not hold any more: with which keys to begin, whether the Secret is ours,
    /// and what it was made of. The object counts as changed.
    pub fn outdated(record: &Record, facts: &Facts) -> Self {
        Self {
            // No object has it.
            facts: Arc::new(Facts {
                generation: 0,
                ..facts.clone()
            }),
            outcome: record.outcome().clone(),
            opened_by: record.opened_by().clone(),
            tried: None,
            target: record.secret().map(|(uid, held)| TargetRecord {
                uid: uid.to_owned(),
                standing: Standing::default(),
                held,
                content: None,
            }),
            wrote: false,
            synced_from: record.made(),
            resynced: facts.resync.clone(),
        }
    }

    /// What to record of this end of a pass. `secret` is the Secret as it was left, with what it holds if the pass
    /// knows that; `input` what the object said, if it could be read. `None` when nothing would come of it.
    pub fn entry<'a>(
        &'a self,
        input: Option<InputDigest>,
        terms: Terms,
        resource_version: Option<&'a str>,
        content: Option<&'a Secret>,
    ) -> Option<Entry<'a>> {
        let lasts = match &self.outcome {
            Outcome::Synced => content.is_some(),
            Outcome::Drifted(_) => false,
            Outcome::Failed(failure) => match failure.cause {
                Cause::Unseal(_) => self.tried.is_some(),
                cause => cause.is_blocker(),
            },
        };
        let input = input.filter(|_| lasts);
        let useful =
            input.is_some() || self.synced_from.is_some() || self.opened_by.first().is_some();
        let target = self.target.as_ref();
        useful.then(|| Entry {
            uid: &self.facts.uid,
            outcome: &self.outcome,
            input,
            terms,
            opened_by: &self.opened_by,
            tried: self
                .tried
                .as_ref()
                .filter(|_| matches!(self.outcome.failure(), Some(failure) if matches!(failure.cause, Cause::Unseal(_)))),
            made: self.synced_from,
            secret: target.map(|target| (&*target.uid, resource_version.unwrap_or_default())),
            content: target
                .zip(content)
                .filter(|_| self.outcome == Outcome::Synced)
                .map(|(target, secret)| Content {
                    secret,
                    standing: target.standing,
                }),
            held: target.is_some_and(|target| target.held),
        })
    }
}

fn held(record: &Record, uid: &str) -> bool {
    record
        .secret()
        .is_some_and(|(ours, held)| held && ours == uid)
}
