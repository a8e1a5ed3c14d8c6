//! What a restore does: decided before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use sealed_api::Code;
use serde::Serialize;

use crate::failure::Failure;
use crate::kept_keys::{KeptKey, KeyFacts};

/// What becomes of the keys of a backup.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// To be created, the oldest first: indices of the keys.
    pub(super) create: Vec<usize>,
    /// There already.
    pub(super) present: Vec<Present>,
    /// There, and not in the backup.
    pub(super) others: Vec<KeyFacts>,
}

/// A key that the target has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Present {
    /// In the backup.
    #[serde(flatten)]
    pub(super) key: KeyFacts,
    /// Its label there, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labelled_there: Option<String>,
}

/// Decides. `there` is what the target holds, `keys` what it shall hold.
///
/// # Errors
///
/// Something else has the name of a key: nothing at all is written then, since half of a restore is easily taken for the whole.
pub(super) fn plan(keys: &[KeptKey], there: &[KeptKey]) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut created: BTreeMap<(&str, &str), &KeptKey> = BTreeMap::new();
    let holders = holders(keys, there);
    let matched: BTreeSet<usize> = holders.iter().flatten().copied().collect();
    for (index, (key, holder)) in keys.iter().zip(holders).enumerate() {
        if let Some(holder) = holder.and_then(|at| there.get(at)) {
            let (key, label) = (key.facts(), holder.facts().label);
            plan.present.push(Present {
                labelled_there: (label != key.label).then_some(label),
                key,
            });
        } else if let Some(other) = there.iter().find(|other| has_name_of(other, key)) {
            return Err(in_the_way(key, other));
        } else if let Some(other) = created.insert((key.namespace(), key.name()), key) {
            return Err(Failure::new(
                Code::AlreadyExists,
                format!(
                    "two keys would be restored as {}/{}: {}; {}",
                    key.namespace(),
                    key.name(),
                    other.place,
                    key.place
                ),
            )
            .hint("nothing was written; name the sources one at a time"));
        } else {
            plan.create.push(index);
        }
    }
    let unmatched = there.iter().enumerate();
    let unmatched = unmatched.filter(|(index, _)| !matched.contains(index));
    plan.others = unmatched.map(|(_, other)| other.facts()).collect();
    Ok(plan)
}

/// Which Secret of the target is that of each of the backup, if any: best one of the same name, since one key may be in several,
/// and each of the target for one of the backup.
fn holders(keys: &[KeptKey], there: &[KeptKey]) -> Vec<Option<usize>> {
    let mut matched = BTreeSet::new();
    let mut found = vec![None; keys.len()];
    for by_name in [true, false] {
        for (key, found) in keys.iter().zip(&mut found) {
            let fits = |at: &usize, other: &KeptKey| {
                holds(other, key) && !matched.contains(at) && (!by_name || has_name_of(other, key))
            };
            if found.is_none() {
                let mut others = there.iter().enumerate();
                *found = others.find(|(at, other)| fits(at, other)).map(|(at, _)| at);
                matched.extend(*found);
            }
        }
    }
    found
}

/// Whether a Secret of the target is that of the backup: it holds the same keys. One without usable keys is the same if all of
/// it is.
fn holds(other: &KeptKey, key: &KeptKey) -> bool {
    if key.keys.is_empty() {
        return has_name_of(other, key) && other.secret.data == key.secret.data;
    }
    let held: BTreeSet<_> = other.fingerprints().collect();
    key.fingerprints().all(|name| held.contains(&name))
}

fn has_name_of(other: &KeptKey, key: &KeptKey) -> bool {
    other.name() == key.name() && other.namespace() == key.namespace()
}

fn in_the_way(key: &KeptKey, other: &KeptKey) -> Failure {
    let called = |key: &KeptKey| {
        let fingerprint = key.fingerprints().next();
        fingerprint.map_or_else(|| "no usable key".to_owned(), |name| name.to_string())
    };
    Failure::new(
        Code::AlreadyExists,
        format!(
            "{}/{} is there and holds {}, where the backup has {}",
            key.namespace(),
            key.name(),
            called(other),
            called(key)
        ),
    )
    .hint("nothing was written; `seal keys backup` saves what is there")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use k8s_openapi::api::core::v1::Secret;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use sealed_api::names::labels;
    use sealed_crypto::{PrivateKey, SealingKey};

    use super::*;

    fn key(name: &str, label: &str, pem: Option<&str>) -> KeptKey {
        let file = |pem: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
            let text = std::fs::read(format!("{folder}{pem}.pkcs1.pem")).unwrap();
            let key = PrivateKey::from_pem(&text).unwrap();
            Arc::new(SealingKey::new(key, None, Timestamp::UNIX_EPOCH))
        };
        KeptKey {
            place: String::new(),
            secret: Secret {
                metadata: ObjectMeta {
                    name: Some(name.to_owned()),
                    labels: Some([(labels::SEALING_KEY.to_owned(), label.to_owned())].into()),
                    ..ObjectMeta::default()
                },
                ..Secret::default()
            }
            .into(),
            keys: pem.map(file).into_iter().collect(),
            uid: None,
            note: None,
            is_vouched: true,
        }
    }

    #[test]
    fn what_is_there_stays_and_what_is_not_is_created() {
        let keys = [
            key("k1", "retired", Some("rsa2048-a")),
            key("k2", "active", Some("rsa2048-b")),
        ];
        assert_eq!(plan(&keys, &[]).unwrap().create, [0, 1]);
        // Under another name and label it is still the same key.
        let there = [
            key("other", "active", Some("rsa2048-a")),
            key("k3", "active", Some("rsa2048-e3")),
        ];
        let found = plan(&keys, &there).unwrap();
        assert_eq!(found.create, [1]);
        assert_eq!(found.present[0].labelled_there.as_deref(), Some("active"));
        assert_eq!(found.others[0].name, "k3");
    }

    #[test]
    fn one_key_in_two_secrets_is_in_two_afterwards() {
        let copies = || {
            [
                key("copy", "retired", Some("rsa2048-a")),
                key("own", "active", Some("rsa2048-a")),
            ]
        };
        assert_eq!(plan(&copies(), &[]).unwrap().create, [0, 1]);
        assert_eq!(plan(&copies(), &copies()[..1]).unwrap().create, [1]);
        assert_eq!(plan(&copies(), &copies()[1..]).unwrap().create, [0]);
        assert_eq!(plan(&copies(), &copies()).unwrap().present.len(), 2);
    }

    #[test]
    fn another_key_of_the_same_name_stops_everything() {
        let keys = [
            key("k1", "active", Some("rsa2048-a")),
            key("k2", "active", Some("rsa2048-b")),
        ];
        for there in [
            key("k2", "active", Some("rsa2048-a")),
            key("k2", "active", None),
        ] {
            let there = [there];
            let taken = plan(&keys[1..], &there).unwrap_err();
            assert_eq!(taken.code(), Code::AlreadyExists);
        }
        assert!(plan(&[key("k2", "x", None)], &[key("k2", "x", None)]).is_ok());
    }
}
