//! What an object's metadata says, as far as it decides or hints.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::{annotations, labels};
use sealed_api::{is_true, scope_of};
use sealed_crypto::{Fingerprint, Scope, base64};
use sha2::{Digest as _, Sha256};

/// So many hinted keys are tried before the probable ones: a hint is anybody's claim.
const HINTS: usize = 4;

/// Bytes of a request for a pass that are remembered as they are. An annotation may have 256 KiB.
const REQUEST: usize = 64;

/// Those properties of a SealedSecret whose change makes another pass worth its cost.
///
/// Upstream compares the spec alone, so that adding the missing scope annotation to a failing
/// object does nothing (compat/controller.md §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Another uid is another object.
    pub uid: String,
    /// Moves with the spec.
    pub generation: i64,
    /// From the scope annotations.
    pub scope: Scope,
    /// Whether the object waits to be removed.
    pub deleting: bool,
    /// `seal-tool/paused`.
    pub paused: bool,
    /// `seal-tool/resync`, or a digest of it: any new value asks for a pass.
    pub resync: Option<String>,
    /// A label that metrics carry; decides nothing.
    pub instance: Option<String>,
}

impl Facts {
    /// Reads an object's metadata.
    pub fn of(metadata: &ObjectMeta) -> Self {
        let annotations = metadata.annotations.as_ref();
        let labels = metadata.labels.as_ref();
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            scope: scope_of(metadata),
            deleting: metadata.deletion_timestamp.is_some(),
            paused: is_true(annotations, annotations::PAUSED),
            resync: annotations
                .and_then(|all| all.get(annotations::RESYNC))
                .map(|value| request(value)),
            instance: labels.and_then(|all| all.get(labels::INSTANCE).cloned()),
        }
    }

    /// Whether both decide the same.
    pub fn decide_as(&self, other: &Self) -> bool {
        let Self {
            uid,
            generation,
            scope,
            deleting,
            paused,
            resync,
            instance: _,
        } = self;
        (uid, generation, scope, deleting, paused, resync)
            == (
                &other.uid,
                &other.generation,
                &other.scope,
                &other.deleting,
                &other.paused,
                &other.resync,
            )
    }
}

/// What is remembered of a request for a pass: as much as tells it from others.
fn request(value: &str) -> String {
    if value.len() <= REQUEST {
        return value.to_owned();
    }
    base64::encode(&Sha256::digest(value))
}

/// The keys an object claims to be sealed for (`seal-tool/keys`, separated by commas or spaces).
/// A first guess, never trusted: what is no fingerprint is passed over.
pub fn hinted_keys(metadata: &ObjectMeta) -> Vec<Fingerprint> {
    let hint = metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(annotations::KEYS));
    hint.into_iter()
        .flat_map(|hint| hint.split([',', ' ']))
        .filter_map(|name| name.parse().ok())
        .take(HINTS)
        .collect()
}

/// When the values were probably sealed: when somebody last wrote the spec, else when the object
/// was created.
pub fn written_at(metadata: &ObjectMeta) -> Option<Timestamp> {
    let writes = metadata.managed_fields.iter().flatten().filter(|entry| {
        let fields = entry.fields_v1.as_ref();
        fields.is_some_and(|fields| fields.0.get("f:spec").is_some())
    });
    writes
        .filter_map(|entry| entry.time.as_ref())
        .chain(&metadata.creation_timestamp)
        .map(|time| time.0)
        .max()
}
