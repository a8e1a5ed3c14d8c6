//! Reading the Secrets to be sealed.

use std::io::Read;

use sealed_api::{Code, Origin, Wiping, decode_secret, expand_list, names};
use sealed_manifest::{Document, Format};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::input::{Input, place};
use crate::name::Name;
use crate::output::serialize;
use crate::repeated::repeated_key;

/// A Secret and where it stands.
pub(super) struct Found {
    /// What was read.
    pub(super) secret: Wiping,
    /// The document, for the beginning of a message.
    pub(super) place: String,
}

/// What an input that is to be sealed consists of.
pub(super) enum Piece {
    /// A Secret.
    Secret(Box<Found>),
    /// Something else, to be passed through.
    Other(Other),
}

/// An object that is no Secret.
pub(super) struct Other {
    value: Value,
    /// As it stands in the input, where it is a document of its own.
    text: Option<String>,
    format: Format,
}

impl Other {
    /// The object in an output of `format`: as it stands, unless it stands in the other format or in a List.
    pub(super) fn text(&self, format: Format) -> String {
        let kept = self.text.as_deref().filter(|text| {
            // A directive has to come before the mark that the document begins with.
            self.format == format && !text.trim_start().starts_with('%')
        });
        let Some(text) = kept else {
            return serialize(&self.value, format);
        };
        let text = text.trim_start_matches('\u{feff}');
        let mark = match format {
            Format::Yaml if !begins_with_mark(text) => "---\n",
            _ => "",
        };
        let end = if text.ends_with('\n') { "" } else { "\n" };
        format!("{mark}{text}{end}")
    }
}

fn begins_with_mark(text: &str) -> bool {
    text.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Reads an input that is to be sealed, piece by piece. Beside each piece stands the format of the first document.
///
/// As `seal` the first fault ends it. As `kubeseal` the rest is read nevertheless, and of several faults the one counts that the
/// existing tool knows; pieces behind a fault are not handed over.
pub(super) fn each(
    input: Input,
    stdin: &mut dyn Read,
    name: Name,
    keep_others: bool,
    nothing: Failure,
    mut take: impl FnMut(Piece, Format) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut first_format = None;
    let mut found = false;
    let mut unreadable = None;
    let mut undecodable = None;
    let each = |document: Result<Document, Failure>| {
        let document = match (document, name) {
            (Ok(document), _) => document,
            (Err(failure), Name::Seal) => return Err(failure),
            (Err(failure), Name::Kubeseal) => {
                unreadable.get_or_insert(failure);
                return Ok(());
            }
        };
        let format = *first_format.get_or_insert_with(|| document.format());
        if name == Name::Kubeseal && says_nothing(document.value()) {
            return Ok(());
        }
        match (pieces(document, name, keep_others), name) {
            (Ok(pieces), _) => {
                for piece in pieces {
                    found = true;
                    if unreadable.is_none() && undecodable.is_none() {
                        take(piece, format)?;
                    }
                }
            }
            (Err(failure), Name::Seal) => return Err(failure),
            (Err(failure), Name::Kubeseal) => {
                undecodable.get_or_insert(failure);
            }
        }
        Ok(())
    };
    match name {
        Name::Kubeseal => input.each_of_kubeseal(stdin, &nothing, each)?,
        Name::Seal => input.each(stdin, each)?,
    }
    match (first_format, unreadable, undecodable) {
        (None, _, _) => Err(nothing),
        (_, Some(failure), _) | (_, None, Some(failure)) => Err(failure),
        (_, None, None) if !found => Err(nothing),
        (_, None, None) => Ok(()),
    }
}

/// What the existing tool passes over like an empty document.
fn says_nothing(value: &Value) -> bool {
    value.as_object().is_none_or(Map::is_empty)
}

/// The one Secret of an input, and where the next one begins if there is another.
pub(super) fn one(
    input: Input,
    stdin: &mut dyn Read,
    name: Name,
) -> Result<(Found, Option<String>), Failure> {
    let nothing = no_secrets(input.origin());
    let mut first = None;
    let mut second = None;
    each(input, stdin, name, false, nothing.clone(), |piece, _| {
        if let Piece::Secret(found) = piece {
            match &first {
                None => first = Some(*found),
                Some(_) => {
                    second.get_or_insert(found.place);
                }
            }
        }
        Ok(())
    })?;
    Ok((first.ok_or(nothing)?, second))
}

/// What a document consists of: itself, or what its List holds.
fn pieces(document: Document, name: Name, keep_others: bool) -> Result<Vec<Piece>, Failure> {
    let place = place(&document);
    check_keys(&document, &place, name)?;
    let format = document.format();
    let origin = match format {
        Format::Json => Origin::Json,
        Format::Yaml => Origin::Yaml,
    };
    let listed = is_list(document.value());
    if keep_others && !listed && is_other(document.value()) {
        let text = Some(document.text().to_owned());
        return Ok(vec![Piece::Other(Other {
            value: document.into_value(),
            text,
            format,
        })]);
    }
    if listed && name == Name::Kubeseal {
        return Err(Failure::new(
            Code::WrongKind,
            format!("{place}: kubeseal takes Secrets, not a List of them; seal takes both"),
        ));
    }
    let items =
        expand_list(document.into_value()).map_err(|error| Failure::undecodable(&error, &place))?;
    let mut pieces = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        if keep_others && is_other(&item) {
            pieces.push(Piece::Other(Other {
                value: item,
                text: None,
                format,
            }));
            continue;
        }
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
        pieces.push(Piece::Secret(Box::new(Found {
            secret: secret.into(),
            place,
        })));
    }
    Ok(pieces)
}

/// Whether an object says that it is something else than a Secret.
fn is_other(value: &Value) -> bool {
    let text = |field| value.get(field).and_then(Value::as_str);
    match text("kind") {
        None => false,
        Some(names::secret::KIND) => {
            let version = text("apiVersion").unwrap_or_default();
            !matches!(version, "" | names::secret::API_VERSION)
        }
        Some(_) => true,
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
            "it is sealed already; `seal set` adds a value to it, `seal verify` checks it, --re-encrypt seals it for the newest key"
        }
        names::secret::KIND => "the apiVersion of a Secret is `v1`",
        _ => "only Secrets can be sealed; --keep-others passes other objects through",
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
