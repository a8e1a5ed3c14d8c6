//! Whether a Secret still holds what a pass left in it, without keeping what that was.
//!
//! Opening an object to find that nothing changed would cost milliseconds for every label that
//! somebody puts on a Secret. A keyed digest costs microseconds, and says nothing to whoever reads
//! this process's memory but not its key.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::hmac;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::secret_diff::type_of;

/// The key of [`content_mac`]. Never an unkeyed digest: whoever saw that could try values against
/// it.
#[derive(Clone)]
pub struct ContentKey(hmac::Key);

impl ContentKey {
    /// A key of these bytes, which nobody else knows.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

/// A keyed digest of what a Secret holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentMac([u8; 32]);

/// The labels and annotations of a Secret that its template sets, by name. Those of others may
/// come and go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnMetadata {
    labels: Box<[String]>,
    annotations: Box<[String]>,
}

impl OwnMetadata {
    /// Those that a Secret is made with.
    pub fn of(wanted: &ObjectMeta) -> Self {
        let names = |all: Option<&BTreeMap<String, String>>| {
            all.into_iter().flat_map(BTreeMap::keys).cloned().collect()
        };
        Self {
            labels: names(wanted.labels.as_ref()),
            annotations: names(wanted.annotations.as_ref()),
        }
    }
}

/// Digests what drift is about: the data, the type, and the labels and annotations in `own`.
pub fn content_mac(key: &ContentKey, secret: &Secret, own: &OwnMetadata) -> ContentMac {
    let mut digest = Digest(hmac::Context::with_key(&key.0));
    digest.bytes(type_of(secret).as_bytes());
    digest.number(secret.data.as_ref().map_or(0, BTreeMap::len));
    for (name, value) in secret.data.iter().flatten() {
        digest.bytes(name.as_bytes());
        digest.bytes(&value.0);
    }
    let metadata = &secret.metadata;
    digest.own(metadata.labels.as_ref(), &own.labels);
    digest.own(metadata.annotations.as_ref(), &own.annotations);
    digest.end()
}

/// Every part has its length before it, so that no two contents read the same.
struct Digest(hmac::Context);

impl Digest {
    fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    fn own(&mut self, all: Option<&BTreeMap<String, String>>, names: &[String]) {
        self.number(names.len());
        for name in names {
            self.bytes(name.as_bytes());
            match all.and_then(|all| all.get(name)) {
                None => self.number(0),
                Some(value) => {
                    self.number(1);
                    self.bytes(value.as_bytes());
                }
            }
        }
    }

    fn end(self) -> ContentMac {
        let tag = self.0.sign();
        let mut mac = [0; 32];
        for (to, from) in mac.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        ContentMac(mac)
    }
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
    fn without_the_key_nothing_can_be_tried() {
        let secret = secret(&[("a", "b")]);
        let own = OwnMetadata::default();
        let with = |key| content_mac(&ContentKey::new(&[key; 32]), &secret, &own);
        assert_ne!(with(1), with(2));
        assert_eq!(format!("{:?}", ContentKey::new(&[1; 32])), "ContentKey");
    }
}
