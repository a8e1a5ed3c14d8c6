//! What one object tells, as a pure function of its text.

use sealed_api::names::annotations;
use sealed_api::{Code, DecodeError, SealedSecret};
use sealed_crypto::{SealedValue, SealedValueError};
use serde::Serialize;
use serde_json::Value;

use super::known::{Fit, Known, key_bits};
use crate::binding;
use crate::object_name::check_data_key;
use crate::problem::Problem;
use crate::sealed_input::misspelt_items;

/// Bytes of a sealed value that are neither wrapped key nor plaintext: the length prefix and the authentication tag.
const FRAMING: usize = 2 + 16;

/// What an object tells.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    /// Empty where there is none.
    pub(super) namespace: String,
    /// Empty where there is none.
    pub(super) name: String,
    /// None where the object cannot be read.
    pub(super) scope: Option<&'static str>,
    /// The type of the Secret.
    #[serde(rename = "type")]
    pub(super) type_: Option<String>,
    /// Keys of the template's data.
    pub(super) entries: Vec<String>,
    /// Fingerprints of the annotation that names keys.
    pub(super) keys: Vec<String>,
    /// The certificates that were given.
    pub(super) certificates: Vec<Compared>,
    /// The sealed values.
    pub(super) items: Vec<Item>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// What is worth knowing.
    pub(super) notes: Vec<String>,
}

/// A certificate beside an object.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Compared {
    /// As typed.
    pub(super) certificate: String,
    /// Its key.
    pub(super) fingerprint: String,
    /// What the comparison says.
    pub(super) fits: Fit,
}

/// A sealed value.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    /// Its key in the Secret.
    pub(super) key: String,
    /// Sizes; none where it is no sealed value.
    #[serde(flatten)]
    pub(super) sizes: Option<Sizes>,
}

/// The sizes of a sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sizes {
    /// Of all of it.
    pub(super) sealed_bytes: usize,
    /// Of what it opens to.
    pub(super) plaintext_bytes: usize,
    /// Of the key that opens it.
    pub(super) key_bits: usize,
    #[serde(skip)]
    wrapped_len: usize,
}

/// Looks at an object.
pub(super) fn look(value: Value, known: &[Known]) -> Seen {
    let text = |field: &str| {
        value["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut seen = Seen {
        namespace: text("namespace"),
        name: text("name"),
        scope: None,
        type_: None,
        entries: Vec::new(),
        keys: Vec::new(),
        certificates: Vec::new(),
        items: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(key) = misspelt_items(&value) {
        seen.problems.push(Problem::new(
            Code::WrongType,
            format!("the field spec.{key} is unknown; it is spelt encryptedData"),
        ));
    }
    let items = &value["spec"]["encryptedData"];
    let has_items = !items.is_null();
    if has_items && !items.is_object() {
        seen.problems.push(Problem::new(
            Code::WrongType,
            "spec.encryptedData: expected a mapping of sealed values",
        ));
    }
    let no_texts = no_texts(items);
    match SealedSecret::decode_typed(value) {
        Ok(sealed) => seen.object(&sealed, has_items, &no_texts, known),
        Err(error) => seen.problems.push(undecodable(&error)),
    }
    seen
}

impl Seen {
    fn object(
        &mut self,
        sealed: &SealedSecret,
        has_items: bool,
        no_texts: &[String],
        known: &[Known],
    ) {
        self.scope = Some(sealed.scope().as_str());
        let template = sealed.spec.template.as_ref();
        self.type_ = template.and_then(|template| template.type_.clone());
        self.entries = template
            .and_then(|template| template.data.as_ref())
            .map(|data| data.keys().cloned().collect())
            .unwrap_or_default();
        let own = sealed.metadata.annotations.as_ref();
        let named = own.and_then(|own| own.get(annotations::KEYS));
        self.keys = named
            .into_iter()
            .flat_map(|keys| keys.split([',', ' ']))
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        self.problems
            .extend(data_of(sealed, has_items, &self.entries));
        self.problems.extend(binding::place_of(sealed));
        self.problems.extend(binding::sealed_elsewhere(sealed));
        self.notes.extend(binding::ineffective_scopes(sealed));
        if has_items && sealed.spec.encrypted_data.is_empty() && sealed.spec.data.is_none() {
            self.notes.push(
                "it has no items, so the controller makes a Secret without data of its own"
                    .to_owned(),
            );
        }
        for (key, text) in &sealed.spec.encrypted_data {
            self.item(key, (!no_texts.contains(key)).then_some(text));
        }
        self.compare(known);
    }

    /// Takes note of an item; of what is no text nothing but that is known.
    fn item(&mut self, key: &str, text: Option<&String>) {
        if let Err(failure) = check_data_key(key) {
            self.problems.push(failure.into());
        }
        let value = match text {
            Some(text) => SealedValue::from_base64(text).map_err(|error| damaged(key, &error)),
            None => Err(Problem::new(
                Code::WrongType,
                format!("`{key}`: expected the text of a sealed value"),
            )),
        };
        let sizes = match value {
            Ok(value) => Some(Sizes::of(&value)),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        };
        self.items.push(Item {
            key: key.to_owned(),
            sizes,
        });
    }

    fn compare(&mut self, known: &[Known]) {
        let lens: Vec<usize> = self
            .items
            .iter()
            .filter_map(|item| Some(item.sizes?.wrapped_len))
            .collect();
        let mut bits: Vec<usize> = lens.iter().map(|len| key_bits(*len)).collect();
        bits.sort_unstable();
        bits.dedup();
        if bits.len() > 1 {
            self.notes
                .push("the items are sealed for keys of different sizes".to_owned());
        }
        if lens.is_empty() && self.keys.is_empty() {
            return; // nothing to compare
        }
        self.certificates = known
            .iter()
            .map(|one| Compared {
                certificate: one.shown.clone(),
                fingerprint: one.certificate.fingerprint().to_string(),
                fits: one.fit(&lens, &self.keys),
            })
            .collect();
        if !known.is_empty() && self.certificates.iter().all(|one| one.fits == Fit::No) {
            let what = match known {
                [one] => format!("it is not sealed for `{}`", one.shown),
                _ => "it is sealed for none of the certificates given".to_owned(),
            };
            let is_of_size = |one: &Known| one.fit(&lens, &[]) == Fit::Size;
            let why = if known.iter().any(is_of_size) {
                format!("its annotation names {}", self.keys.join(", "))
            } else {
                let bits: Vec<String> = bits.iter().map(ToString::to_string).collect();
                format!("its key has {} bits", bits.join(" and "))
            };
            self.problems.push(
                Problem::new(Code::WrongKey, format!("{what}: {why}")).hint(
                    "it may be for an older key of the same cluster, which still opens it: `seal verify` tells",
                ),
            );
        }
    }
}

impl Sizes {
    fn of(value: &SealedValue) -> Self {
        let (all, wrapped_len) = (value.as_bytes().len(), value.wrapped_key_len());
        Self {
            sealed_bytes: all,
            plaintext_bytes: all.saturating_sub(wrapped_len + FRAMING),
            key_bits: key_bits(wrapped_len),
            wrapped_len,
        }
    }
}

fn undecodable(error: &DecodeError) -> Problem {
    let message = match error.field() {
        "" => error.reason(),
        field => format!("{field}: {}", error.reason()),
    };
    let problem = Problem::new(error.code(), message);
    match error.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Items that are no text. Readers take them for empty values, without a word.
fn no_texts(items: &Value) -> Vec<String> {
    let items = items.as_object().into_iter().flatten();
    items
        .filter(|(_, item)| !item.is_string())
        .map(|(key, _)| key.clone())
        .collect()
}

/// Whether there is anything to open, in the one place where it is looked for.
fn data_of(sealed: &SealedSecret, has_items: bool, entries: &[String]) -> Option<Problem> {
    let is_sealed = !sealed.spec.encrypted_data.is_empty();
    match &sealed.spec.data {
        Some(_) if is_sealed => Some(
            Problem::new(Code::BothData, "spec.data and spec.encryptedData are both set")
                .hint("remove spec.data"),
        ),
        Some(_) => Some(
            Problem::new(Code::DeprecatedData, "spec.data is deprecated")
                .hint("seal the Secret again, or let the controller accept it: --accept-deprecated-v1-data"),
        ),
        // An empty mapping is what `--allow-empty-data` makes.
        None if !has_items && entries.is_empty() => Some(Problem::new(
            Code::EmptySecret,
            "it has no spec.encryptedData",
        )),
        None => None,
    }
}

/// A value that cannot open, whatever the key. What stands there is not shown: it may be a value that was never sealed.
fn damaged(key: &str, error: &SealedValueError) -> Problem {
    match error {
        SealedValueError::Base64(error) => {
            Problem::new(Code::BadBase64, format!("`{key}`: {error}"))
                .hint("was it never sealed, or wrapped by hand? `seal --raw` seals one value")
        }
        error => Problem::new(Code::MalformedValue, format!("`{key}`: {error}"))
            .hint("was it cut while it was copied, or is it base64 of something else?"),
    }
}

#[cfg(test)]
mod tests {
    use sealed_crypto::base64;
    use serde_json::json;

    use super::*;

    fn value(wrapped: u16, plaintext: usize) -> String {
        let rest = vec![0; usize::from(wrapped) + plaintext + 16];
        base64::encode(&[&wrapped.to_be_bytes()[..], &rest].concat())
    }

    fn codes(seen: &Seen) -> Vec<&'static str> {
        seen.problems
            .iter()
            .map(|problem| problem.code.as_str())
            .collect()
    }

    fn object(metadata: &Value, spec: &Value) -> Value {
        json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": metadata,
            "spec": spec,
        })
    }

    #[test]
    fn sizes_follow_from_the_lengths() {
        let metadata = json!({"name": "db", "namespace": "web"});
        let items = json!({"encryptedData": {"password": value(256, 5)}});
        let seen = look(object(&metadata, &items), &[]);
        assert_eq!(codes(&seen), [""; 0]);
        assert_eq!(seen.scope, Some("strict"));
        let sizes = seen.items[0].sizes.expect("it is a sealed value");
        assert_eq!(
            (sizes.sealed_bytes, sizes.plaintext_bytes, sizes.key_bits),
            (2 + 256 + 5 + 16, 5, 2048)
        );
    }

    #[test]
    fn every_item_is_looked_at_and_none_is_shown() {
        let metadata = json!({"name": "db", "namespace": "web"});
        let items = json!({"encryptedData": {
            "a": "hunter2!",
            "b": base64::encode(b"hunter2"),
            "c": 7,
            "d": {"hunter2": 1},
            "e/f": value(512, 0),
        }});
        let seen = look(object(&metadata, &items), &[]);
        assert_eq!(
            codes(&seen),
            [
                "bad-base64",
                "malformed-value",
                "wrong-type",
                "wrong-type",
                "bad-name"
            ]
        );
        assert_eq!(seen.items.len(), 5);
        assert!(!format!("{seen:?}").contains("hunter2"), "{seen:?}");
    }

    #[test]
    fn what_is_no_sealed_secret_says_why() {
        let metadata = json!({"name": "db", "namespace": "web"});
        for (spec, expected) in [
            (json!({}), &["empty-secret"][..]),
            (json!({"encryptedData": {}}), &[]),
            (json!({"encryptedData": []}), &["wrong-type"]),
            (
                json!({"encrypteddata": {"a": "b"}}),
                &["wrong-type", "empty-secret"],
            ),
            (json!({"data": "AAAA"}), &["deprecated-data"]),
            (
                json!({"data": "AAAA", "encryptedData": {"a": value(256, 1)}}),
                &["both-data"],
            ),
            (json!({"template": {"data": 3}}), &["wrong-type"]),
        ] {
            assert_eq!(
                codes(&look(object(&metadata, &spec), &[])),
                expected,
                "{spec}"
            );
        }
        let seen = look(json!({"spec": {"encryptedData": {}}}), &[]);
        assert_eq!(codes(&seen), ["wrong-kind"]);
    }
}
