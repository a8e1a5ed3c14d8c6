//! The events of the watches, folded one by one into what is known of the objects.

use std::collections::BTreeSet;

use k8s_openapi::Metadata as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;
use sealed_api::Decoded;

use super::{Objects, Retained, key_of};
use crate::kubernetes::secret_metadata::SecretMetadata;
use crate::kubernetes::watch::Reach;
use crate::object_key::ObjectKey;
use crate::queue::{Urgency, now};

/// The watch of SealedSecrets over one reach.
pub(in crate::kubernetes) struct SealedSecretFold {
    objects: Objects,
    reach: Reach,
    /// What the list under way has shown.
    listing: BTreeSet<ObjectKey>,
}

impl SealedSecretFold {
    pub(in crate::kubernetes) fn new(objects: Objects, reach: Reach) -> Self {
        Self {
            objects,
            reach,
            listing: BTreeSet::new(),
        }
    }

    /// Takes one event. Says whether a list is complete.
    pub(in crate::kubernetes) fn take(&mut self, event: Event<Decoded>) -> bool {
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(object) => {
                let key = self.objects.seen(object, Urgency::Backlog);
                self.listing.extend(key);
            }
            Event::Apply(object) => {
                self.objects.seen(object, Urgency::Change);
            }
            Event::Delete(object) => {
                if let Some(key) = key_of(object.metadata()) {
                    self.objects.gone(&key);
                }
            }
            Event::InitDone => {
                self.forget_the_missing();
                return true;
            }
        }
        false
    }

    /// What the list does not show is gone, though no event said so.
    fn forget_the_missing(&mut self) {
        let missing: Vec<ObjectKey> = self
            .objects
            .state()
            .memory
            .iter()
            .map(|(key, _)| key)
            .filter(|key| self.reach.holds(&key.namespace) && !self.listing.contains(*key))
            .cloned()
            .collect();
        self.listing = BTreeSet::new();
        for key in missing {
            self.objects.gone(&key);
        }
    }
}

/// The watch of Secrets' metadata over one reach.
pub(in crate::kubernetes) struct SecretFold {
    objects: Objects,
    reach: Reach,
    /// Those of the list under way that have a SealedSecret or are retained.
    listing: BTreeSet<ObjectKey>,
}

impl SecretFold {
    pub(in crate::kubernetes) fn new(objects: Objects, reach: Reach) -> Self {
        Self {
            objects,
            reach,
            listing: BTreeSet::new(),
        }
    }

    /// Takes one event. Nothing of a Secret is kept but what its metadata means for a SealedSecret of its name.
    pub(in crate::kubernetes) fn take(&mut self, event: Event<SecretMetadata>) {
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(secret) => {
                let key = self.changed(&secret.metadata, true, Urgency::Backlog);
                self.listing.extend(key);
            }
            Event::Apply(secret) => {
                self.changed(&secret.metadata, true, Urgency::Change);
            }
            Event::Delete(secret) => {
                self.changed(&secret.metadata, false, Urgency::Change);
            }
            Event::InitDone => {
                self.miss();
                self.objects.secrets_known(&self.reach, true);
            }
        }
    }

    /// Names the object that the Secret belongs to, also if its first pass is still to come: it may end before the list.
    fn changed(&self, secret: &ObjectMeta, present: bool, urgency: Urgency) -> Option<ObjectKey> {
        let key = key_of(secret)?;
        let mut state = self.objects.state();
        let wake = state
            .memory
            .target_changed(&key, present.then_some(secret), now());
        let retained = Retained::of(secret).filter(|_| present && self.objects.habits.retain);
        let known = state.memory.knows(&key) || retained.is_some();
        match retained {
            Some(retained) => state.retained.insert(key.clone(), retained),
            None => state.retained.remove(&key),
        };
        drop(state);
        self.objects.wake(key.clone(), urgency, wake);
        known.then_some(key)
    }

    /// A Secret that was there at the last pass and is not in the list was deleted meanwhile.
    fn miss(&mut self) {
        let mut state = self.objects.state();
        let missing: Vec<ObjectKey> = state
            .memory
            .iter()
            .filter(|(key, done)| {
                self.reach.holds(&key.namespace)
                    && !self.listing.contains(*key)
                    && done.is_some_and(|done| done.target.is_some())
            })
            .map(|(key, _)| key.clone())
            .collect();
        let (reach, listing) = (&self.reach, &self.listing);
        state
            .retained
            .retain(|key, _| !reach.holds(&key.namespace) || listing.contains(key));
        let mut wakes = Vec::with_capacity(missing.len());
        for key in missing {
            let wake = state.memory.target_changed(&key, None, now());
            wakes.push((key, wake));
        }
        drop(state);
        self.listing = BTreeSet::new();
        for (key, wake) in wakes {
            self.objects.wake(key, Urgency::Change, wake);
        }
    }
}
