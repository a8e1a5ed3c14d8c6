//! `ObjectMeta`: its shape, strict reading, and what can be saved from a malformed one.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::shape::{Rules, Shape, Struct, clean};
use super::{DecodeError, Place};

const TEXT_MAP: Shape = Shape::Map {
    of: &Shape::TEXT,
    go: "map[string]string",
};
const UID: Shape = Shape::Text { go: "types.UID" };

/// Field order and Go names as in `k8s.io/apimachinery`.
const OBJECT_META: Struct = Struct {
    name: "ObjectMeta",
    go: "v1.ObjectMeta",
    fields: &[
        ("name", Shape::TEXT),
        ("generateName", Shape::TEXT),
        ("namespace", Shape::TEXT),
        ("selfLink", Shape::TEXT),
        ("uid", UID),
        ("resourceVersion", Shape::TEXT),
        ("generation", Shape::INT64),
        ("creationTimestamp", Shape::Time),
        ("deletionTimestamp", Shape::Time),
        ("deletionGracePeriodSeconds", Shape::INT64),
        ("labels", TEXT_MAP),
        ("annotations", TEXT_MAP),
        (
            "ownerReferences",
            Shape::List {
                of: &Shape::Object(&OWNER_REFERENCE),
                go: "[]v1.OwnerReference",
            },
        ),
        (
            "finalizers",
            Shape::List {
                of: &Shape::TEXT,
                go: "[]string",
            },
        ),
        (
            "managedFields",
            Shape::List {
                of: &Shape::Object(&MANAGED_FIELDS_ENTRY),
                go: "[]v1.ManagedFieldsEntry",
            },
        ),
    ],
};

const OWNER_REFERENCE: Struct = Struct {
    name: "OwnerReference",
    go: "v1.OwnerReference",
    fields: &[
        ("apiVersion", Shape::TEXT),
        ("kind", Shape::TEXT),
        ("name", Shape::TEXT),
        ("uid", UID),
        ("controller", Shape::Bool),
        ("blockOwnerDeletion", Shape::Bool),
    ],
};

const MANAGED_FIELDS_ENTRY: Struct = Struct {
    name: "ManagedFieldsEntry",
    go: "v1.ManagedFieldsEntry",
    fields: &[
        ("manager", Shape::TEXT),
        (
            "operation",
            Shape::Text {
                go: "v1.ManagedFieldsOperationType",
            },
        ),
        ("apiVersion", Shape::TEXT),
        ("time", Shape::Time),
        ("fieldsType", Shape::TEXT),
        ("fieldsV1", Shape::Any),
        ("subresource", Shape::TEXT),
    ],
};

/// Reads the metadata that stands at `place`; null is empty metadata.
pub(crate) fn object_meta(
    value: Value,
    place: &Place<'_>,
    rules: Rules,
) -> Result<ObjectMeta, DecodeError> {
    let shape = Shape::Object(&OBJECT_META);
    let Some(cleaned) = clean(value, &shape, place, rules)? else {
        return Ok(ObjectMeta::default());
    };
    // A cleaned value fits; should k8s-openapi ever want more, the object fails by itself, not the process.
    ObjectMeta::deserialize(&cleaned).map_err(|_| shape.wrong_type(&cleaned, place))
}

/// Every field of a malformed object's metadata that can be read by itself.
///
/// Enough to name the object, to write its status and to notice its next change.
pub(crate) fn salvage_object_meta(metadata: Option<&Value>) -> ObjectMeta {
    let Some(Value::Object(found)) = metadata else {
        return ObjectMeta::default();
    };
    let mut sound = Map::new();
    for (name, shape) in OBJECT_META.fields {
        let Some(value) = found.get(*name) else {
            continue;
        };
        if let Ok(Some(value)) = clean(value.clone(), shape, &Place::root(), Rules::Api) {
            sound.insert((*name).to_owned(), value);
        }
    }
    ObjectMeta::deserialize(Value::Object(sound)).unwrap_or_default()
}
