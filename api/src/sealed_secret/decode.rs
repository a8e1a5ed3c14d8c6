//! Reading a SealedSecret (compat/controller.md §2.4).
//!
//! `encryptedData` swallows its own type errors: what is no map is an empty one, and a value that is no text is
//! the empty text, which then fails as any value that does not open. Everything else is strict, and costs
//! the object, never the stream it came in.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Condition, SealedSecret, SealedSecretSpec, SealedSecretStatus, SecretTemplate};
use crate::decode::{
    DecodeError, Fault, Fields, Place, Rules, Shape, Struct, beginning, bytes, clean, fields,
    json_type, object_meta,
};
use crate::names;

const SPEC: Shape = Shape::opaque("v1alpha1.SealedSecretSpec");
const TEMPLATE: Shape = Shape::opaque("v1alpha1.SecretTemplateSpec");
const TEMPLATE_DATA: Shape = Shape::Map {
    of: &Shape::TEXT,
    go: "map[string]*string",
};
const STATUS: Struct = Struct {
    name: "SealedSecretStatus",
    go: "v1alpha1.SealedSecretStatus",
    fields: &[
        ("observedGeneration", Shape::INT64),
        (
            "conditions",
            Shape::List {
                of: &Shape::Object(&CONDITION),
                go: "[]v1alpha1.SealedSecretCondition",
            },
        ),
    ],
};
const CONDITION: Struct = Struct {
    name: "SealedSecretCondition",
    go: "v1alpha1.SealedSecretCondition",
    fields: &[
        (
            "type",
            Shape::Text {
                go: "v1alpha1.SealedSecretConditionType",
            },
        ),
        (
            "status",
            Shape::Text {
                go: "v1.ConditionStatus",
            },
        ),
        ("lastUpdateTime", Shape::Time),
        ("lastTransitionTime", Shape::Time),
        ("reason", Shape::TEXT),
        ("message", Shape::TEXT),
    ],
};

impl SealedSecret {
    /// Reads an object whose kind is known from where it stands (an answer of the API server, a file to merge
    /// into): kind and apiVersion may be left out, not be others.
    pub fn decode(value: Value) -> Result<Self, DecodeError> {
        decode(value, false)
    }

    /// Reads an object from anywhere else (a request, a file to unseal): kind and apiVersion have to be there.
    pub fn decode_typed(value: Value) -> Result<Self, DecodeError> {
        decode(value, true)
    }
}

fn decode(value: Value, kind_required: bool) -> Result<SealedSecret, DecodeError> {
    const KNOWN: [&str; 5] = ["kind", "apiVersion", "metadata", "spec", "status"];
    let root = Place::root();
    let object = match value {
        Value::Object(object) => object,
        other => {
            let found = json_type(&other);
            return Err(DecodeError::new(&root, Fault::NotAnObject { found }));
        }
    };
    let mut found = fields(object, &KNOWN, "SealedSecret", &root, Rules::Api)?;
    check_kind(&mut found, &root, kind_required)?;

    let place = root.field("SealedSecret", "metadata");
    let metadata = found
        .take("metadata")
        .map(|value| object_meta(value, &place, Rules::Api))
        .transpose()?
        .unwrap_or_default();
    let place = root.field("SealedSecret", "spec");
    let spec = match found.take("spec") {
        None => SealedSecretSpec::default(),
        Some(value) => spec(SPEC.object(value, &place)?, &place)?,
    };
    let place = root.field("SealedSecret", "status");
    let status = match found.take("status") {
        None => None,
        Some(value) => status(value, &place)?,
    };
    Ok(SealedSecret {
        metadata,
        spec,
        status,
    })
}

fn check_kind(found: &mut Fields, root: &Place<'_>, required: bool) -> Result<(), DecodeError> {
    let mut text = |name| {
        let place = root.field("TypeMeta", name);
        Ok(match found.take(name) {
            None => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => return Err(Shape::TEXT.wrong_type(&other, &place)),
        })
    };
    let (kind, version) = (text("kind")?, text("apiVersion")?);
    let fits = |found: &Option<String>, wanted| match found.as_deref() {
        None | Some("") => !required,
        Some(found) => found == wanted,
    };
    if fits(&kind, names::KIND) && fits(&version, names::API_VERSION) {
        return Ok(());
    }
    let or_none = |text: Option<String>, what| match text {
        Some(text) if !text.is_empty() => format!("`{}`", beginning(&text)),
        _ => format!("no {what}"),
    };
    Err(DecodeError::new(
        root,
        Fault::WrongKind {
            wanted: "`SealedSecret` of `bitnami.com/v1alpha1`",
            found: format!(
                "{} of {}",
                or_none(kind, "kind"),
                or_none(version, "apiVersion")
            ),
        },
    ))
}

fn spec(object: Map<String, Value>, place: &Place<'_>) -> Result<SealedSecretSpec, DecodeError> {
    const KNOWN: [&str; 3] = ["template", "data", "encryptedData"];
    const GO: &str = "SealedSecretSpec";
    let mut found = fields(object, &KNOWN, GO, place, Rules::Api)?;
    let template_place = place.field(GO, "template");
    let template = match found.take("template") {
        None => None,
        Some(value) => Some(template(
            TEMPLATE.object(value, &template_place)?,
            &template_place,
        )?),
    };
    // Only null counts as absent: an empty text is a blob of no bytes.
    let data = found
        .take("data")
        .map(|value| bytes(&value, &place.field(GO, "data")).map(ByteString))
        .transpose()?;
    Ok(SealedSecretSpec {
        template,
        data,
        encrypted_data: encrypted_data(found.take("encryptedData")),
    })
}

fn encrypted_data(value: Option<Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(items)) = value else {
        return BTreeMap::new();
    };
    items
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => (key, text),
            _ => (key, String::new()),
        })
        .collect()
}

fn template(object: Map<String, Value>, place: &Place<'_>) -> Result<SecretTemplate, DecodeError> {
    const KNOWN: [&str; 4] = ["metadata", "type", "immutable", "data"];
    const GO: &str = "SecretTemplateSpec";
    let mut found = fields(object, &KNOWN, GO, place, Rules::Api)?;
    let mut template = SecretTemplate::default();
    if let Some(value) = found.take("metadata") {
        template.metadata = object_meta(value, &place.field(GO, "metadata"), Rules::Api)?;
    }
    template.type_ = match found.take("type") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            let shape = Shape::Text {
                go: "v1.SecretType",
            };
            return Err(shape.wrong_type(&other, &place.field(GO, "type")));
        }
    };
    template.immutable = match found.take("immutable") {
        None => None,
        Some(Value::Bool(flag)) => Some(flag),
        Some(other) => return Err(Shape::Bool.wrong_type(&other, &place.field(GO, "immutable"))),
    };
    if let Some(value) = found.take("data") {
        let place = place.field(GO, "data");
        let entries = TEMPLATE_DATA.object(value, &place)?;
        let mut data = BTreeMap::new();
        for (key, value) in entries {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => return Err(Shape::TEXT.wrong_type(&other, &place.key(&key))),
            };
            data.insert(key, text);
        }
        template.data = Some(data);
    }
    Ok(template)
}

fn status(value: Value, place: &Place<'_>) -> Result<Option<SealedSecretStatus>, DecodeError> {
    let cleaned = clean(value, &Shape::Object(&STATUS), place, Rules::Api)?;
    Ok(cleaned.as_ref().map(sound_status))
}

/// The status of a malformed object, if that can be read.
pub(crate) fn salvage_status(found: Option<&Value>) -> Option<SealedSecretStatus> {
    status(found?.clone(), &Place::root()).ok().flatten()
}

/// Takes what the walk against [`STATUS`] left: every field has its type.
fn sound_status(cleaned: &Value) -> SealedSecretStatus {
    let text = |value: &Value, name| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |value: &Value, name| {
        let parsed = value.get(name).and_then(Value::as_str)?.parse();
        parsed.ok().map(Time)
    };
    let conditions = cleaned.get("conditions").and_then(Value::as_array);
    SealedSecretStatus {
        observed_generation: cleaned.get("observedGeneration").and_then(Value::as_i64),
        conditions: conditions
            .into_iter()
            .flatten()
            .map(|condition| Condition {
                type_: text(condition, "type").unwrap_or_default(),
                status: text(condition, "status").unwrap_or_default(),
                last_update_time: time(condition, "lastUpdateTime"),
                last_transition_time: time(condition, "lastTransitionTime"),
                reason: text(condition, "reason"),
                message: text(condition, "message"),
            })
            .collect(),
    }
}

impl<'de> Deserialize<'de> for SealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::decode(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
