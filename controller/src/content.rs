//! Whether a Secret still holds what a pass left in it, without keeping what that was.
//!
//! Opening an object to find that nothing changed would cost milliseconds for every label that
//! somebody puts on a Secret. A keyed digest costs microseconds, and says nothing to whoever reads
//! this process's memory but not its key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_crypto::{MAC_LEN, Mac, MacKey};

use crate::secret_diff::type_of;

/// The key of [`content_mac`]. Never an unkeyed digest: whoever saw that could try values against
/// it.
#[derive(Clone)]
pub struct ContentKey(Arc<MacKey>);

impl ContentKey {
    /// A key of these bytes, which nobody else knows.
    pub fn new(bytes: &[u8; MAC_LEN]) -> Self {
        Self(Arc::new(MacKey::new(bytes)))
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

/// A keyed digest of what a Secret holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentMac([u8; MAC_LEN]);

/// The labels and annotations of a Secret that its template sets, by name. Those of others may
/// come and go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnMetadata {
    labels: Box<[String]>,
    annotations: Box<[String]>,
}

/// Bytes of names that are kept of one Secret. Fifty labels fit; a template may have a megabyte of them.
const NAMES: usize = 4 * 1024;

impl OwnMetadata {
    /// Those that a Secret is made with; `None` if they are too many to be remembered.
    pub fn of(wanted: &ObjectMeta) -> Option<Self> {
        let names = |all: Option<&BTreeMap<String, String>>| -> Box<[String]> {
            all.into_iter().flat_map(BTreeMap::keys).cloned().collect()
        };
        let all = [&wanted.labels, &wanted.annotations];
        let all = all.into_iter().flatten().flat_map(BTreeMap::keys);
        let size: usize = all.map(|name| name.len() + size_of::<String>()).sum();
        (size <= NAMES).then(|| Self {
            labels: names(wanted.labels.as_ref()),
            annotations: names(wanted.annotations.as_ref()),
        })
    }
}

/// Digests what drift is about: the data, the type, and the labels and annotations in `own`.
pub fn content_mac(key: &ContentKey, secret: &Secret, own: &OwnMetadata) -> ContentMac {
    let mut mac = key.0.begin();
    mac.field(type_of(secret).as_bytes());
    number(&mut mac, secret.data.as_ref().map_or(0, BTreeMap::len));
    for (name, value) in secret.data.iter().flatten() {
        mac.field(name.as_bytes());
        mac.field(&value.0);
    }
    let metadata = &secret.metadata;
    own_entries(&mut mac, metadata.labels.as_ref(), &own.labels);
    own_entries(&mut mac, metadata.annotations.as_ref(), &own.annotations);
    ContentMac(mac.sign())
}

fn own_entries(mac: &mut Mac, all: Option<&BTreeMap<String, String>>, names: &[String]) {
    number(mac, names.len());
    for name in names {
        mac.field(name.as_bytes());
        let value = all.and_then(|all| all.get(name));
        number(mac, usize::from(value.is_some()));
        mac.field(value.map_or(b"", String::as_bytes));
    }
}

fn number(mac: &mut Mac, number: usize) {
    mac.field(&(number as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use rstest::rstest;

    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn secret(data: &[(&str, &str)]) -> Secret {
        let data = entries(data).into_iter();
        Secret {
            metadata: ObjectMeta {
                labels: Some(entries(&[("team", "shop")])),
                ..ObjectMeta::default()
            },
            data: Some(
                data.map(|(name, value)| (name, ByteString(value.into_bytes())))
                    .collect(),
            ),
            ..Secret::default()
        }
    }

    fn mac(secret: &Secret) -> ContentMac {
        let own = OwnMetadata {
            labels: Box::from(["team".to_owned()]),
            annotations: Box::from(["note".to_owned()]),
        };
        content_mac(&ContentKey::new(&[7; 32]), secret, &own)
    }

    #[rstest]
    #[case::a_value(|secret: &mut Secret| *secret = self::secret(&[("a", "c"), ("b", "c")]))]
    #[case::a_missing_key(|secret: &mut Secret| *secret = self::secret(&[("a", "b")]))]
    #[case::one_boundary(|secret: &mut Secret| *secret = self::secret(&[("a", "bb"), ("b", "")]))]
    #[case::a_type(|secret: &mut Secret| secret.type_ = Some("kubernetes.io/tls".to_owned()))]
    #[case::a_label(|secret: &mut Secret| {
        secret.metadata.labels = Some(entries(&[("team", "web")]));
    })]
    #[case::a_missing_label(|secret: &mut Secret| secret.metadata.labels = None)]
    #[case::an_annotation(|secret: &mut Secret| {
        secret.metadata.annotations = Some(entries(&[("note", "")]));
    })]
    fn every_edit_of_our_own_part_shows(#[case] edit: fn(&mut Secret)) {
        let before = secret(&[("a", "b"), ("b", "c")]);
        let mut after = before.clone();
        edit(&mut after);
        assert_ne!(mac(&before), mac(&after));
    }

    #[test]
    fn what_is_others_or_means_the_same_does_not_show() {
        let before = secret(&[("a", "b")]);
        let mut after = before.clone();
        after.type_ = Some("Opaque".to_owned());
        let metadata = &mut after.metadata;
        metadata.resource_version = Some("7".to_owned());
        metadata.labels = Some(entries(&[("team", "shop"), ("theirs", "yes")]));
        metadata.annotations = Some(entries(&[("theirs", "yes")]));
        assert_eq!(mac(&before), mac(&after));
    }

    #[test]
    fn of_a_multitude_of_names_none_is_kept() {
        let wanted = |names: usize| ObjectMeta {
            labels: Some((0..names).map(|n| (n.to_string(), String::new())).collect()),
            ..ObjectMeta::default()
        };
        let kept = OwnMetadata::of(&wanted(50)).map(|own| own.labels.len());
        assert_eq!(kept, Some(50));
        assert_eq!(OwnMetadata::of(&wanted(1_000)), None);
    }

    #[test]
    fn without_the_key_nothing_can_be_tried() {
        let secret = secret(&[("a", "b")]);
        let own = OwnMetadata::default();
        let with = |key| content_mac(&ContentKey::new(&[key; 32]), &secret, &own);
        assert_ne!(with(1), with(2));
        assert_eq!(format!("{:?}", ContentKey::new(&[1; 32])), "ContentKey");
    }
}
