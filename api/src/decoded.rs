//! What a watch of SealedSecrets yields: each object by itself, sound or malformed.
//!
//! A stored object can pass the API server's schema and still not be readable (`template.metadata` may hold
//! anything, nested as deep as it likes), and a watch over a strict type ends at the first such object, for everybody.
//! This type always deserializes, so a malformed object is one more event.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, ObjectMeta};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::decode::{DecodeError, salvage_object_meta};
use crate::names;
use crate::sealed_secret::{SealedSecret, SealedSecretStatus, salvage_status};
use crate::shallow::shallow;

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
    /// Reads one object; never fails. Of its `managedFields` only the last write of the spec is kept: the rest can be
    /// more than all else in the object.
    pub fn from_value(value: Value) -> Self {
        let metadata = value.get("metadata").cloned();
        let status = value.get("status").cloned();
        match SealedSecret::decode(value) {
            Ok(mut object) => {
                keep_last_write_of_spec(&mut object.metadata);
                Self::Sound(Box::new(object))
            }
            Err(error) => {
                let mut metadata = salvage_object_meta(metadata.as_ref());
                metadata.managed_fields = None;
                Self::Malformed(Box::new(Malformed {
                    metadata,
                    status: salvage_status(status.as_ref()),
                    error,
                }))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shallow(deserializer).map(Self::from_value)
    }
}

fn keep_last_write_of_spec(metadata: &mut ObjectMeta) {
    let entries = metadata.managed_fields.take().into_iter().flatten();
    metadata.managed_fields = entries
        .filter(|entry| {
            let fields = entry.fields_v1.as_ref();
            fields.is_some_and(|fields| fields.0.get("f:spec").is_some())
        })
        .filter_map(|entry| entry.time)
        .max()
        .map(|time| {
            vec![ManagedFieldsEntry {
                time: Some(time),
                fields_v1: Some(FieldsV1(json!({ "f:spec": {} }))),
                ..ManagedFieldsEntry::default()
            }]
        });
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
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::shallow::tests::nested;

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

    /// An object of which a part that no type describes, and its `managedFields`, nest so deep.
    fn nesting(levels: usize, spec: &str) -> String {
        let deep = nested(levels);
        format!(
            r#"{{"metadata":{{"managedFields":[
                {{"time":"2024-01-01T00:00:00Z","fieldsV1":{{"f:spec":{deep}}}}},
                {{"time":"2024-03-01T00:00:00Z","fieldsV1":{{"f:spec":{{"f:x":{deep}}}}}}},
                {{"time":"2024-05-01T00:00:00Z","fieldsV1":{{"f:status":{deep}}}}}],"name":"db"}},
            "spec":{{"template":{{"metadata":{{"x":{deep},"labels":{{"a":"b"}}}}}},{spec}}},
            "status":{{"observedGeneration":2,"x":{deep}}}}}"#
        )
    }

    #[test]
    fn an_object_is_read_however_deep_it_nests() {
        for levels in [2, 200, 9_000] {
            let text = nesting(levels, r#""encryptedData":{"foo":"AgB"}"#);
            let Ok(Decoded::Sound(object)) = serde_json::from_str(&text) else {
                panic!("{levels} levels: it is sound")
            };
            assert_eq!(object.name(), "db");
            assert_eq!(object.spec.encrypted_data["foo"], "AgB");
            let template = object.spec.template.unwrap();
            assert_eq!(template.metadata.labels.unwrap()["a"], "b");
            assert_eq!(object.status.unwrap().observed_generation, Some(2));
            let writes = object.metadata.managed_fields.unwrap();
            let times: Vec<_> = writes.iter().map(|entry| entry.time.as_ref()).collect();
            assert_eq!(
                times,
                [Some(&Time("2024-03-01T00:00:00Z".parse().unwrap()))]
            );
        }
    }

    #[test]
    fn a_malformed_object_keeps_its_metadata_however_deep_it_nests() {
        let text = nesting(9_000, r#""encryptedData":{},"data":{}"#);
        let Ok(Decoded::Malformed(object)) = serde_json::from_str(&text) else {
            panic!("it is malformed")
        };
        assert_eq!(object.metadata.name.as_deref(), Some("db"));
        assert_eq!(object.metadata.managed_fields, None);
        assert_eq!(object.error.field(), "spec.data");
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
