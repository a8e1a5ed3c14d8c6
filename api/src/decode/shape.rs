//! A small description of Go structs, and the walk that makes a JSON value fit one.
//!
//! Typed deserializers for Kubernetes objects exist, but they refuse what Go accepts (null map values), and
//! their errors name neither field nor type as Go does. So a value is first walked against its shape:
//! unknown fields and nulls go, scalars become text where the rules say so, and anything else that does not
//! fit is an error with its place. What is left, the typed deserializer takes without complaint.

use std::collections::BTreeMap;

use sealed_crypto::base64;
use serde_json::{Map, Value};

use super::scalar::number_as_text;
use super::{DecodeError, Fault, Place, beginning, json_type};

/// How leniently to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// API objects: exact field names, exact types.
    Api,
    /// A Secret to be sealed: field names in any case, scalars turned into text.
    Input,
}

/// What Go expects at a place. `go` is the type's name in messages.
pub(crate) enum Shape {
    /// Anything, unchanged.
    Any,
    Bool,
    Integer {
        go: &'static str,
    },
    List {
        of: &'static Self,
        go: &'static str,
    },
    Map {
        of: &'static Self,
        go: &'static str,
    },
    Object(&'static Struct),
    Text {
        go: &'static str,
    },
    Time,
}

/// A Go struct: `name` stands in messages about its fields, `go` in messages about the whole.
pub(crate) struct Struct {
    pub(crate) name: &'static str,
    pub(crate) go: &'static str,
    pub(crate) fields: &'static [(&'static str, Shape)],
}

/// The members of an object by their proper names; unknown members are dropped.
pub(crate) struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    /// Takes a member; null counts as absent, as Go has it for everything but maps of pointers.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }
}

/// Splits an object into the members called `known`.
pub(crate) fn fields(
    object: Map<String, Value>,
    known: &[&'static str],
    go_struct: &'static str,
    place: &Place<'_>,
    rules: Rules,
) -> Result<Fields, DecodeError> {
    let mut found = BTreeMap::new();
    for (name, value) in object {
        let Some(proper) = known.iter().copied().find(|candidate| match rules {
            Rules::Api => *candidate == name,
            Rules::Input => candidate.eq_ignore_ascii_case(&name),
        }) else {
            continue;
        };
        if found.insert(proper, value).is_some() {
            // Which of `data` and `Data` counts would be a guess.
            let place = place.field(go_struct, proper);
            return Err(DecodeError::new(
                &place,
                Fault::FieldTwice {
                    other: beginning(&name),
                },
            ));
        }
    }
    Ok(Fields(found))
}

/// Makes `value` fit `shape`. `None` is null.
pub(crate) fn clean(
    value: Value,
    shape: &Shape,
    place: &Place<'_>,
    rules: Rules,
) -> Result<Option<Value>, DecodeError> {
    Ok(Some(match (shape, value) {
        (_, Value::Null) => return Ok(None),
        (Shape::Any, value)
        | (Shape::Bool, value @ Value::Bool(_))
        | (Shape::Text { .. }, value @ Value::String(_)) => value,
        (Shape::Integer { .. }, Value::Number(number)) if number.is_i64() => Value::Number(number),
        (Shape::List { of, .. }, Value::Array(elements)) => {
            let mut list = Vec::with_capacity(elements.len());
            for (index, element) in elements.into_iter().enumerate() {
                list.push(
                    clean(element, of, &place.index(index), rules)?.unwrap_or_else(|| of.zero()),
                );
            }
            Value::Array(list)
        }
        (Shape::Map { of, .. }, Value::Object(entries)) => {
            let mut map = Map::new();
            for (key, entry) in entries {
                let entry = clean(entry, of, &place.key(&key), rules)?;
                map.insert(key, entry.unwrap_or_else(|| of.zero()));
            }
            Value::Object(map)
        }
        (Shape::Object(shape), Value::Object(object)) => clean_struct(object, shape, place, rules)?,
        (Shape::Text { .. }, Value::Bool(flag)) if rules == Rules::Input => {
            Value::String(flag.to_string())
        }
        (Shape::Text { .. }, Value::Number(number)) if rules == Rules::Input => Value::String(
            number_as_text(&number).map_err(|_| DecodeError::new(place, Fault::LossyNumber))?,
        ),
        (Shape::Time, Value::String(text)) => time(text, place)?,
        (shape, value) => {
            return Err(shape.wrong_type(&value, place));
        }
    }))
}

fn clean_struct(
    object: Map<String, Value>,
    shape: &Struct,
    place: &Place<'_>,
    rules: Rules,
) -> Result<Value, DecodeError> {
    let known: Vec<&'static str> = shape.fields.iter().map(|(name, _)| *name).collect();
    let mut found = fields(object, &known, shape.name, place, rules)?;
    let mut cleaned = Map::new();
    for (name, field_shape) in shape.fields {
        let Some(value) = found.take(name) else {
            continue;
        };
        let place = place.field(shape.name, name);
        if let Some(value) = clean(value, field_shape, &place, rules)? {
            cleaned.insert((*name).to_owned(), value);
        }
    }
    Ok(Value::Object(cleaned))
}

/// A map of texts, the shape of labels and of `stringData`.
pub(crate) fn text_map(
    value: Value,
    place: &Place<'_>,
    rules: Rules,
) -> Result<BTreeMap<String, String>, DecodeError> {
    const SHAPE: Shape = Shape::Map {
        of: &Shape::TEXT,
        go: "map[string]string",
    };
    let Some(Value::Object(entries)) = clean(value, &SHAPE, place, rules)? else {
        return Ok(BTreeMap::new());
    };
    Ok(entries
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => (key, text),
            _ => (key, String::new()),
        })
        .collect())
}

/// Bytes written as base64. No rule makes a number or boolean into bytes.
pub(crate) fn bytes(value: &Value, place: &Place<'_>) -> Result<Vec<u8>, DecodeError> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => base64::decode(text.as_bytes())
            .map_err(|error| DecodeError::new(place, Fault::BadBase64(error))),
        other => Err(wrong_type(other, place, "[]uint8", "base64 text")),
    }
}

/// A time as RFC 3339 has it. jiff accepts more spellings than Go, so the separators are looked at first.
fn time(text: String, place: &Place<'_>) -> Result<Value, DecodeError> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let spelt_well = separators
        .iter()
        .all(|(at, byte)| text.as_bytes().get(*at) == Some(byte));
    if spelt_well && text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(Value::String(text));
    }
    let text = beginning(&text);
    Err(DecodeError::new(place, Fault::BadTime { text }))
}

pub(super) fn wrong_type(
    found: &Value,
    place: &Place<'_>,
    go_type: &'static str,
    wanted: &'static str,
) -> DecodeError {
    DecodeError::new(
        place,
        Fault::WrongType {
            found: json_type(found),
            go_struct: place.go_struct(),
            go_path: place.go_path(),
            go_type,
            wanted,
        },
    )
}

impl Shape {
    /// Text of Go type `string`.
    pub(crate) const TEXT: Self = Self::Text { go: "string" };

    pub(crate) const INT64: Self = Self::Integer { go: "int64" };

    /// An object whose members the caller reads.
    pub(crate) const fn opaque(go: &'static str) -> Self {
        Self::Map { of: &Self::Any, go }
    }

    /// Takes the object that has to stand at `place`.
    pub(crate) fn object(
        &self,
        value: Value,
        place: &Place<'_>,
    ) -> Result<Map<String, Value>, DecodeError> {
        match value {
            Value::Object(object) => Ok(object),
            other => Err(self.wrong_type(&other, place)),
        }
    }

    /// What Go leaves in a list or map for a null entry.
    fn zero(&self) -> Value {
        match self {
            Self::Any | Self::Time => Value::Null,
            Self::Bool => Value::Bool(false),
            Self::Integer { .. } => Value::from(0),
            Self::List { .. } => Value::Array(Vec::new()),
            Self::Map { .. } | Self::Object(_) => Value::Object(Map::new()),
            Self::Text { .. } => Value::String(String::new()),
        }
    }

    pub(crate) fn wrong_type(&self, found: &Value, place: &Place<'_>) -> DecodeError {
        let (go_type, wanted) = match self {
            Self::Any => ("interface {}", "anything"),
            Self::Bool => ("bool", "a boolean"),
            Self::Integer { go } => (*go, "a whole number"),
            Self::List { go, .. } => (*go, "a list"),
            Self::Map { go, .. } => (*go, "an object"),
            Self::Object(shape) => (shape.go, "an object"),
            Self::Text { go } => (*go, "text"),
            Self::Time => ("v1.Time", "a time"),
        };
        wrong_type(found, place, go_type, wanted)
    }
}
