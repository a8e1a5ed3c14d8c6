//! What earlier processes settled, and what is left for later ones: [`crate::record`].

use k8s_openapi::api::core::v1::Secret;
use sealed_api::SealedSecret;
use sealed_crypto::Keyring;

use super::Reconciler;
use crate::memory::{Done, Facts, Shown};
use crate::object_key::ObjectKey;
use crate::record::{InputDigest, Terms, Unverified};

impl Reconciler {
    /// Takes over what a record says of an object whose body is not needed for it. Returns whether that worked; if not,
    /// a pass is due as if there were no record.
    pub(super) async fn recall_unread(&self, key: &ObjectKey, keyring: &Keyring) -> bool {
        let Some((offer, facts)) = self.objects.state().memory.take_offer(key) else {
            return false;
        };
        let offered = offer.record();
        let Some(record) = offered.verify(&facts.uid, keyring, &self.record_keys) else {
            return false;
        };
        let current = (offer.input(), self.terms(&facts));
        let recalled = |secret: &Shown| Done::recalled(&record, &facts, current, secret);
        let done = match (recalled(offer.secret()), offer.secret()) {
            (Some(done), _) => done,
            (None, Shown::Unlisted) => {
                let Ok(secret) = self.observe(key).await else {
                    return false;
                };
                let metadata = secret.as_ref().map(|secret| &secret.metadata);
                let Some(done) = recalled(&Shown::of(metadata, &key.name, &facts.uid)) else {
                    return false;
                };
                done
            }
            (None, _) => return false,
        };
        self.objects.recall(key, done);
        true
    }

    /// Takes over what the record in the status of an object says, if no pass of this process has ended for it.
    /// `secret` is its Secret, just read. Returns a new record, if one is due.
    pub(super) fn recall(
        &self,
        object: &SealedSecret,
        keyring: &Keyring,
        secret: Option<&Secret>,
    ) -> Option<String> {
        let key = ObjectKey::new(object.namespace(), object.name());
        if !self.rules.update_status || self.objects.state().memory.last(&key).is_some() {
            return None;
        }
        let facts = Facts::of(&object.metadata);
        let found = Unverified::of(object.status.as_ref()?)?;
        let record = found.verify(&facts.uid, keyring, &self.record_keys)?;
        let recalled = Done::recalled_from(&record, object, self.terms(&facts), secret);
        let (done, is_due) = recalled.unwrap_or_else(|| (Done::outdated(&record, &facts), false));
        let due = is_due
            .then(|| self.record(&done, Some(InputDigest::of(object)), secret, secret))
            .flatten();
        self.objects.recall(&key, done);
        due
    }

    /// The record of how a pass ended. `input` is what the object said, `left` the Secret as it is now, at least its
    /// metadata, and `content` one that holds the same.
    pub(super) fn record(
        &self,
        done: &Done,
        input: Option<InputDigest>,
        left: Option<&Secret>,
        content: Option<&Secret>,
    ) -> Option<String> {
        if !self.rules.update_status {
            return None;
        }
        let version = left.and_then(|secret| secret.metadata.resource_version.as_deref());
        let entry = done.entry(input, self.terms(&done.facts), version, content)?;
        entry.sign(&self.keyring.borrow().clone(), &self.record_keys)
    }

    fn terms(&self, facts: &Facts) -> Terms {
        Terms::of(&self.rules, self.accept_v1_data, facts.resync.as_deref())
    }
}
