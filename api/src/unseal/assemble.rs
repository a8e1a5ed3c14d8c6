//! From opened values to the Secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sealed_crypto::{Fingerprint, Opened};
use zeroize::Zeroize as _;

use super::{OpenedItem, UnsealFailure, inner_secret};
use crate::names::{self, annotations};
use crate::render::Render;
use crate::scope::is_true;
use crate::sealed_secret::{SealedSecret, SecretTemplate};

/// An object that opened. `Debug` shows no values.
#[derive(Clone, PartialEq)]
pub struct Unsealed {
    /// The Secret to be.
    pub secret: Secret,
    /// The sealing keys that opened its values.
    pub keys: BTreeSet<Fingerprint>,
    /// How many RSA operations it took.
    pub trials: u32,
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsealed")
            .field("keys", &self.keys)
            .field("trials", &self.trials)
            .finish_non_exhaustive()
    }
}

/// Puts the Secret together from the opened values of `object`; without `render`, `template.data` is not
/// looked at. Any fault of a value or template, and there is no Secret.
pub fn assemble(
    object: &SealedSecret,
    items: Vec<OpenedItem>,
    render: Option<&dyn Render>,
) -> Result<Unsealed, UnsealFailure> {
    let trials = items
        .iter()
        .fold(0_u32, |sum, item| sum.saturating_add(item.trials()));
    let keys = items.iter().filter_map(OpenedItem::opened_with).collect();
    let mut failure = UnsealFailure::none(trials);
    let mut values = Values::default();
    let mut blob = None;
    for item in items {
        match item.into_parts() {
            (Some(key), Ok(opened)) => values.insert(key, &opened),
            (None, Ok(opened)) => blob = Some(opened),
            (key, Err(fault)) => {
                failure.add_item(key, &fault);
            }
        }
    }

    let mut secret = match (&object.spec.data, blob) {
        (None, _) => from_template(object, values, render, &mut failure),
        (Some(_), Some(opened)) => {
            inner_secret(&opened.plaintext).map_err(|failure| failure.with_trials(trials))?
        }
        (Some(_), None) => return Err(failure),
    };
    if !failure.is_empty() {
        return Err(failure);
    }
    set_identity(&mut secret.metadata, object);
    Ok(Unsealed {
        secret,
        keys,
        trials,
    })
}

/// Unsealed values by key, wiped when dropped.
#[derive(Default)]
struct Values(BTreeMap<String, Vec<u8>>);

impl Values {
    fn insert(&mut self, key: String, opened: &Opened) {
        self.0.insert(key, opened.plaintext.expose().to_vec());
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Vec::zeroize);
    }
}

/// A Secret from the template and the values.
fn from_template(
    object: &SealedSecret,
    values: Values,
    render: Option<&dyn Render>,
    failure: &mut UnsealFailure,
) -> Secret {
    let mut data: BTreeMap<String, ByteString> = values
        .0
        .iter()
        .map(|(key, value)| (key.clone(), ByteString(value.clone())))
        .collect();
    let template = object.spec.template.as_ref();
    if let Some((render, texts)) = render.zip(template.and_then(|template| template.data.as_ref()))
    {
        let context = context(object, values, texts);
        for (key, text) in texts {
            let Some(text) = text else {
                // Null leaves a value out, after templates could use it.
                data.remove(key);
                continue;
            };
            // A sealed value wins over a template of the same key. The template runs all the same: a fault
            // in it fails the object, as it always has.
            match render.render(key, text, &context.0) {
                Ok(_) if object.spec.encrypted_data.contains_key(key) => {}
                Ok(output) => {
                    data.insert(key.clone(), ByteString(output));
                }
                Err(error) => failure.add_template(key, &error),
            }
        }
    }
    let SecretTemplate {
        metadata,
        type_,
        immutable,
        ..
    } = template.cloned().unwrap_or_default();
    Secret {
        metadata,
        type_: type_.filter(|type_| !type_.is_empty()),
        immutable,
        data: Some(data).filter(|data| !data.is_empty()),
        string_data: None,
    }
}

/// What templates see: the values, and the raw texts of those entries that are not also sealed. A value that
/// did not open is empty, so that templates can still be checked for faults of their own.
fn context(
    object: &SealedSecret,
    mut values: Values,
    texts: &BTreeMap<String, Option<String>>,
) -> Values {
    for key in object.spec.encrypted_data.keys() {
        if !values.0.contains_key(key) {
            values.0.insert(key.clone(), Vec::new());
        }
    }
    for (key, text) in texts {
        if let Some(text) = text {
            values
                .0
                .entry(key.clone())
                .or_insert_with(|| text.as_bytes().to_vec());
        }
    }
    values
}

/// Name and namespace are the SealedSecret's, whatever the template says: otherwise a template could write
/// into another namespace. So is the owner, unless the template asks for none.
fn set_identity(metadata: &mut ObjectMeta, object: &SealedSecret) {
    let or_none = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    metadata.name = or_none(object.name());
    metadata.namespace = or_none(object.namespace());
    if !skips_owner(object) {
        metadata.owner_references = Some(vec![owner_reference(object)]);
    }
}

/// Whether the template asks for a Secret without an owner.
pub fn skips_owner(object: &SealedSecret) -> bool {
    let template = object.spec.template.as_ref();
    let all = template.and_then(|template| template.metadata.annotations.as_ref());
    is_true(all, annotations::SKIP_SET_OWNER_REFERENCES)
}

/// The reference by which the Secret belongs to the object: the garbage collector removes it with the object.
///
/// Without `blockOwnerDeletion`, which needs a right that the controller does not have.
pub fn owner_reference(object: &SealedSecret) -> OwnerReference {
    OwnerReference {
        api_version: names::API_VERSION.to_owned(),
        kind: names::KIND.to_owned(),
        name: object.name().to_owned(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
