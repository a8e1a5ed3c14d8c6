//! What the status keeps for the next start, so that a controller that finds everything in sync opens nothing.
//!
//! A record is the message of the condition `Settled`: how a pass ended, what that depended on, and which version of
//! the Secret it left. It is signed with a key that only a holder of the sealing key can derive, because whoever may
//! update a status could otherwise make the controller believe that a Secret needs no work. The signature also covers
//! the condition `Synced`, which holds the outcome itself.
//!
//! It is a record and no cache key: it is read when the process knows nothing of an object, at its start or when it
//! begins to lead, and every doubt — another key, other inputs, another version of the Secret — ends in a pass as if
//! there were none.
//!
//! Nothing in it tells of a value. Inputs are public; the content of the Secret stands in it as a MAC under the same
//! derived key, bound to the object, so that it can be neither guessed at nor compared with another's.

mod digest;
mod keys;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::conditions;
use sealed_api::{Code, Condition, SealedSecret, SealedSecretStatus};
use sealed_crypto::{Fingerprint, Keyring, Mac, MacKey};

pub use self::digest::{InputDigest, Terms};
pub use self::keys::RecordKeys;
use self::text::{Fields, Name, Version};
use crate::conditions::synced;
use crate::memory::KeySet;
use crate::opened_by::OpenedBy;
use crate::outcome::{Cause, Failure, Outcome};
use crate::ownership::Standing;
use crate::secret_diff;

/// What is to be recorded of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The uid of the object: its record is of no use in the status of a successor, or of any other.
    pub uid: &'a str,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// What it was about. `None` when the next process is to find out for itself: after failures that may be over.
    pub input: Option<InputDigest>,
    /// Under what circumstances.
    pub terms: Terms,
    /// Which keys opened values.
    pub opened_by: &'a OpenedBy,
    /// The keys there were, after failures.
    pub tried: Option<&'a KeySet>,
    /// What the Secret was made of when it was last in sync.
    pub made: Option<InputDigest>,
    /// Uid and version of the Secret as the API server answered the write, or as it was found.
    pub secret: Option<(&'a str, &'a str)>,
    /// What is in it, if that is what the object says.
    pub content: Option<Content<'a>>,
    /// Whether the Secret is known to be ours.
    pub held: bool,
}

/// What a Secret holds, as far as it matters whether it still is what was written.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Its data, type, owners and whether it is immutable.
    pub secret: &'a Secret,
    /// Who may write it.
    pub standing: Standing,
}

impl Entry<'_> {
    /// The text of the record, or `None` when there is no key to sign it or it would be too long: then the next
    /// process does the work again.
    pub fn sign(&self, keyring: &Keyring, keys: &RecordKeys) -> Option<String> {
        let opener = self.opened_by.first();
        let signer = keyring
            .iter()
            .find(|key| Some(key.fingerprint()) == opener)
            .or_else(|| keyring.iter().next())?;
        let key = keys.of(signer, keyring)?;
        let content = self.input.zip(self.content);
        let mut fields = Fields {
            terms: self.terms,
            opened_by: self.opened_by(Name::full),
            signer: (Some(signer.fingerprint()) != opener)
                .then(|| Name::full(signer.fingerprint())),
            tried: self
                .input
                .and(self.tried)
                .map(|tried| tried.iter().map(Name::short).collect()),
            input: self.input,
            made: self.made.filter(|made| Some(*made) != self.input),
            secret: self.secret.map(|(uid, resource_version)| Version {
                uid: uid.to_owned(),
                resource_version: resource_version.to_owned(),
            }),
            held: self.held,
            content: content.map(|(input, content)| content.mac(&key, input).sign()),
        };
        let mut unsigned = fields.unsigned()?;
        let sign = |unsigned: &str| {
            text::signed(
                unsigned,
                &message(&key, self.uid, unsigned, &synced(self.outcome)).sign(),
            )
        };
        let mut text = sign(&unsigned);
        if text.len() > text::LONGEST {
            fields.opened_by = self.opened_by(Name::short);
            unsigned = fields.unsigned()?;
            text = sign(&unsigned);
        }
        (text.len() <= text::LONGEST).then_some(text)
    }

    fn opened_by(&self, name: impl Fn(Fingerprint) -> Name) -> Vec<(Name, u32)> {
        let keys = self.opened_by.iter();
        keys.map(|(key, count)| (name(key), count)).collect()
    }
}

impl Content<'_> {
    /// Its MAC: unambiguous, and the same for whatever the API server stores alike.
    fn mac(&self, key: &MacKey, input: InputDigest) -> Mac {
        let Standing {
            ours,
            managed,
            patch,
            sealing_key,
        } = self.standing;
        let flags = [
            ours,
            managed,
            patch,
            sealing_key,
            self.secret.immutable.unwrap_or_default(),
        ];
        let mut owners = secret_diff::sorted_owners(&self.secret.metadata);
        let owners = owners
            .iter_mut()
            .map(|owner| serde_json::to_string(owner).unwrap_or_default());
        let owners: Vec<String> = owners.collect();
        let data = self.secret.data.as_ref();
        let entries = data.map_or(0, BTreeMap::len);

        let mut mac = key.begin();
        mac.field(b"content");
        mac.field(&input.0);
        mac.field(&flags.map(u8::from));
        mac.field(secret_diff::type_of(self.secret).as_bytes());
        mac.field(&(owners.len() as u64).to_be_bytes());
        mac.field(&(entries as u64).to_be_bytes());
        for owner in &owners {
            mac.field(owner.as_bytes());
        }
        for (name, value) in data.into_iter().flatten() {
            mac.field(name.as_bytes());
            mac.field(&value.0);
        }
        mac
    }
}

/// What the signature is over: whose record it is, the text, and the condition that holds the outcome.
fn message(key: &MacKey, uid: &str, unsigned: &str, synced: &Condition) -> Mac {
    let mut mac = key.begin();
    mac.field(b"record");
    mac.field(uid.as_bytes());
    mac.field(unsigned.as_bytes());
    mac.field(synced.status.as_bytes());
    for text in [&synced.reason, &synced.message] {
        mac.field(text.as_deref().unwrap_or_default().as_bytes());
    }
    mac
}

/// What a status says to be a record. Nothing follows from it before it is [verified](Self::verify).
#[derive(Clone, Debug, PartialEq)]
pub struct Unverified {
    message: Box<str>,
    outcome: Outcome,
    synced: Condition,
}

impl Unverified {
    /// Finds the record in a status.
    pub fn of(status: &SealedSecretStatus) -> Option<Self> {
        let settled = status.condition(conditions::SETTLED)?;
        let message = settled.message.as_deref()?;
        let (_, fields, _) = text::parse(message)?;
        let synced = status.condition(conditions::SYNCED)?;
        Some(Self {
            message: message.into(),
            outcome: outcome(synced, &fields)?,
            synced: Condition {
                last_update_time: None,
                last_transition_time: None,
                ..synced.clone()
            },
        })
    }

    /// What it says, if a holder of one of these keys wrote it about the object of this uid.
    pub fn verify(&self, uid: &str, keyring: &Keyring, keys: &RecordKeys) -> Option<Record> {
        let (unsigned, fields, tag) = text::parse(&self.message)?;
        let opener = fields.opened_by.first().map(|(name, _)| name);
        let signer = fields.signer.as_ref().or(opener)?;
        let signer = keyring.iter().find(|key| signer.names(key.fingerprint()))?;
        let key = keys.of(signer, keyring)?;
        let genuine = message(&key, uid, unsigned, &self.synced).verifies(&tag);
        genuine.then(|| Record::new(fields, self.outcome.clone(), keyring, key))
    }

    /// How the pass ended, by its own account.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it claims to be about these inputs.
    pub fn is_about(&self, input: InputDigest) -> bool {
        text::parse(&self.message).is_some_and(|(_, fields, _)| fields.input == Some(input))
    }
}

/// The outcome that a condition `Synced` tells of.
fn outcome(synced: &Condition, fields: &Fields) -> Option<Outcome> {
    if synced.status == conditions::TRUE {
        return Some(Outcome::Synced);
    }
    let reason = synced.reason.as_deref()?;
    let code = Code::ALL.iter().find(|code| code.reason() == reason)?;
    let cause = match code {
        Code::ApiError => Cause::Unavailable,
        Code::ImmutableSecret => Cause::Immutable,
        Code::NotManaged => Cause::Unmanaged,
        Code::RejectedSecret => Cause::Rejected,
        Code::ReservedKey => Cause::ReservedKey,
        Code::SecretType => Cause::SecretType,
        code if fields.tried.is_some() => Cause::Unseal(*code),
        code => Cause::Malformed(*code),
    };
    Some(Outcome::Failed(Failure {
        cause,
        message: synced.message.clone().unwrap_or_default(),
    }))
}

/// What a holder of one of our keys wrote down about an object. There is no other way to one than
/// [`Unverified::verify`].
#[derive(Debug)]
pub struct Record {
    fields: Fields,
    outcome: Outcome,
    opened_by: OpenedBy,
    /// Whether every key that opened something is still there.
    complete: bool,
    tried: Option<KeySet>,
    key: Arc<MacKey>,
}

impl Record {
    fn new(fields: Fields, outcome: Outcome, keyring: &Keyring, key: Arc<MacKey>) -> Self {
        let find = |name: &Name| {
            let mut found = keyring.iter().map(|key| key.fingerprint());
            found.find(|key| name.names(*key))
        };
        let opened_by: OpenedBy = fields
            .opened_by
            .iter()
            .filter_map(|(name, count)| Some((find(name)?, *count)))
            .collect();
        Self {
            complete: opened_by.keys().count() == fields.opened_by.len(),
            tried: fields
                .tried
                .as_ref()
                .map(|tried| tried.iter().filter_map(find).collect()),
            fields,
            outcome,
            opened_by,
            key,
        }
    }

    /// How the pass ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How many values each key opened; keys that are gone are left out.
    pub fn opened_by(&self) -> &OpenedBy {
        &self.opened_by
    }

    /// Those of the keys that were tried which are still there.
    pub fn tried(&self) -> Option<&KeySet> {
        self.tried.as_ref()
    }

    /// What the Secret was made of when it was last in sync.
    pub fn made(&self) -> Option<InputDigest> {
        self.fields.made.or_else(|| {
            let synced = self.outcome == Outcome::Synced;
            self.fields.input.filter(|_| synced)
        })
    }

    /// The uid of the Secret, and whether it is ours though nothing on it need say so.
    pub fn secret(&self) -> Option<(&str, bool)> {
        let secret = self.fields.secret.as_ref()?;
        Some((&secret.uid, self.fields.held))
    }

    /// Whether its outcome still holds for an object with these inputs, as far as the Secret lets it.
    pub fn holds_for(&self, input: InputDigest, terms: Terms) -> bool {
        self.complete && self.fields.input == Some(input) && self.fields.terms == terms
    }

    /// Whether this is the version of the Secret that the pass left.
    pub fn is_of_version(&self, uid: &str, resource_version: &str) -> bool {
        self.fields.secret.as_ref().is_some_and(|version| {
            version.uid == uid
                && version.resource_version == resource_version
                && !resource_version.is_empty()
        })
    }

    /// Whether a Secret holds what that version held, and still carries the labels and annotations that `object` gives
    /// it. What others have added to those is none of our business.
    pub fn is_of_content(&self, object: &SealedSecret, content: Content<'_>) -> bool {
        let (Some(input), Some(mac)) = (self.fields.input, self.fields.content) else {
            return false;
        };
        // What the deprecated form of data says about metadata is sealed.
        if object.spec.data.is_some() || !content.mac(&self.key, input).verifies(&mac) {
            return false;
        }
        let wanted = object
            .spec
            .template
            .as_ref()
            .map(|template| &template.metadata);
        wanted.is_none_or(|wanted| secret_diff::carries(&content.secret.metadata, wanted))
    }
}

#[cfg(test)]
pub(crate) mod tests;
