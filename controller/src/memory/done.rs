//! The end of a pass, as it is remembered.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::SealedSecret;
use sealed_crypto::Fingerprint;

use super::{Facts, KeySet};
use crate::content::{ContentKey, ContentMac, OwnMetadata, content_mac};
use crate::drift::DriftRule;
use crate::opened_by::OpenedBy;
use crate::outcome::Outcome;
use crate::ownership::Standing;
use crate::plan::{Observed, Plan};
use crate::record::InputDigest;
use crate::triage::Doubt;

/// How the last pass over an object ended, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The object as that pass saw it.
    pub facts: Arc<Facts>,
    /// How it ended.
    pub outcome: Outcome,
    /// The keys that opened values.
    pub opened_by: OpenedBy,
    /// The keys there were, kept after failures only: these need not be tried again.
    pub tried: Option<KeySet>,
    /// The Secret as that pass left it.
    pub target: Option<TargetRecord>,
    /// Whether that pass wrote it.
    pub wrote: bool,
    /// What the Secret was made of when it was last in sync.
    pub synced_from: Option<InputDigest>,
    /// The last request for what is sealed that was granted: the annotation `seal-tool/resync`.
    pub resynced: Option<String>,
}

/// A Secret, as far as it matters whether it is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRecord {
    /// Its uid.
    pub uid: String,
    /// What its metadata said.
    pub standing: Standing,
    /// Whether a pass of this process wrote it or found it to be ours.
    pub held: bool,
    /// What it held; `None` when nobody asks for hand edits of it.
    pub content: Option<Holding>,
}

/// What a Secret held, and in which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The version.
    pub resource_version: String,
    /// Its digest; `None` when only the version is known, by the record of an earlier process or because a digest would
    /// take too much memory.
    pub digest: Option<ContentDigest>,
}

/// A digest, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    /// What in the metadata is the template's.
    pub own: OwnMetadata,
    /// The digest.
    pub mac: ContentMac,
}

impl TargetRecord {
    /// Whether `now`, the news of `secret`, is of this Secret, and the secret holds what it held.
    pub fn is_held_by(&self, now: &Doubt, secret: &Secret, key: &ContentKey) -> bool {
        let Doubt::Changed { uid, standing, .. } = now else {
            return false;
        };
        *uid == self.uid
            && *standing == self.standing
            && self
                .content
                .as_ref()
                .and_then(|content| content.digest.as_ref())
                .is_some_and(|digest| content_mac(key, secret, &digest.own) == digest.mac)
    }
}

impl Done {
    /// The end of a pass that planned. `written` is the Secret as the API server answered the
    /// write.
    pub fn planned(observed: &Observed<'_>, plan: &Plan, written: Option<&Secret>) -> Self {
        let object = observed.object;
        let left = written.or(observed.target);
        // The answer to a write leaves out what was written.
        let holds = written.map_or(observed.target, |_| plan.write.secret());
        Self {
            facts: Arc::new(Facts::of(&object.metadata)),
            outcome: plan.outcome.clone(),
            opened_by: observed.attempt.opened_by.clone(),
            tried: plan
                .outcome
                .failure()
                .map(|_| observed.attempt.keys.clone()),
            target: left.map(|secret| TargetRecord {
                content: holds.and_then(|holds| content(observed, plan, &secret.metadata, holds)),
                ..record(object, &secret.metadata, observed.last, &plan.outcome)
            }),
            wrote: written.is_some(),
            synced_from: match plan.outcome {
                Outcome::Synced | Outcome::Drifted(_) => Some(observed.attempt.input),
                Outcome::Failed(_) => observed.last.and_then(|last| last.synced_from),
            },
            resynced: match (plan.outcome.is_synced(), observed.last) {
                (false, Some(last)) => last.resynced.clone(),
                _ => Facts::of(&object.metadata).resync,
            },
        }
    }

    /// The end of a pass that did not come to a plan: the object cannot be decoded, or the API
    /// server did not answer.
    pub fn unplanned(facts: Facts, outcome: Outcome, last: Option<&Self>) -> Self {
        Self {
            facts: Arc::new(facts),
            outcome,
            opened_by: last.map(|last| last.opened_by.clone()).unwrap_or_default(),
            tried: None,
            target: last.and_then(|last| last.target.clone()),
            wrote: false,
            synced_from: last.and_then(|last| last.synced_from),
            resynced: last.and_then(|last| last.resynced.clone()),
        }
    }
}

fn record(
    object: &SealedSecret,
    secret: &ObjectMeta,
    last: Option<&Done>,
    outcome: &Outcome,
) -> TargetRecord {
    let uid = secret.uid.clone().unwrap_or_default();
    let own_uid = object.metadata.uid.as_deref().unwrap_or_default();
    let standing = Standing::of(secret, object.name(), own_uid);
    let held_before = last
        .and_then(|last| last.target.as_ref())
        .is_some_and(|before| before.held && before.uid == uid);
    TargetRecord {
        held: held_before || (outcome.is_synced() && !standing.is_only_patched()),
        uid,
        standing,
        content: None,
    }
}

/// What to remember of what the Secret holds after a pass, if hand edits of it matter.
fn content(
    observed: &Observed<'_>,
    plan: &Plan,
    left: &ObjectMeta,
    holds: &Secret,
) -> Option<Holding> {
    let wanted = observed.attempt.unsealed.as_ref().ok()?;
    let object = observed.object;
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let ours = !Standing::of(left, object.name(), uid).is_only_patched();
    let own = OwnMetadata::of(&wanted.secret.metadata);
    let digest = |own| ContentDigest {
        mac: content_mac(&observed.rules.content_key, holds, &own),
        own,
    };
    (observed.rules.drift != DriftRule::Off && plan.outcome.is_synced() && ours).then(|| Holding {
        resource_version: left.resource_version.clone().unwrap_or_default(),
        digest: own.map(digest),
    })
}

impl Done {
    /// Those of `keys` that the last pass did not have.
    pub(crate) fn untried<'a>(&'a self, keys: &'a KeySet) -> impl Iterator<Item = Fingerprint> {
        let tried = self.tried.as_ref();
        keys.iter()
            .filter(move |key| tried.is_none_or(|tried| !tried.contains(key)))
    }
}
