//! Which key Secrets there are, and the keyring that follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_crypto::{Certificate, Fingerprint, Keyring, SealingKey};

use crate::config::KeyOrderPriority;
use crate::key_marks::{Backups, KeyMarks, RenewRequest};
use crate::key_secret::{self, CertificateFault, KeyFault};
use sealed_api::wipe;

/// How a Secret came to be watched. One may come both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// By its label.
    Labelled,
    /// By the name that is the key prefix itself, the oldest form: counts whatever its labels.
    Legacy,
}

/// Everything one of the two watches has shown.
#[derive(Debug, Default)]
struct Shown {
    secrets: BTreeMap<String, Held>,
    /// Names met by the list that is under way.
    listing: BTreeSet<String>,
}

#[derive(Debug)]
struct Held {
    place: Place,
    created: Timestamp,
    key: Option<Arc<SealingKey>>,
    /// What is wrong with its certificate.
    fault: Option<CertificateFault>,
    /// What its annotations say.
    marks: KeyMarks,
}

impl Held {
    fn fingerprint(&self) -> Option<Fingerprint> {
        self.key.as_ref().map(|key| key.fingerprint())
    }

    /// Whether the other is the same key, to be offered and ordered in the same way.
    fn serves_as(&self, other: &Self) -> bool {
        let facts = |held: &Self| {
            let key = held.key.as_ref()?;
            let certificate = key.certificate().map(Certificate::to_pem);
            Some((key.fingerprint(), certificate, key.ordering_time()))
        };
        facts(self) == facts(other) && self.fault == other.fault && self.created == other.created
    }
}

/// A change worth telling.
#[derive(Debug)]
pub(super) enum Change {
    /// A key can be used from now on. Its certificate may be faulty: then it opens and is not offered.
    Registered {
        /// The Secret.
        secret: Place,
        /// The key.
        fingerprint: Fingerprint,
        /// What is wrong with the certificate.
        fault: Option<CertificateFault>,
    },
    /// The key stays, and comes with another certificate or in another order than before.
    Replaced {
        /// The Secret.
        secret: Place,
        /// The key.
        fingerprint: Fingerprint,
        /// What is wrong with the certificate now.
        fault: Option<CertificateFault>,
    },
    /// A Secret is there and holds no usable key.
    Broken {
        /// The Secret.
        secret: Place,
        /// Why.
        fault: KeyFault,
    },
    /// A key is not used any more: deleted, relabelled or replaced.
    Dropped {
        /// The Secret, as it was last seen.
        secret: Place,
        /// The key.
        fingerprint: Fingerprint,
    },
}

/// One version of a Secret, for an event about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
}

impl Place {
    /// Of a Secret as the API server shows it.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        Self {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

/// The key Secrets of the namespace.
#[derive(Debug)]
pub(super) struct KnownKeys {
    order: KeyOrderPriority,
    shown: BTreeMap<Source, Shown>,
    /// The wishes for a new key that were met. Kept when the key goes that met them: deleting it is no new wish.
    answered: BTreeSet<RenewRequest>,
}

impl KnownKeys {
    pub(super) fn new(order: KeyOrderPriority) -> Self {
        let shown = [Source::Labelled, Source::Legacy]
            .map(|source| (source, Shown::default()))
            .into();
        Self {
            order,
            shown,
            answered: BTreeSet::new(),
        }
    }

    /// How many Secrets are meant to be used, readable or not.
    pub(super) fn secrets(&self) -> usize {
        let names: BTreeSet<&String> = self.held().map(|(name, _)| name).collect();
        names.len()
    }

    /// How many of them hold no usable key.
    pub(super) fn unusable(&self) -> usize {
        let broken = self.held().filter(|(_, held)| held.key.is_none());
        broken.map(|(name, _)| name).collect::<BTreeSet<_>>().len()
    }

    /// The Secret that holds this key.
    pub(super) fn secret_of(&self, key: Fingerprint) -> Option<Place> {
        let mut held = self.held();
        let (_, held) = held.find(|(_, held)| held.fingerprint() == Some(key))?;
        Some(held.place.clone())
    }

    fn held(&self) -> impl Iterator<Item = (&String, &Held)> {
        self.shown.values().flat_map(|shown| &shown.secrets)
    }

    /// The wishes for a new key that stand, met or not.
    pub(super) fn requests(&self) -> BTreeSet<RenewRequest> {
        self.held()
            .filter_map(|(_, held)| held.marks.request)
            .collect()
    }

    /// Whether one of them is not met.
    pub(super) fn is_renewal_requested(&self) -> bool {
        !self.requests().is_subset(&self.answered)
    }

    /// These wishes are met, by whatever key.
    pub(super) fn answered(&mut self, requests: BTreeSet<RenewRequest>) {
        self.answered.extend(requests);
    }

    /// What is known of the backups of the keys. One that two Secrets hold is backed up when either says so.
    pub(super) fn backups(&self) -> Backups {
        let mut keys = BTreeMap::new();
        for (_, held) in self.held() {
            if let Some(key) = &held.key {
                let known = keys
                    .entry(key.fingerprint())
                    .or_insert_with(|| (key.ordering_time(), None));
                known.1 = known.1.max(held.marks.backup);
            }
        }
        Backups::of(keys.into_values())
    }

    /// Whether a Secret of that name is among them.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.shown
            .values()
            .any(|shown| shown.secrets.contains_key(name))
    }

    /// The keys, in the order in which the existing controller loads them: the first wins a tie.
    pub(super) fn keyring(&self) -> Keyring {
        let mut held: Vec<(&String, &Held)> = self.held().collect();
        held.sort_by_key(|(name, held)| (held.created, name.as_str()));
        Keyring::new(held.into_iter().filter_map(|(_, held)| held.key.clone()))
    }

    /// A list begins.
    pub(super) fn begin(&mut self, source: Source) {
        self.of(source).listing.clear();
    }

    /// A Secret was listed, added or changed. Its private key does not outlive this call outside the keyring.
    pub(super) fn found(&mut self, source: Source, mut secret: Secret) -> Vec<Change> {
        let order = self.order;
        let marks = KeyMarks::of(&secret.metadata);
        self.answered.extend(&marks.answers);
        let shown = self.of(source);
        let place = Place::of(&secret.metadata);
        shown.listing.insert(place.name.clone());
        let before = shown.secrets.get(&place.name);
        if before.is_some_and(|held| held.place == place) {
            wipe(&mut secret);
            return Vec::new();
        }
        let loaded = key_secret::load(&secret, order);
        wipe(&mut secret);
        let created = secret
            .metadata
            .creation_timestamp
            .map_or(Timestamp::UNIX_EPOCH, |time| time.0);
        let (loaded, broken) = match loaded {
            Ok(loaded) => (Some(loaded), None),
            Err(fault) => (None, Some(fault)),
        };
        let (key, fault) = loaded.map_or((None, None), |loaded| {
            (Some(Arc::new(loaded.key)), loaded.fault)
        });
        let name = place.name.clone();
        let held = Held {
            place,
            created,
            key,
            fault,
            marks,
        };
        let change = match (broken, &held.key) {
            (Some(fault), _) => Some(Change::Broken {
                secret: held.place.clone(),
                fault,
            }),
            (None, Some(key)) => replaced(before, &held, key),
            (None, None) => None,
        };
        let instead_of = before
            .filter(|before| before.fingerprint() != held.fingerprint())
            .and_then(|before| {
                Some(Change::Dropped {
                    secret: before.place.clone(),
                    fingerprint: before.fingerprint()?,
                })
            });
        shown.secrets.insert(name, held);
        instead_of.into_iter().chain(change).collect()
    }

    /// A Secret was deleted, or does not carry the label any more.
    pub(super) fn gone(&mut self, source: Source, name: &str) -> Option<Change> {
        let held = self.of(source).secrets.remove(name)?;
        Some(Change::Dropped {
            fingerprint: held.fingerprint()?,
            secret: held.place,
        })
    }

    /// A list ended: what it did not show is gone, though nobody said so.
    pub(super) fn complete(&mut self, source: Source) -> Vec<Change> {
        let shown = self.of(source);
        let missing: Vec<String> = shown
            .secrets
            .keys()
            .filter(|name| !shown.listing.contains(*name))
            .cloned()
            .collect();
        shown.listing.clear();
        missing
            .iter()
            .filter_map(|name| self.gone(source, name))
            .collect()
    }

    fn of(&mut self, source: Source) -> &mut Shown {
        self.shown.entry(source).or_default()
    }
}

/// What is new about a Secret that holds `key`.
fn replaced(before: Option<&Held>, now: &Held, key: &SealingKey) -> Option<Change> {
    let (secret, fingerprint) = (now.place.clone(), key.fingerprint());
    let fault = now.fault.clone();
    let known = before.filter(|held| held.fingerprint() == Some(fingerprint));
    match known {
        None => Some(Change::Registered {
            secret,
            fingerprint,
            fault,
        }),
        Some(known) if known.serves_as(now) => None,
        Some(_) => Some(Change::Replaced {
            secret,
            fingerprint,
            fault,
        }),
    }
}

#[cfg(test)]
pub(super) mod tests;
