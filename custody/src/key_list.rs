//! What an age file of keys holds: a `v1` List of key Secrets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::{annotations, secret};
use sealed_crypto::Fingerprint;
use sealed_manifest::to_yaml;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// When it was made.
    pub made: Timestamp,
    /// The keys that are in it.
    pub keys: Vec<Fingerprint>,
}

impl Manifest {
    /// The manifest of a list, if it is a backup.
    pub fn of(list: &Value) -> Option<Self> {
        let annotations = list.get("metadata")?.get("annotations")?;
        let text = |name: &str| annotations.get(name).and_then(Value::as_str);
        let keys = text(annotations::KEYS).unwrap_or_default();
        Some(Self {
            made: text(annotations::BACKED_UP)?.parse().ok()?,
            keys: keys
                .split(',')
                .filter_map(|name| name.trim().parse().ok())
                .collect(),
        })
    }

    fn annotations(&self) -> BTreeMap<&'static str, String> {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        BTreeMap::from([
            (annotations::BACKED_UP, self.made.to_string()),
            (annotations::KEYS, keys.join(",")),
        ])
    }
}

/// Key Secrets as one YAML document, in their order.
pub fn key_list<'s>(
    secrets: impl IntoIterator<Item = &'s Secret>,
    manifest: Option<&Manifest>,
) -> Zeroizing<String> {
    Zeroizing::new(to_yaml(&List {
        api_version: secret::API_VERSION,
        kind: secret::LIST_KIND,
        metadata: manifest.map(|manifest| ListMetadata {
            annotations: manifest.annotations(),
        }),
        items: secrets.into_iter().collect(),
    }))
}

/// What `kubectl get -o yaml` prints of several objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'s> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<ListMetadata>,
    items: Vec<&'s Secret>,
}

#[derive(Serialize)]
struct ListMetadata {
    annotations: BTreeMap<&'static str, String>,
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use sealed_api::{Origin, decode_secret};
    use sealed_manifest::Documents;

    use super::*;

    #[test]
    fn a_list_reads_back_as_the_secrets_and_the_manifest() {
        let secret = Secret {
            data: Some([("tls.key".to_owned(), ByteString(b"hunter2".to_vec()))].into()),
            type_: Some("kubernetes.io/tls".to_owned()),
            ..Secret::default()
        };
        let key = "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc";
        let manifest = Manifest {
            made: "2026-06-01T00:00:00Z".parse().unwrap(),
            keys: vec![key.parse().unwrap()],
        };
        let read = |text: &str| {
            let mut documents = Documents::new(text.as_bytes(), "list");
            documents.next().unwrap().unwrap().into_value()
        };
        let mut list = read(&key_list([&secret], Some(&manifest)));
        assert_eq!(
            (&list["apiVersion"], &list["kind"]),
            (&"v1".into(), &"List".into())
        );
        assert_eq!(Manifest::of(&list), Some(manifest));
        let item = list["items"][0].take();
        assert_eq!(decode_secret(item, Origin::Yaml).unwrap(), secret);
        assert_eq!(Manifest::of(&read(&key_list([&secret], None))), None);
    }
}
