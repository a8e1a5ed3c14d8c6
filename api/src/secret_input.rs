//! Reading a Secret that is to be sealed (compat/cli.md §7).
//!
//! People write these by hand, so field names count in any case, and a scalar that should be text becomes
//! text as Go prints it. Two things differ from the existing tool, both on purpose: a kind other than Secret is
//! an error (it seals a `ConfigMap` without a word), and so is a number that would lose digits.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Map, Value};

use crate::decode::{
    DecodeError, Fault, Fields, Place, Rules, Shape, beginning, bytes, clean, fields, json_type,
    object_meta, text_map,
};
use crate::names::secret;

/// What the document was written in. Messages of the existing tool differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

const GO: &str = "Secret";
const DATA: Shape = Shape::opaque("map[string][]uint8");
const SECRET_TYPE: Shape = Shape::Text {
    go: "v1.SecretType",
};

/// Reads one Secret. `data` and `stringData` are joined in the result's `data`, the latter winning.
///
/// `kind` and `apiVersion` may be left out, not be others. Metadata is kept whole. Whether there is any
/// data, and which name and namespace count, is the caller's question.
pub fn decode_secret(value: Value, origin: Origin) -> Result<Secret, DecodeError> {
    let mut secret =
        decode(value, Rules::Input).map_err(|error| error.in_yaml(origin == Origin::Yaml))?;
    join_string_data(&mut secret);
    Ok(secret)
}

/// Moves `stringData` into `data`, where it wins: what the API server does on every write.
pub(crate) fn join_string_data(secret: &mut Secret) {
    let texts = secret.string_data.take().unwrap_or_default();
    if !texts.is_empty() {
        let data = secret.data.get_or_insert_default();
        data.extend(
            texts
                .into_iter()
                .map(|(key, text)| (key, ByteString(text.into_bytes()))),
        );
    }
}

/// The Secret as it stands in the deprecated whole-object blob: exact names, exact types, `stringData` apart.
pub(crate) fn decode_blob(value: Value) -> Result<Secret, DecodeError> {
    decode(value, Rules::Api)
}

/// The documents a `List` holds, or the document itself.
///
/// `kubectl get secrets -o yaml` writes a `List`, which the existing tool takes for a Secret without data.
pub fn expand_list(value: Value) -> Result<Vec<Value>, DecodeError> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_list = [secret::LIST_KIND, secret::SECRET_LIST_KIND].contains(&text("kind"))
        && text("apiVersion") == secret::API_VERSION;
    let Value::Object(mut list) = value else {
        return Ok(vec![value]);
    };
    if !is_list {
        return Ok(vec![Value::Object(list)]);
    }
    match list.remove("items") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => {
            const ITEMS: Shape = Shape::List {
                of: &Shape::Any,
                go: "[]runtime.RawExtension",
            };
            let root = Place::root();
            Err(ITEMS.wrong_type(&other, &root.field("List", "items")))
        }
    }
}

fn decode(value: Value, rules: Rules) -> Result<Secret, DecodeError> {
    const KNOWN: [&str; 7] = [
        "kind",
        "apiVersion",
        "metadata",
        "data",
        "stringData",
        "type",
        "immutable",
    ];
    let root = Place::root();
    let object = match value {
        Value::Object(object) => object,
        other => {
            let found = json_type(&other);
            return Err(DecodeError::new(&root, Fault::NotAnObject { found }));
        }
    };
    let mut found = fields(object, &KNOWN, GO, &root, rules)?;
    check_kind(&mut found, &root, rules)?;

    let mut result = Secret::default();
    if let Some(value) = found.take("metadata") {
        result.metadata = object_meta(value, &root.field(GO, "metadata"), rules)?;
    }
    if let Some(value) = found.take("data") {
        result.data = Some(data(value, &root.field(GO, "data"))?).filter(|data| !data.is_empty());
    }
    if let Some(value) = found.take("stringData") {
        let texts = text_map(value, &root.field(GO, "stringData"), rules)?;
        result.string_data = Some(texts).filter(|texts| !texts.is_empty());
    }
    result.type_ = text(&mut found, "type", &SECRET_TYPE, &root, rules)?;
    result.immutable = match found.take("immutable") {
        None => None,
        Some(Value::Bool(flag)) => Some(flag),
        Some(other) => return Err(Shape::Bool.wrong_type(&other, &root.field(GO, "immutable"))),
    };
    Ok(result)
}

fn data(value: Value, place: &Place<'_>) -> Result<BTreeMap<String, ByteString>, DecodeError> {
    let entries: Map<String, Value> = DATA.object(value, place)?;
    entries
        .into_iter()
        .map(|(key, value)| {
            let decoded = bytes(&value, &place.key(&key))?;
            Ok((key, ByteString(decoded)))
        })
        .collect()
}

fn text(
    found: &mut Fields,
    name: &str,
    shape: &Shape,
    root: &Place<'_>,
    rules: Rules,
) -> Result<Option<String>, DecodeError> {
    let Some(value) = found.take(name) else {
        return Ok(None);
    };
    let cleaned = clean(value, shape, &root.field(GO, name), rules)?;
    Ok(cleaned
        .as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned)
        .filter(|text| !text.is_empty()))
}

fn check_kind(found: &mut Fields, root: &Place<'_>, rules: Rules) -> Result<(), DecodeError> {
    let kind = text(found, "kind", &Shape::TEXT, root, rules)?;
    let version = text(found, "apiVersion", &Shape::TEXT, root, rules)?;
    let kind_fits = kind.as_deref().is_none_or(|kind| kind == secret::KIND);
    let version_fits = version
        .as_deref()
        .is_none_or(|version| version == secret::API_VERSION);
    if kind_fits && version_fits {
        return Ok(());
    }
    let told = |text: Option<String>| text.as_deref().map(beginning);
    let found = match (told(kind), told(version)) {
        (Some(kind), Some(version)) => format!("`{kind}` of `{version}`"),
        (Some(kind), None) => format!("`{kind}`"),
        (None, version) => format!("apiVersion `{}`", version.unwrap_or_default()),
    };
    Err(DecodeError::new(
        root,
        Fault::WrongKind {
            wanted: "`Secret` of `v1`",
            found,
        },
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(secret: &Secret) -> Vec<(&str, &[u8])> {
        let data = secret.data.iter().flatten();
        data.map(|(key, value)| (key.as_str(), value.0.as_slice()))
            .collect()
    }

    #[test]
    fn string_data_wins_and_field_names_count_in_any_case() {
        let secret = decode_secret(
            json!({"Kind": "Secret", "DATA": {"a": "YQ==", "b": null}, "StringData": {"a": "x", "c": null}}),
            Origin::Json,
        )
        .unwrap();
        let want: [(&str, &[u8]); 3] = [("a", b"x"), ("b", b""), ("c", b"")];
        assert_eq!(values(&secret), want);
        assert_eq!(secret.string_data, None);
    }

    #[test]
    fn scalars_become_text_as_go_prints_them() {
        let secret = decode_secret(
            json!({"metadata": {"name": true, "labels": {"n": 1, "none": null}}, "stringData": {"f": 1.5, "i": 493}}),
            Origin::Yaml,
        )
        .unwrap();
        let want: [(&str, &[u8]); 2] = [("f", b"1.5"), ("i", b"493")];
        assert_eq!(values(&secret), want);
        assert_eq!(secret.metadata.name.as_deref(), Some("true"));
        let labels = secret.metadata.labels.unwrap();
        assert_eq!((labels["n"].as_str(), labels["none"].as_str()), ("1", ""));
    }

    #[test]
    fn errors_read_as_upstreams_and_name_the_key_besides() {
        // Texts recorded in compat/kubeseal_transcripts.json (input-*) and vectors/seal_cases.json.
        let prefix = "error unmarshaling JSON: while decoding JSON: ";
        for (value, text, field) in [
            (
                json!({"data": {"k": 1234}}),
                "json: cannot unmarshal number into Go struct field Secret.data of type []uint8",
                "data[\"k\"]",
            ),
            (
                json!({"stringData": {"k": {}}}),
                "json: cannot unmarshal object into Go struct field Secret.stringData of type string",
                "stringData[\"k\"]",
            ),
            (
                json!({"stringData": ["a"]}),
                "json: cannot unmarshal array into Go struct field Secret.stringData of type map[string]string",
                "stringData",
            ),
            (
                json!({"metadata": "foo"}),
                "json: cannot unmarshal string into Go struct field Secret.metadata of type v1.ObjectMeta",
                "metadata",
            ),
            (
                json!({"immutable": "true"}),
                "json: cannot unmarshal string into Go struct field Secret.immutable of type bool",
                "immutable",
            ),
            (
                json!({"data": {"k": "_-8="}}),
                "illegal base64 data at input byte 0",
                "data[\"k\"]",
            ),
            (
                json!({"metadata": {"creationTimestamp": "x"}}),
                "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"",
                "metadata.creationTimestamp",
            ),
        ] {
            let error = decode_secret(value.clone(), Origin::Json).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.field()), (text, field));
            let error = decode_secret(value, Origin::Yaml).unwrap_err();
            assert_eq!(error.to_string(), format!("{prefix}{text}"));
        }
    }

    #[test]
    fn no_error_tells_a_value() {
        for value in [
            json!({"stringData": {"k": 1.234_567_890_123}}),
            json!({"data": {"k": "hunter2!"}}),
            json!({"stringData": {"k": ["hunter2!"]}}),
            json!({"stringData": "hunter2!"}),
        ] {
            let error = decode_secret(value, Origin::Yaml).unwrap_err();
            let all = format!("{error} {error:?} {} {}", error.reason(), error.field());
            assert!(!all.contains("hunter2") && !all.contains("1.23"), "{all}");
        }
    }

    #[test]
    fn another_kind_is_an_error_and_a_list_is_opened() {
        let error = decode_secret(
            json!({"kind": "ConfigMap", "apiVersion": "v1"}),
            Origin::Yaml,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "expected `Secret` of `v1`, found `ConfigMap` of `v1`"
        );
        let list = json!({"kind": "List", "apiVersion": "v1", "items": [{"a": 1}, {"b": 2}]});
        assert_eq!(
            expand_list(list).unwrap(),
            [json!({"a": 1}), json!({"b": 2})]
        );
        let other = json!({"kind": "Secret", "items": 1});
        assert_eq!(expand_list(other.clone()).unwrap(), [other]);
    }

    #[test]
    fn a_field_given_twice_is_refused_rather_than_guessed() {
        let error = decode_secret(json!({"data": {}, "Data": {}}), Origin::Json).unwrap_err();
        assert!(
            error.to_string().contains("given a second time as `data`"),
            "{error}"
        );
    }
}
