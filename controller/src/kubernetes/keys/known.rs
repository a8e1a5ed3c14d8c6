//! Which key Secrets there are, and the keyring that follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealed_crypto::{Certificate, Fingerprint, Keyring, SealingKey};

use crate::config::KeyOrderPriority;
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
    uid: String,
    resource_version: String,
    created: Timestamp,
    key: Option<Arc<SealingKey>>,
    /// What is wrong with its certificate.
    fault: Option<CertificateFault>,
}

impl Held {
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
        /// Name of the Secret.
        secret: String,
        /// The key.
        fingerprint: Fingerprint,
        /// What is wrong with the certificate.
        fault: Option<CertificateFault>,
    },
    /// The key stays, and comes with another certificate or in another order than before.
    Replaced {
        /// Name of the Secret.
        secret: String,
        /// The key.
        fingerprint: Fingerprint,
        /// What is wrong with the certificate now.
        fault: Option<CertificateFault>,
    },
    /// A Secret is there and holds no usable key.
    Broken {
        /// Name of the Secret.
        secret: String,
        /// Its uid, for the event.
        uid: String,
        /// Its version, for the event.
        resource_version: String,
        /// Why.
        fault: KeyFault,
    },
    /// A key is not used any more: deleted, relabelled or replaced.
    Dropped {
        /// Name of the Secret.
        secret: String,
        /// The key.
        fingerprint: Fingerprint,
    },
}

/// The key Secrets of the namespace.
#[derive(Debug)]
pub(super) struct KnownKeys {
    order: KeyOrderPriority,
    shown: BTreeMap<Source, Shown>,
}

impl KnownKeys {
    pub(super) fn new(order: KeyOrderPriority) -> Self {
        let shown = [Source::Labelled, Source::Legacy]
            .map(|source| (source, Shown::default()))
            .into();
        Self { order, shown }
    }

    /// How many Secrets are meant to be used, readable or not.
    pub(super) fn secrets(&self) -> usize {
        let names: BTreeSet<&String> = self
            .shown
            .values()
            .flat_map(|shown| shown.secrets.keys())
            .collect();
        names.len()
    }

    /// How many of them hold no usable key.
    pub(super) fn unusable(&self) -> usize {
        let held = self.shown.values().flat_map(|shown| &shown.secrets);
        let broken = held.filter(|(_, held)| held.key.is_none());
        broken.map(|(name, _)| name).collect::<BTreeSet<_>>().len()
    }

    /// The Secret that holds this key: its name, uid and version.
    pub(super) fn secret_of(&self, key: Fingerprint) -> Option<(&str, &str, &str)> {
        let mut held = self.shown.values().flat_map(|shown| &shown.secrets);
        let (name, held) = held.find(|(_, held)| {
            held.key
                .as_ref()
                .is_some_and(|found| found.fingerprint() == key)
        })?;
        Some((name, &held.uid, &held.resource_version))
    }

    /// Whether a Secret of that name is among them.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.shown
            .values()
            .any(|shown| shown.secrets.contains_key(name))
    }

    /// The keys, in the order in which the existing controller loads them: the first wins a tie.
    pub(super) fn keyring(&self) -> Keyring {
        let mut held: Vec<(&String, &Held)> = self
            .shown
            .values()
            .flat_map(|shown| &shown.secrets)
            .collect();
        held.sort_by_key(|(name, held)| (held.created, name.as_str()));
        Keyring::new(held.into_iter().filter_map(|(_, held)| held.key.clone()))
    }

    /// A list begins.
    pub(super) fn begin(&mut self, source: Source) {
        self.of(source).listing.clear();
    }

    /// A Secret was listed, added or changed. Its private key does not outlive this call outside the keyring.
    pub(super) fn found(&mut self, source: Source, mut secret: Secret) -> Option<Change> {
        let order = self.order;
        let shown = self.of(source);
        let name = secret.metadata.name.clone().unwrap_or_default();
        shown.listing.insert(name.clone());
        let uid = secret.metadata.uid.clone().unwrap_or_default();
        let resource_version = secret.metadata.resource_version.clone().unwrap_or_default();
        let before = shown.secrets.get(&name);
        if before.is_some_and(|held| held.uid == uid && held.resource_version == resource_version) {
            wipe(&mut secret);
            return None;
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
        let held = Held {
            uid,
            resource_version,
            created,
            key,
            fault,
        };
        let change = match (broken, &held.key) {
            (Some(fault), _) => Some(Change::Broken {
                secret: name.clone(),
                uid: held.uid.clone(),
                resource_version: held.resource_version.clone(),
                fault,
            }),
            (None, Some(key)) => replaced(&name, before, &held, key),
            (None, None) => None,
        };
        shown.secrets.insert(name, held);
        change
    }

    /// A Secret was deleted, or does not carry the label any more.
    pub(super) fn gone(&mut self, source: Source, name: &str) -> Option<Change> {
        let held = self.of(source).secrets.remove(name)?;
        held.key.map(|key| Change::Dropped {
            secret: name.to_owned(),
            fingerprint: key.fingerprint(),
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
fn replaced(name: &str, before: Option<&Held>, now: &Held, key: &SealingKey) -> Option<Change> {
    let (secret, fingerprint) = (name.to_owned(), key.fingerprint());
    let fault = now.fault.clone();
    let known = before.filter(|held| {
        let known = held.key.as_ref();
        known.is_some_and(|known| known.fingerprint() == fingerprint)
    });
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
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
    use sealed_api::names::key_secret::{CERTIFICATE, PRIVATE_KEY};

    use super::*;

    fn file(name: &str) -> ByteString {
        let path = format!(
            concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/{}"),
            name
        );
        ByteString(std::fs::read(path).unwrap())
    }

    /// A key Secret that holds the recorded key `key`, or nothing usable.
    fn secret(name: &str, version: &str, created: i64, key: Option<&str>) -> Secret {
        let (private, certificate) = match key {
            Some(key) => (
                file(&format!("{key}.pkcs1.pem")),
                file(&format!("{key}.crt.pem")),
            ),
            None => (ByteString(b"garbage".to_vec()), ByteString(Vec::new())),
        };
        let data = [
            (PRIVATE_KEY.to_owned(), private),
            (CERTIFICATE.to_owned(), certificate),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(name.into()),
                uid: Some(format!("uid-{name}")),
                resource_version: Some(version.into()),
                creation_timestamp: Some(Time(Timestamp::from_second(created).unwrap())),
                ..ObjectMeta::default()
            },
            data: Some(data.into()),
            ..Secret::default()
        }
    }

    fn known() -> KnownKeys {
        KnownKeys::new(KeyOrderPriority::CertNotBefore)
    }

    fn registered(change: Option<Change>) -> Fingerprint {
        match change {
            Some(Change::Registered { fingerprint, .. }) => fingerprint,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_counts_from_its_secret_on_and_until_that_goes() {
        let mut known = known();
        let a = registered(known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a"))));
        assert!(known.keyring().contains(&a));
        assert!(known.holds("a") && !known.holds("b"));
        let change = known.gone(Source::Labelled, "a");
        assert!(matches!(change, Some(Change::Dropped { fingerprint, .. }) if fingerprint == a));
        assert!(known.keyring().is_empty());
        assert_eq!(known.secrets(), 0);
    }

    #[test]
    fn a_secret_is_read_again_only_when_it_changed() {
        let mut known = known();
        let first = secret("a", "1", 0, Some("rsa2048-a"));
        let a = registered(known.found(Source::Labelled, first.clone()));
        assert!(known.found(Source::Labelled, first).is_none());
        let annotated = secret("a", "2", 0, Some("rsa2048-a"));
        assert!(
            known.found(Source::Labelled, annotated).is_none(),
            "the same key"
        );
        let replaced = secret("a", "3", 0, Some("rsa2048-b"));
        let b = registered(known.found(Source::Labelled, replaced));
        let keyring = known.keyring();
        assert!(keyring.contains(&b) && !keyring.contains(&a));
    }

    #[test]
    fn another_certificate_of_the_same_key_is_news() {
        let mut known = known();
        let a = registered(known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a"))));
        let offered = |known: &KnownKeys| {
            let keyring = known.keyring();
            let key = keyring.iter().next().cloned();
            key.and_then(|key| key.certificate().map(Certificate::to_pem))
        };
        let first = offered(&known);
        assert!(first.is_some());
        let with = |version: &str, certificate: &str| {
            let mut secret = secret("a", version, 0, Some("rsa2048-a"));
            let data = secret.data.get_or_insert_default();
            data.insert(CERTIFICATE.to_owned(), file(certificate));
            secret
        };
        // (certificate, whether it may be offered)
        let rows = [
            ("cert-until-2049.crt.pem", true),
            ("cert-expired.crt.pem", true),
            ("rsa2048-b.crt.pem", false),
            ("cert-garbage.crt.pem", false),
            ("rsa2048-a.crt.pem", true),
        ];
        let mut before = first.clone();
        for (row, (certificate, sound)) in rows.into_iter().enumerate() {
            let version = format!("{}", row + 2);
            let Some(Change::Replaced {
                fingerprint, fault, ..
            }) = known.found(Source::Labelled, with(&version, certificate))
            else {
                panic!("{certificate} is not told")
            };
            assert_eq!((fingerprint, fault.is_none()), (a, sound), "{certificate}");
            let now = offered(&known);
            assert_eq!(now.is_some(), sound, "{certificate}");
            assert!(now != before || !sound, "{certificate} is not offered");
            before = now;
            let touched = with(&format!("{version}0"), certificate);
            assert!(known.found(Source::Labelled, touched).is_none());
        }
        assert_eq!(before, first);
    }

    #[test]
    fn a_broken_secret_is_reported_and_the_others_stay() {
        let mut known = known();
        let a = registered(known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a"))));
        let change = known.found(Source::Labelled, secret("b", "1", 0, None));
        assert!(matches!(change, Some(Change::Broken { secret, .. }) if secret == "b"));
        assert_eq!((known.secrets(), known.unusable()), (2, 1));
        assert!(known.keyring().contains(&a));
        assert_eq!(known.secret_of(a), Some(("a", "uid-a", "1")));
        // A key that breaks is a key that is gone.
        known.found(Source::Labelled, secret("a", "2", 0, None));
        assert!(known.keyring().is_empty());
    }

    #[test]
    fn a_list_drops_what_it_does_not_show() {
        let mut known = known();
        for name in ["a", "b"] {
            known.found(
                Source::Labelled,
                secret(name, "1", 0, Some(&format!("rsa2048-{name}"))),
            );
        }
        known.begin(Source::Labelled);
        known.found(Source::Labelled, secret("b", "1", 0, Some("rsa2048-b")));
        let changes = known.complete(Source::Labelled);
        assert!(matches!(&changes[..], [Change::Dropped { secret, .. }] if secret == "a"));
        assert_eq!(known.keyring().len(), 1);
    }

    #[test]
    fn the_oldest_form_stays_when_only_its_label_goes() {
        let mut known = known();
        let legacy = secret("sealed-secrets-key", "1", 0, Some("rsa2048-a"));
        known.found(Source::Labelled, legacy.clone());
        let a = registered(known.found(Source::Legacy, legacy));
        assert_eq!(known.secrets(), 1);
        known.gone(Source::Labelled, "sealed-secrets-key");
        assert!(known.keyring().contains(&a));
    }

    #[test]
    fn the_text_of_a_key_is_wiped() {
        let mut key = secret("a", "1", 0, Some("rsa2048-a"));
        wipe(&mut key);
        let data = key.data.unwrap();
        assert!(data.values().all(|value| value.0.is_empty()));
    }
}
