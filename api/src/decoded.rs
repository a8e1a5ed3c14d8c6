//! What a watch of SealedSecrets yields: each object by itself, sound or malformed.
//!
//! A stored object can pass the API server's schema and still not be readable (`template.metadata` may hold
//! anything), and a watch over a strict type ends at the first such object, for everybody. This type
//! always deserializes, so a malformed object is one more event.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::decode::{DecodeError, salvage_object_meta};
use crate::names;
use crate::sealed_secret::{SealedSecret, SealedSecretStatus, salvage_status};

/// A SealedSecret as far as it can be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// It can.
    Sound(Box<SealedSecret>),
    /// It cannot.
    Malformed(Box<Malformed>),
}

/// A SealedSecret that cannot be read, with enough to report on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// Those fields of its metadata that could be read.
    pub metadata: ObjectMeta,
    /// Its status, if that could be read: what was reported on it before.
    pub status: Option<SealedSecretStatus>,
    /// What is wrong with it.
    pub error: DecodeError,
}

impl Decoded {
    /// Reads one object; never fails.
    pub fn from_value(value: Value) -> Self {
        let metadata = value.get("metadata").cloned();
        let status = value.get("status").cloned();
        match SealedSecret::decode(value) {
            Ok(object) => Self::Sound(Box::new(object)),
            Err(error) => Self::Malformed(Box::new(Malformed {
                metadata: salvage_object_meta(metadata.as_ref()),
                status: salvage_status(status.as_ref()),
                error,
            })),
        }
    }
}

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from_value)
    }
}

impl k8s_openapi::Resource for Decoded {
    const API_VERSION: &'static str = names::API_VERSION;
    const GROUP: &'static str = names::GROUP;
    const KIND: &'static str = names::KIND;
    const VERSION: &'static str = names::VERSION;
    const URL_PATH_SEGMENT: &'static str = names::PLURAL;
    type Scope = k8s_openapi::NamespaceResourceScope;
}

impl k8s_openapi::ListableResource for Decoded {
    const LIST_KIND: &'static str = names::LIST_KIND;
}

impl k8s_openapi::Metadata for Decoded {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Sound(object) => &object.metadata,
            Self::Malformed(malformed) => &malformed.metadata,
        }
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Sound(object) => &mut object.metadata,
            Self::Malformed(malformed) => &mut malformed.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::Metadata as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_malformed_object_keeps_the_metadata_that_can_be_read() {
        let text = json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {
                "name": "db", "namespace": "web", "uid": "u", "resourceVersion": "7", "generation": 3,
                "creationTimestamp": "yesterday", "labels": {"a": 1}, "annotations": {"b": "c"},
            },
            "spec": {"encryptedData": {}, "template": {"metadata": {"creationTimestamp": "x"}}},
            "status": {"observedGeneration": 2, "conditions": [{"type": "Synced", "status": "False"}]},
        })
        .to_string();
        let decoded: Decoded = serde_json::from_str(&text).unwrap();
        let metadata = decoded.metadata();
        assert_eq!(metadata.name.as_deref(), Some("db"));
        assert_eq!(metadata.namespace.as_deref(), Some("web"));
        assert_eq!(metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(metadata.generation, Some(3));
        assert_eq!(
            metadata
                .annotations
                .as_ref()
                .map(std::collections::BTreeMap::len),
            Some(1)
        );
        assert_eq!(
            (&metadata.creation_timestamp, &metadata.labels),
            (&None, &None)
        );
        let Decoded::Malformed(malformed) = decoded else {
            panic!("it is malformed")
        };
        assert_eq!(malformed.error.field(), "metadata.creationTimestamp");
        let status = malformed.status.unwrap();
        assert_eq!(status.observed_generation, Some(2));
        assert_eq!(status.conditions[0].type_, "Synced");
    }

    #[test]
    fn even_something_that_is_no_object_is_an_event() {
        for text in [
            "null",
            "3",
            "[]",
            r#"{"metadata": "x"}"#,
            r#"{"kind": "Secret"}"#,
        ] {
            let decoded: Decoded = serde_json::from_str(text).unwrap();
            assert!(matches!(decoded, Decoded::Malformed(_)), "{text}");
        }
    }
}
