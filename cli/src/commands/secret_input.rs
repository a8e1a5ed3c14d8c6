//! Reading the Secrets to be sealed.

use std::io::Read;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Code, Origin, decode_secret, expand_list, names};
use sealed_manifest::{Document, Format};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::input::{Input, place};
use crate::name::Name;
use crate::repeated::repeated_key;

/// A Secret and where it stands.
pub(super) struct Found {
    /// What was read.
    pub(super) secret: Secret,
    /// The document, for the beginning of a message.
    pub(super) place: String,
}

/// Reads the documents of an input that is to be sealed.
pub(super) fn read(
    input: Input,
    stdin: &mut dyn Read,
    name: Name,
    nothing: &Failure,
) -> Result<Vec<Document>, Failure> {
    match name {
        Name::Kubeseal => input.documents_of_kubeseal(stdin, nothing),
        Name::Seal => input.documents(stdin, nothing),
    }
}

/// Takes the Secrets out of documents, those in Lists too.
///
/// All of them are read before any is sealed: a document that cannot be understood must not leave half an output.
pub(super) fn decode(
    documents: Vec<Document>,
    name: Name,
    nothing: Failure,
) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::with_capacity(documents.len());
    let mut no_object = None;
    for document in documents {
        let place = place(&document);
        if name == Name::Kubeseal && !document.value().is_object() {
            no_object.get_or_insert_with(|| {
                Failure::new(Code::WrongType, format!("{place}: expected an object"))
            });
            continue;
        }
        if name == Name::Kubeseal && document.value() == &Value::Object(Map::new()) {
            continue; // it says as little as an empty document
        }
        check_keys(&document, &place, name)?;
        let origin = match document.format() {
            Format::Json => Origin::Json,
            Format::Yaml => Origin::Yaml,
        };
        let value = document.into_value();
        let listed = is_list(&value);
        if listed && name == Name::Kubeseal {
            return Err(Failure::new(
                Code::WrongKind,
                format!("{place}: kubeseal takes Secrets, not a List of them; seal takes both"),
            ));
        }
        let items = expand_list(value).map_err(|error| Failure::undecodable(&error, &place))?;
        for (index, item) in items.into_iter().enumerate() {
            let place = if listed {
                format!("{place}, items[{index}]")
            } else {
                place.clone()
            };
            if name == Name::Seal {
                check_kind(&item).map_err(|failure| failure.at(&place))?;
            }
            let kind = kind_of(&item).to_owned();
            let secret = decode_secret(item, origin).map_err(|error| {
                let failure = Failure::undecodable(&error, &place);
                if error.code() == Code::WrongKind {
                    failure.hint(instead_of_secret(&kind))
                } else {
                    failure
                }
            })?;
            found.push(Found { secret, place });
        }
    }
    if found.is_empty() {
        Err(nothing)
    } else {
        Ok(found)
    }
}

/// A mapping that stands twice would be half lost; as `kubeseal` a value that stands twice is its last one.
fn check_keys(document: &Document, place: &str, name: Name) -> Result<(), Failure> {
    if document.format() == Format::Yaml {
        return Ok(());
    }
    match repeated_key(document.text(), name == Name::Kubeseal) {
        None => Ok(()),
        Some(key) => Err(Failure::new(
            Code::FieldTwice,
            format!("{place}: the key {key} stands twice"),
        )),
    }
}

/// A Secret may leave out its kind, and one without data may be meant; what has neither is something else.
fn check_kind(value: &Value) -> Result<(), Failure> {
    const MARKS: [&str; 3] = ["kind", "data", "stringData"];
    let Some(fields) = value.as_object() else {
        return Ok(());
    };
    let is_mark = |field: &String| MARKS.iter().any(|mark| field.eq_ignore_ascii_case(mark));
    if fields.keys().any(is_mark) {
        return Ok(());
    }
    Err(Failure::new(
        Code::WrongKind,
        "this is no Secret: it has no `kind`, `data` or `stringData`",
    )
    .hint("the input is a Secret with `kind: Secret`"))
}

/// What somebody may have meant who gives an object of another kind.
fn instead_of_secret(kind: &str) -> &'static str {
    match kind {
        names::KIND => {
            "it is sealed already; --merge-into adds values to it, --validate checks it, --re-encrypt renews it"
        }
        names::secret::KIND => "the apiVersion of a Secret is `v1`",
        _ => "only Secrets can be sealed; leave other objects out of the input",
    }
}

fn kind_of(value: &Value) -> &str {
    value
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_list(value: &Value) -> bool {
    [names::secret::LIST_KIND, names::secret::SECRET_LIST_KIND].contains(&kind_of(value))
}

/// The failure of an input without any Secret.
pub(super) fn no_secrets(origin: &str) -> Failure {
    Failure::new(
        Code::NoSecrets,
        format!("{origin}: there is no Secret in it"),
    )
    .kubeseal("no secrets found. Ensure the input is valid and UTF-8 encoded")
    .hint("the input is one or more Secrets as YAML or JSON")
}
