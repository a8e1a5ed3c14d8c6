//! What a Secret becomes, and whether that differs from what it is.
//!
//! Absent and empty are the same everywhere, and so are an empty type and `Opaque`: the API
//! server stores one for the other, and comparing them literally costs upstream a write for each
//! object at each restart.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sealed_api::is_true;
use sealed_api::names::{annotations, secret};
use zeroize::Zeroize as _;

use crate::ownership::merged_owners;
use crate::retain::retained_for;

/// The keys that the token controller adds to a service-account token, and would issue a new
/// token to replace.
const TOKEN_KEYS: [&str; 3] = ["ca.crt", "namespace", "token"];

/// The annotation that the token controller adds.
const TOKEN_ANNOTATION: &str = "kubernetes.io/service-account.uid";

/// The SealedSecret on whose behalf a Secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its uid.
    pub uid: &'a str,
}

/// The Secret to create: what was unsealed, without the fields that only the server sets.
///
/// A template may hold them all. Upstream's `--re-encrypt` copies them there, and its controller
/// then fails to create the Secret because of the `resourceVersion`.
pub fn to_create(unsealed: &Secret) -> Secret {
    let mut secret = unsealed.clone();
    let string_data = secret.string_data.take().unwrap_or_default();
    let texts = string_data
        .into_iter()
        .map(|(key, text)| (key, ByteString(text.into_bytes())));
    secret.data.get_or_insert_default().extend(texts);
    secret.metadata = ObjectMeta {
        creation_timestamp: None,
        deletion_grace_period_seconds: None,
        deletion_timestamp: None,
        generation: None,
        managed_fields: None,
        resource_version: None,
        self_link: None,
        uid: None,
        ..secret.metadata
    };
    secret
}

/// Leaves what `existing` has of the `volatile` keys: values that a template made up, and would make
/// up anew.
pub fn keep_volatile(wanted: &mut Secret, existing: &Secret, volatile: &BTreeSet<String>) {
    let (Some(data), Some(existing)) = (&mut wanted.data, &existing.data) else {
        return;
    };
    for key in volatile {
        if let (Some(value), Some(kept)) = (data.get_mut(key), existing.get(key)) {
            value.0.zeroize();
            value.clone_from(kept);
        }
    }
}

/// `existing` with everything that `wanted` describes in place of what it had.
pub fn replaced(existing: &Secret, wanted: &Secret, owner: Owner<'_>) -> Secret {
    let mut data = wanted.data.clone().unwrap_or_default();
    let mut annotations = wanted.metadata.annotations.clone().unwrap_or_default();
    if is_token(existing) {
        keep(&mut data, existing.data.as_ref(), &TOKEN_KEYS);
        let existing = existing.metadata.annotations.as_ref();
        keep(&mut annotations, existing, &[TOKEN_ANNOTATION]);
    }
    let mut next = existing.clone();
    next.data = Some(data);
    next.metadata.labels.clone_from(&wanted.metadata.labels);
    next.metadata.annotations = Some(annotations);
    next.metadata.owner_references = Some(owners(existing, wanted, owner));
    next.type_ = Some(type_of(wanted).to_owned());
    if wanted.immutable == Some(true) {
        next.immutable = Some(true);
    }
    next
}

/// `existing` with `wanted` added to it. Its owners stay, unless `managed` is among the
/// annotations afterwards.
pub fn merged(existing: &Secret, wanted: &Secret, owner: Owner<'_>) -> Secret {
    let mut next = existing.clone();
    add(&mut next.data, wanted.data.as_ref());
    add(&mut next.metadata.labels, wanted.metadata.labels.as_ref());
    add(
        &mut next.metadata.annotations,
        wanted.metadata.annotations.as_ref(),
    );
    if is_true(next.metadata.annotations.as_ref(), annotations::MANAGED) {
        next.metadata.owner_references = Some(owners(existing, wanted, owner));
    }
    // A template without a type asks for none; upstream asks for `Opaque` and is refused.
    if let Some(type_) = wanted.type_.as_ref().filter(|type_| !type_.is_empty()) {
        next.type_ = Some(type_.clone());
    }
    next
}

/// `existing` with everything sealed in it again, after somebody edited it. What others added to it
/// stays, and so do its owners.
pub fn restored(existing: &Secret, wanted: &Secret) -> Secret {
    let mut next = existing.clone();
    add(&mut next.data, wanted.data.as_ref());
    add(&mut next.metadata.labels, wanted.metadata.labels.as_ref());
    add(
        &mut next.metadata.annotations,
        wanted.metadata.annotations.as_ref(),
    );
    next.type_ = Some(type_of(wanted).to_owned());
    next
}

/// `existing` with the owners of `next`, the marks of a retained Secret as `next` has them, and as fixed
/// or as free as `next` is. Nothing else is touched.
pub fn belonging(existing: &Secret, next: &Secret) -> Secret {
    let mut kept = existing.clone();
    kept.immutable = next.immutable;
    kept.metadata
        .owner_references
        .clone_from(&next.metadata.owner_references);
    let was_retained = retained_for(&existing.metadata).is_some();
    let wanted = next.metadata.annotations.as_ref();
    let annotations = kept.metadata.annotations.get_or_insert_default();
    for mark in [annotations::RETAINED, annotations::MANAGED] {
        match wanted.and_then(|wanted| wanted.get(mark)) {
            Some(value) => {
                annotations.insert(mark.to_owned(), value.clone());
            }
            // `managed` is somebody's own word, unless it came with the mark.
            None if was_retained => {
                annotations.remove(mark);
            }
            None => {}
        }
    }
    kept
}

/// Whether writing `next` over `existing` would change anything.
pub fn differs(existing: &Secret, next: &Secret) -> bool {
    let (before, after) = (&existing.metadata, &next.metadata);
    data_differs(existing, next)
        || type_of(existing) != type_of(next)
        || existing.immutable.unwrap_or_default() != next.immutable.unwrap_or_default()
        || entries_differ(before.labels.as_ref(), after.labels.as_ref())
        || entries_differ(before.annotations.as_ref(), after.annotations.as_ref())
        || sorted_owners(before) != sorted_owners(after)
}

/// Whether the data, which an immutable Secret keeps, would change.
pub fn data_differs(existing: &Secret, next: &Secret) -> bool {
    entries_differ(existing.data.as_ref(), next.data.as_ref())
}

/// Whether `existing` still is what `next`, the Secret it would be replaced by, was made to say:
/// the same data and type, and at least its labels, annotations and owners.
///
/// This is the question when the same SealedSecret was synced before, and only the controller was
/// restarted since: labels that others have put on the Secret are then no reason to write.
pub fn still_says(existing: &Secret, next: &Secret) -> bool {
    let (before, after) = (&existing.metadata, &next.metadata);
    let relaxed = Secret {
        metadata: ObjectMeta {
            labels: union(before.labels.clone(), after.labels.as_ref()),
            annotations: union(before.annotations.clone(), after.annotations.as_ref()),
            ..after.clone()
        },
        ..next.clone()
    };
    !differs(existing, &relaxed)
}

/// Whether metadata has all the labels and annotations of `wanted`.
pub fn carries(metadata: &ObjectMeta, wanted: &ObjectMeta) -> bool {
    let has = |there: Option<&BTreeMap<String, String>>,
               wanted: Option<&BTreeMap<String, String>>| {
        wanted
            .into_iter()
            .flatten()
            .all(|(key, value)| there.is_some_and(|there| there.get(key) == Some(value)))
    };
    has(metadata.labels.as_ref(), wanted.labels.as_ref())
        && has(metadata.annotations.as_ref(), wanted.annotations.as_ref())
}

/// The type that the API server stores.
pub fn type_of(secret: &Secret) -> &str {
    secret
        .type_
        .as_deref()
        .filter(|type_| !type_.is_empty())
        .unwrap_or(secret::OPAQUE)
}

fn is_token(secret: &Secret) -> bool {
    type_of(secret) == secret::SERVICE_ACCOUNT_TOKEN
}

fn owners(existing: &Secret, wanted: &Secret, owner: Owner<'_>) -> Vec<OwnerReference> {
    let of = |secret: &Secret| secret.metadata.owner_references.clone().unwrap_or_default();
    merged_owners(&of(existing), &of(wanted), owner.name, owner.uid)
}

/// Owner references are a set: their order says nothing, and an absent flag is false.
pub(crate) fn sorted_owners(metadata: &ObjectMeta) -> Vec<(&str, &str, &str, &str, bool, bool)> {
    let mut owners: Vec<_> = metadata
        .owner_references
        .iter()
        .flatten()
        .map(|owner| {
            (
                owner.uid.as_str(),
                owner.api_version.as_str(),
                owner.kind.as_str(),
                owner.name.as_str(),
                owner.controller.unwrap_or_default(),
                owner.block_owner_deletion.unwrap_or_default(),
            )
        })
        .collect();
    owners.sort_unstable();
    owners
}

fn entries_differ<V: PartialEq>(
    before: Option<&BTreeMap<String, V>>,
    after: Option<&BTreeMap<String, V>>,
) -> bool {
    !before.into_iter().flatten().eq(after.into_iter().flatten())
}

fn add<V: Clone>(to: &mut Option<BTreeMap<String, V>>, from: Option<&BTreeMap<String, V>>) {
    let from = from.into_iter().flatten();
    to.get_or_insert_default()
        .extend(from.map(|(key, value)| (key.clone(), value.clone())));
}

fn union<V: Clone>(
    mut all: Option<BTreeMap<String, V>>,
    then: Option<&BTreeMap<String, V>>,
) -> Option<BTreeMap<String, V>> {
    add(&mut all, then);
    all
}

fn keep<V: Clone>(
    to: &mut BTreeMap<String, V>,
    existing: Option<&BTreeMap<String, V>>,
    keys: &[&str],
) {
    for (key, value) in existing.into_iter().flatten() {
        if keys.contains(&key.as_str()) && !to.contains_key(key) {
            to.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner<'_> = Owner {
        name: "app",
        uid: "u1",
    };

    fn secret(type_: Option<&str>, data: &[(&str, &str)]) -> Secret {
        let entry = |(key, value): &(&str, &str)| ((*key).to_owned(), ByteString((*value).into()));
        Secret {
            type_: type_.map(str::to_owned),
            data: Some(data.iter().map(entry).collect()),
            ..Secret::default()
        }
    }

    #[test]
    fn absent_and_empty_are_the_same() {
        let empty = Secret {
            metadata: ObjectMeta {
                labels: Some(BTreeMap::new()),
                annotations: Some(BTreeMap::new()),
                owner_references: Some(Vec::new()),
                ..ObjectMeta::default()
            },
            immutable: Some(false),
            ..secret(Some("Opaque"), &[])
        };
        for type_ in [None, Some("")] {
            let absent = Secret {
                data: None,
                ..secret(type_, &[])
            };
            assert!(!differs(&empty, &absent));
            assert!(!differs(&absent, &empty));
        }
    }

    #[test]
    fn texts_of_an_old_blob_become_data_and_win() {
        let mut unsealed = secret(None, &[("a", "data"), ("b", "data")]);
        unsealed.string_data = Some([("a".to_owned(), "text".to_owned())].into());
        let expected = secret(None, &[("a", "text"), ("b", "data")]);
        assert_eq!(to_create(&unsealed), expected);
    }

    #[test]
    fn an_empty_type_asks_for_none_when_merging() {
        let existing = secret(Some("kubernetes.io/tls"), &[]);
        let next = merged(&existing, &secret(Some(""), &[]), OWNER);
        assert_eq!(type_of(&next), "kubernetes.io/tls");
    }

    #[test]
    fn a_changed_flag_of_an_owner_is_a_difference() {
        let owned = |controller| {
            let mut secret = secret(None, &[]);
            secret.metadata.owner_references = Some(vec![OwnerReference {
                uid: "u".to_owned(),
                controller,
                ..OwnerReference::default()
            }]);
            secret
        };
        assert!(differs(&owned(Some(true)), &owned(None)));
        assert!(!differs(&owned(Some(false)), &owned(None)));
    }
}
