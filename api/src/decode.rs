//! Reading one object from JSON: what Go's decoders accept, and an error that names the field.
//!
//! The stream readers of the command line and the watches of the controller hand over one
//! [`serde_json::Value`] at a time, so a malformed object costs itself and nobody else. Two sets of rules
//! exist ([`Rules`]): API objects are read with exact field names and exact types; a Secret on its way to
//! being sealed is read with field names in any case and scalars turned into text (compat/cli.md §7).

mod metadata;
mod place;
mod scalar;
mod shape;

use std::fmt;

use sealed_crypto::base64::Base64Error;
use serde_json::Value;

use crate::codes::Code;

pub(crate) use metadata::{object_meta, salvage_object_meta};
pub(crate) use place::Place;
pub(crate) use shape::{Fields, Rules, Shape, Struct, bytes, clean, fields, text_map};

/// Why an object could not be read: the field, what stands there, what is wanted.
///
/// `Display` is what the existing programs print for the same fault, because scripts match it;
/// [`DecodeError::field`] and [`DecodeError::reason`] say the same in plain words, and with the key of a map
/// entry, which the former leaves out. Neither ever holds the value of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    field: String,
    fault: Fault,
    read_as_yaml: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BadBase64(Base64Error),
    BadTime {
        text: String,
    },
    FieldTwice {
        other: String,
    },
    LossyNumber,
    NotAnObject {
        found: &'static str,
    },
    WrongKind {
        wanted: &'static str,
        found: String,
    },
    WrongType {
        found: &'static str,
        go_struct: &'static str,
        go_path: String,
        go_type: &'static str,
        wanted: &'static str,
    },
}

/// How much of a text of the object an error repeats, in characters. What strangers send ends up in logs, and what
/// stands in an object in the status of another.
const REPEATED: usize = 64;

/// The beginning of a text of the object, enough to recognise it.
pub(crate) fn beginning(text: &str) -> String {
    match text.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl DecodeError {
    pub(crate) fn new(place: &Place<'_>, fault: Fault) -> Self {
        Self {
            field: place.to_string(),
            fault,
            read_as_yaml: false,
        }
    }

    pub(crate) fn in_yaml(mut self, read_as_yaml: bool) -> Self {
        self.read_as_yaml = read_as_yaml;
        self
    }

    /// The field, as a path from the root of the object, map keys included: `spec.template.data["user"]`.
    /// Empty when the whole object is at fault.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with the field, in plain words and without its value.
    pub fn reason(&self) -> String {
        match &self.fault {
            Fault::BadBase64(error) => error.to_string(),
            Fault::BadTime { .. } => "not a time as in 2006-01-02T15:04:05Z".to_owned(),
            Fault::FieldTwice { other } => format!("given a second time as `{other}`"),
            Fault::LossyNumber => "a number that would lose digits as text".to_owned(),
            Fault::NotAnObject { found } => format!("expected an object, found {}", article(found)),
            Fault::WrongKind { wanted, found } => format!("expected {wanted}, found {found}"),
            Fault::WrongType { found, wanted, .. } => {
                format!("expected {wanted}, found {}", article(found))
            }
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.fault {
            Fault::BadBase64(_) if self.field.starts_with("data[") => {
                Some("values in `data` are base64; plain text goes into `stringData`")
            }
            Fault::LossyNumber => Some("put the value in quotes, so that it is text"),
            Fault::WrongType { found, .. } if matches!(*found, "number" | "bool") => {
                Some("put the value in quotes, so that it is text")
            }
            _ => None,
        }
    }

    /// Stable code of the fault.
    pub fn code(&self) -> Code {
        match &self.fault {
            Fault::BadBase64(_) => Code::BadBase64,
            Fault::BadTime { .. } => Code::BadTime,
            Fault::FieldTwice { .. } => Code::FieldTwice,
            Fault::LossyNumber => Code::LossyNumber,
            Fault::NotAnObject { .. } => Code::MalformedInput,
            Fault::WrongType { .. } => Code::WrongType,
            Fault::WrongKind { .. } => Code::WrongKind,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.read_as_yaml && self.fault.is_from_json_step() {
            // The existing tool converts YAML to JSON first and says in which of its steps it failed.
            f.write_str("error unmarshaling JSON: while decoding JSON: ")?;
        }
        match &self.fault {
            Fault::BadBase64(error) => error.fmt(f),
            Fault::BadTime { text } => write!(
                f,
                "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
            ),
            Fault::FieldTwice { .. } | Fault::LossyNumber => {
                write!(f, "cannot read `{}`: {}", self.field, self.reason())
            }
            Fault::NotAnObject { .. } | Fault::WrongKind { .. } => f.write_str(&self.reason()),
            Fault::WrongType {
                found,
                go_struct,
                go_path,
                go_type,
                ..
            } => write!(
                f,
                "json: cannot unmarshal {found} into Go struct field {go_struct}.{go_path} of type {go_type}"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Fault {
    /// Whether the existing tool finds this fault while it reads JSON (it has no word for the others).
    fn is_from_json_step(&self) -> bool {
        matches!(
            self,
            Self::BadBase64(_) | Self::BadTime { .. } | Self::WrongType { .. }
        )
    }
}

/// Go's word for the type of a JSON value.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "bool",
        Value::Null => "null",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    }
}

fn article(json_type: &str) -> String {
    match json_type {
        "array" => "a list".to_owned(),
        "bool" => "a boolean".to_owned(),
        "null" => "nothing".to_owned(),
        "object" => "an object".to_owned(),
        "string" => "text".to_owned(),
        other => format!("a {other}"),
    }
}
