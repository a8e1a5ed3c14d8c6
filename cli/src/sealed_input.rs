//! Reading SealedSecrets: for recovery, for the controller, and as the target of a merge.

use sealed_api::{Code, SealedSecret, names};
use sealed_manifest::{Document, Format};
use serde_json::Value;

use crate::failure::Failure;
use crate::input::place;
use crate::name::Name;

/// A SealedSecret and where it stands.
pub(crate) struct Found {
    /// What was read.
    pub(crate) sealed: SealedSecret,
    /// The document, for the beginning of a message.
    pub(crate) place: String,
}

/// Takes the SealedSecrets out of documents; as `seal`, those in Lists too.
pub(crate) fn decode(
    documents: Vec<Document>,
    name: Name,
    kind: Kind,
    nothing: Failure,
) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::with_capacity(documents.len());
    for document in documents {
        if name == Name::Seal {
            found.extend(decode_all(document, kind)?);
        } else {
            let place = place(&document);
            found.push(decode_one(document.into_value(), place, kind)?);
        }
    }
    if found.is_empty() {
        Err(nothing)
    } else {
        Ok(found)
    }
}

/// Takes the SealedSecrets out of one document, which may be a List.
pub(crate) fn decode_all(document: Document, kind: Kind) -> Result<Vec<Found>, Failure> {
    let place = place(&document);
    let entries = entries(document.into_value(), &place)?.into_iter();
    let decode = |entry: Entry| {
        let place = entry.place(&place);
        decode_one(entry.value, place, kind)
    };
    entries.map(decode).collect()
}

/// Whether an object must say what it is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// It may leave out its kind and apiVersion.
    Assumed,
    /// It must name both.
    Stated,
}

/// Reads one SealedSecret.
pub(crate) fn decode_one(value: Value, place: String, kind: Kind) -> Result<Found, Failure> {
    if let Some(key) = misspelt_items(&value) {
        return Err(Failure::new(
            Code::WrongType,
            format!("{place}: the field spec.{key} is unknown; it is spelt encryptedData"),
        ));
    }
    let is_plain = value.get("kind").and_then(Value::as_str) == Some(names::secret::KIND);
    let unknown = conversion_of_kubeseal(&value);
    let sealed = match kind {
        Kind::Assumed => SealedSecret::decode(value),
        Kind::Stated => SealedSecret::decode_typed(value),
    };
    let sealed = sealed.map_err(|error| {
        let mut failure = Failure::undecodable(&error, &place);
        if let Some(words) = unknown.filter(|_| error.code() == Code::WrongKind) {
            failure = failure.kubeseal(words);
        }
        if is_plain && error.code() == Code::WrongKind {
            failure.hint("it is not sealed; `seal -f FILE` seals it")
        } else {
            failure
        }
    })?;
    Ok(Found { sealed, place })
}

/// Reads one SealedSecret of which nothing may be overlooked: decoded leniently, sealed values that stand in no mapping would be
/// none at all.
pub(crate) fn decode_whole(value: Value, place: String) -> Result<Found, Failure> {
    let items = value.get("spec").and_then(|spec| spec.get(names::ITEMS));
    if items.is_some_and(|items| !items.is_null() && !items.is_object()) {
        return Err(Failure::new(
            Code::WrongType,
            format!("spec.{}: expected a mapping of sealed values", names::ITEMS),
        )
        .at(place));
    }
    let kind = match value.get("kind").and_then(Value::as_str) {
        None | Some("") => Kind::Assumed,
        Some(_) => Kind::Stated,
    };
    decode_one(value, place, kind)
}

/// What the existing tool says of an object that is no SealedSecret and says what it is: two sentences, by whether its library
/// knows the kind.
fn conversion_of_kubeseal(value: &Value) -> Option<String> {
    /// What people feed it; the others of `v1` get the other sentence.
    const KNOWN: [&str; 6] = [
        "ConfigMap",
        "List",
        "Pod",
        "Secret",
        "Service",
        "ServiceAccount",
    ];
    let text = |field: &str| {
        value
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let (kind, version) = (text("kind")?, text("apiVersion")?);
    let is_known = match version {
        names::secret::API_VERSION => KNOWN.contains(&kind),
        names::API_VERSION => kind == names::LIST_KIND,
        _ => false,
    };
    Some(if is_known {
        let version = version.rsplit('/').next().unwrap_or(version);
        format!("converting ({version}.{kind}) to (v1alpha1.SealedSecret): unknown conversion")
    } else {
        format!(
            "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
            sealed_pflag::quote(kind),
            sealed_pflag::quote(version)
        )
    })
}

/// `encryptedData` in another case is an unknown field, so the values would be lost without a word.
pub(crate) fn misspelt_items(value: &Value) -> Option<&str> {
    let spec = value.get("spec")?.as_object()?;
    spec.keys()
        .find(|key| key.as_str() != names::ITEMS && key.eq_ignore_ascii_case(names::ITEMS))
        .map(String::as_str)
}

/// Whether an object is a SealedSecret, or does not say what it is and looks like one: in a dump of the API's answer, say,
/// objects need not name their kind.
pub(crate) fn is_sealed_secret(value: &Value) -> bool {
    match value.get("kind").and_then(Value::as_str) {
        None | Some("") => {
            let spec = value.get("spec").and_then(Value::as_object);
            spec.is_some_and(|spec| {
                let has_items = spec
                    .keys()
                    .any(|key| key.eq_ignore_ascii_case(names::ITEMS));
                has_items || spec.get("data").is_some_and(Value::is_string)
            })
        }
        Some(kind) => kind == names::KIND,
    }
}

/// One object of a document.
pub(crate) struct Entry {
    /// Where in its List it stands, if it is in one.
    pub(crate) index: Option<usize>,
    /// The object.
    pub(crate) value: Value,
}

impl Entry {
    /// Where it stands, its document being at `document`.
    pub(crate) fn place(&self, document: &str) -> String {
        match self.index {
            None => document.to_owned(),
            Some(index) => format!("{document}, items[{index}]"),
        }
    }
}

/// The objects of a document: those of its List, or itself.
///
/// # Errors
///
/// A List whose items cannot be told, or one that holds another: what is in it may be what matters.
pub(crate) fn entries(mut value: Value, place: &str) -> Result<Vec<Entry>, Failure> {
    if !is_list(&value) {
        return Ok(vec![Entry { index: None, value }]);
    }
    let of_ours = value.get("kind").and_then(Value::as_str) == Some(names::LIST_KIND);
    let items = match value.get_mut("items").map(Value::take) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            let failure = Failure::new(Code::WrongType, "items: expected a list of objects");
            return Err(failure.at(place));
        }
    };
    let listed = items.into_iter().enumerate().map(|(index, mut value)| {
        if is_list(&value) {
            let failure = Failure::new(Code::WrongKind, "a List in a List is not looked into");
            return Err(failure.at(format!("{place}, items[{index}]")));
        }
        if let Some(object) = value.as_object_mut().filter(|_| of_ours) {
            // The list says it for all of them.
            for (field, text) in [("apiVersion", names::API_VERSION), ("kind", names::KIND)] {
                object.entry(field).or_insert_with(|| text.into());
            }
        }
        let index = Some(index);
        Ok(Entry { index, value })
    });
    listed.collect()
}

/// Whether an object is a List, by its kind, or without one by its items.
fn is_list(value: &Value) -> bool {
    const KINDS: [&str; 3] = [
        names::LIST_KIND,
        names::secret::LIST_KIND,
        names::secret::SECRET_LIST_KIND,
    ];
    match value.get("kind").and_then(Value::as_str) {
        None | Some("") => value.get("items").is_some_and(Value::is_array),
        Some(kind) => KINDS.contains(&kind),
    }
}

/// The failure of an input without any SealedSecret.
pub(crate) fn no_sealed_secrets(origin: &str) -> Failure {
    Failure::new(
        Code::NoSecrets,
        format!("{origin}: there is no SealedSecret in it"),
    )
    .hint("the input is one or more SealedSecrets as YAML or JSON")
}

/// Refuses a document that begins like JSON and is none, which is read as YAML otherwise.
pub(crate) fn refuse_broken_json(document: &Document) -> Result<(), Failure> {
    if !is_broken_json(document) {
        return Ok(());
    }
    Err(Failure::new(
        Code::MalformedInput,
        "it begins like JSON and is not valid JSON",
    )
    .at(place(document))
    .kubeseal("couldn't get version/kind; json parse error: invalid JSON"))
}

/// Whether a document that was read as YAML looks like JSON: then it is JSON with a fault, which nobody else would read.
pub(crate) fn is_broken_json(document: &Document) -> bool {
    document.format() == Format::Yaml
        && document
            .text()
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('{')
}

/// The object as the existing tool sends and writes it: there is always a template.
pub(crate) fn go_shaped(mut sealed: SealedSecret) -> SealedSecret {
    sealed.spec.template.get_or_insert_default();
    sealed
}
