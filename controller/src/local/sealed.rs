//! `DIR/sealed`: which SealedSecrets there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::{Decoded, dns1123, names};

use super::directory::Directory;
use super::identity::{generation, sealed_secret_uid};
use super::manifests::{Files, Manifest};
use crate::object_key::ObjectKey;

/// A SealedSecret of a file.
pub(super) struct Found {
    place: String,
    key: Result<ObjectKey, String>,
    body: Arc<Decoded>,
}

/// Everything in the directory.
#[derive(Default)]
pub(super) struct Scan {
    /// The objects, each defined once.
    pub(super) objects: BTreeMap<ObjectKey, Arc<Decoded>>,
    /// What could not be read, or cannot be an object.
    pub(super) faults: Vec<String>,
    /// Names that two documents claim: neither counts, and what was made for the name stays as it is.
    pub(super) ambiguous: Vec<ObjectKey>,
    /// Whether everything could be read. If not, an object that is not there may only be hidden.
    pub(super) complete: bool,
}

impl Scan {
    /// A directory that could not be read at all.
    pub(super) fn failed(why: &impl ToString) -> Self {
        Self {
            faults: vec![format!("sealed: {}", why.to_string())],
            ..Self::default()
        }
    }
}

/// The directory of SealedSecrets.
pub(super) struct Sealed {
    files: Files<Found>,
}

impl Sealed {
    pub(super) fn new() -> Self {
        Self {
            files: Files::new(read),
        }
    }

    /// Reads what has changed.
    pub(super) fn scan(&mut self, directory: &Directory) -> Scan {
        let mut scan = Scan {
            complete: true,
            ..Scan::default()
        };
        let mut places: BTreeMap<ObjectKey, Vec<String>> = BTreeMap::new();
        for item in self
            .files
            .scan(directory)
            .iter()
            .flat_map(|file| file.iter())
        {
            match item {
                Err(error) => {
                    scan.faults.push(error.to_string());
                    scan.complete = false;
                }
                Ok(Found {
                    place,
                    key: Err(why),
                    ..
                }) => scan.faults.push(format!("{place}: {why}")),
                Ok(Found {
                    place,
                    key: Ok(key),
                    body,
                }) => {
                    places.entry(key.clone()).or_default().push(place.clone());
                    scan.objects.insert(key.clone(), Arc::clone(body));
                }
            }
        }
        for (key, places) in places.into_iter().filter(|(_, places)| places.len() > 1) {
            scan.objects.remove(&key);
            let places = places.join("` and `");
            scan.faults.push(format!(
                "SealedSecret {key} is defined more than once: `{places}`"
            ));
            scan.ambiguous.push(key);
        }
        scan
    }
}

/// Other kinds are passed over: a directory of manifests holds many.
fn read(manifest: Manifest) -> Option<Found> {
    let Manifest { place, value } = manifest;
    let text = |name: &str| {
        value
            .get(name)
            .and_then(|text| text.as_str())
            .unwrap_or_default()
    };
    let group = text("apiVersion").split('/').next();
    if text("kind") != names::KIND && group != Some(names::GROUP) {
        return None;
    }
    let as_written = generation(&value);
    let mut body = Decoded::from_value(value);
    let key = key_of(k8s_openapi::Metadata::metadata(&body));
    if let Ok(key) = &key {
        settle_metadata(&mut body, key, as_written);
    }
    Some(Found {
        place,
        key,
        body: Arc::new(body),
    })
}

fn key_of(metadata: &ObjectMeta) -> Result<ObjectKey, String> {
    let checked = |field: &str, value: Option<&String>, valid: fn(&str) -> bool| match value {
        None => Err(format!("metadata.{field} is missing")),
        Some(value) if valid(value) => Ok(value.clone()),
        Some(value) => Err(format!(
            "metadata.{field}: {} cannot be the {field} of an object",
            sealed_pflag::quote(value)
        )),
    };
    let name = checked("name", metadata.name.as_ref(), dns1123::is_subdomain)?;
    let namespace = checked("namespace", metadata.namespace.as_ref(), dns1123::is_label)?;
    Ok(ObjectKey::new(namespace, name))
}

/// What an API server decides about an object, whatever the file says: a file may come from a cluster.
///
/// `as_written` changes with anything in the document: the generation of an object of which no part can be relied on.
fn settle_metadata(body: &mut Decoded, key: &ObjectKey, as_written: i64) {
    let generation = match body {
        Decoded::Sound(object) => {
            object.status = None;
            generation(&object.spec)
        }
        Decoded::Malformed(_) => as_written,
    };
    let metadata = k8s_openapi::Metadata::metadata_mut(body);
    *metadata = ObjectMeta {
        name: metadata.name.take(),
        namespace: metadata.namespace.take(),
        labels: metadata.labels.take(),
        annotations: metadata.annotations.take(),
        creation_timestamp: metadata.creation_timestamp.take(),
        managed_fields: metadata.managed_fields.take(),
        uid: Some(sealed_secret_uid(key)),
        generation: Some(generation),
        ..ObjectMeta::default()
    };
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn scanned(text: &str) -> Scan {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("a.yaml"), text).unwrap();
        Sealed::new().scan(&Directory::open_root(top.path()).unwrap())
    }

    fn object(name: &str, namespace: &str) -> String {
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: {name}, namespace: {namespace}, uid: x, \
             deletionTimestamp: 2026-01-01T00:00:00Z}}\nspec: {{encryptedData: {{}}}}\nstatus: {{observedGeneration: 3}}\n---\n"
        )
    }

    #[test]
    fn objects_are_found_among_other_kinds() {
        let text = format!(
            "kind: Deployment\n---\n{}{}",
            object("a", "web"),
            object("b", "web")
        );
        let scan = scanned(&text);
        let keys: Vec<String> = scan.objects.keys().map(ToString::to_string).collect();
        assert_eq!(keys, ["web/a", "web/b"]);
        assert!(scan.complete && scan.faults.is_empty(), "{:?}", scan.faults);
    }

    #[test]
    fn what_a_cluster_decides_is_not_taken_from_the_file() {
        let scan = scanned(&object("a", "web"));
        let (key, body) = scan.objects.first_key_value().unwrap();
        let Decoded::Sound(object) = &**body else {
            panic!("malformed")
        };
        assert_eq!(object.metadata.uid, Some(sealed_secret_uid(key)));
        assert_eq!(
            (&object.metadata.deletion_timestamp, &object.status),
            (&None, &None)
        );
    }

    #[test]
    fn hostile_names_are_faults() {
        for (name, namespace) in [
            ("../../x", "web"),
            ("a", "../web"),
            ("\"a\\0b\"", "web"),
            ("A", "web"),
            ("a", "\"\""),
            ("null", "web"),
            (".", "web"),
        ] {
            let scan = scanned(&object(name, namespace));
            assert!(scan.objects.is_empty(), "{name} {namespace}");
            assert_eq!(scan.faults.len(), 1, "{name} {namespace}");
            assert!(
                scan.faults[0].contains("a.yaml: document 1: metadata.name"),
                "{:?}",
                scan.faults
            );
        }
    }

    #[test]
    fn a_name_claimed_twice_counts_for_nobody() {
        let scan = scanned(&[object("a", "web"), object("b", "web"), object("a", "web")].concat());
        assert_eq!(scan.objects.len(), 1);
        assert_eq!(scan.ambiguous, [ObjectKey::new("web", "a")]);
        assert!(
            scan.faults[0].starts_with("SealedSecret web/a is defined more than once"),
            "{:?}",
            scan.faults
        );
    }

    #[test]
    fn an_unreadable_document_makes_the_scan_incomplete() {
        let scan = scanned(&format!("{}a: [\n", object("a", "web")));
        assert_eq!(scan.objects.len(), 1);
        assert!(!scan.complete);
    }

    #[test]
    fn a_malformed_object_still_has_a_name() {
        let text = object("a", "web").replace(
            "encryptedData",
            "template: {immutable: maybe}, encryptedData",
        );
        let generation_of = |text: &str| {
            let scan = scanned(text);
            let body = scan.objects.values().next().unwrap();
            assert!(matches!(&**body, Decoded::Malformed(_)));
            k8s_openapi::Metadata::metadata(&**body).generation
        };
        let first = generation_of(&text);
        assert_eq!(generation_of(&text), first);
        // Another fault is another thing to tell.
        assert_ne!(generation_of(&text.replace("maybe", "perhaps")), first);
    }
}
