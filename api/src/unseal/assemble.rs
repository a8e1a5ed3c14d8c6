//! From opened values to the Secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sealed_crypto::Fingerprint;
use zeroize::Zeroize as _;

use super::{OpenedItem, UnsealFailure, inner_secret};
use crate::names::{self, annotations};
use crate::render::{Render, Texts, Values};
use crate::scope::is_true;
use crate::sealed_secret::{SealedSecret, SecretTemplate};
use crate::wipe::Wiping;

/// An object that opened. Its values are overwritten when it is dropped; `Debug` shows none.
#[derive(Clone, PartialEq)]
pub struct Unsealed {
    /// The Secret to be.
    pub secret: Wiping,
    /// The sealing keys that opened its values.
    pub keys: BTreeSet<Fingerprint>,
    /// How many RSA operations it took.
    pub trials: u32,
    /// The keys of the Secret whose template would render something else next time: passwords that were made
    /// up, times, certificates. Rendering them again would rotate them.
    pub volatile: BTreeSet<String>,
    /// What templates asked for that is neither sealed nor an entry of `template.data`, by the key of the
    /// template. Only for somebody who may see the values: it tells which way a template went.
    pub missing: BTreeMap<String, BTreeSet<String>>,
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsealed")
            .field("keys", &self.keys)
            .field("trials", &self.trials)
            .field("volatile", &self.volatile)
            .finish_non_exhaustive()
    }
}

/// Puts the Secret together from the opened values of `object`; without `render`, `template.data` is not
/// looked at. Any fault of a value or template, and there is no Secret.
///
/// # Errors
///
/// Every fault of a value and of a template. Where a value did not open, templates are parsed and not rendered.
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
            (Some(key), Ok(opened)) => {
                values.insert(key, opened.plaintext.expose().to_vec().into());
            }
            (None, Ok(opened)) => blob = Some(opened),
            (key, Err(fault)) => {
                failure.add_item(key, &fault);
            }
        }
    }

    let (mut volatile, mut missing) = (BTreeSet::new(), BTreeMap::new());
    let mut secret = match (&object.spec.data, blob) {
        (None, _) => {
            let made = from_template(object, values, render, &mut failure);
            (volatile, missing) = (made.volatile, made.missing);
            made.secret
        }
        (Some(_), Some(opened)) => inner_secret(&opened.plaintext)
            .map_err(|failure| failure.with_trials(trials))?
            .into(),
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
        volatile,
        missing,
    })
}

/// The Secret that `object` would become if its sealed values were `values`: to see what its templates do
/// without holding a key. It has no owner.
///
/// # Errors
///
/// Every fault of a template.
pub fn preview(
    object: &SealedSecret,
    values: Values,
    render: &dyn Render,
) -> Result<Unsealed, UnsealFailure> {
    let mut failure = UnsealFailure::none(0);
    let Made {
        mut secret,
        volatile,
        missing,
    } = from_template(object, values, Some(render), &mut failure);
    if !failure.is_empty() {
        return Err(failure);
    }
    set_place(&mut secret.metadata, object);
    Ok(Unsealed {
        secret,
        keys: BTreeSet::new(),
        trials: 0,
        volatile,
        missing,
    })
}

struct Made {
    secret: Wiping,
    volatile: BTreeSet<String>,
    missing: BTreeMap<String, BTreeSet<String>>,
}

/// A Secret from the template and the values.
fn from_template(
    object: &SealedSecret,
    values: Values,
    render: Option<&dyn Render>,
    failure: &mut UnsealFailure,
) -> Made {
    let mut data: BTreeMap<String, ByteString> = values
        .iter()
        .map(|(key, value)| (key.clone(), ByteString(value.to_vec())))
        .collect();
    let (mut volatile, mut missing) = (BTreeSet::new(), BTreeMap::new());
    let template = object.spec.template.as_ref();
    if let Some((render, entries)) =
        render.zip(template.and_then(|template| template.data.as_ref()))
    {
        let texts: Texts<'_> = entries
            .iter()
            .filter_map(|(key, text)| Some((key.as_str(), text.as_deref()?)))
            .collect();
        // Null leaves a value out, after templates could use it.
        for key in entries
            .keys()
            .filter(|key| !texts.contains_key(key.as_str()))
        {
            if let Some(mut value) = data.remove(key) {
                value.0.zeroize();
            }
        }
        if failure.is_empty() {
            for (key, rendered) in render.render(&texts, &context(values, &texts)) {
                // A sealed value wins over a template of the same key. The template runs all the same: a
                // fault in it fails the object, as it always has.
                let wins = object.spec.encrypted_data.contains_key(key);
                match rendered {
                    Ok(_) if wins => {}
                    Ok(mut rendered) => {
                        if !rendered.is_deterministic {
                            volatile.insert(key.to_owned());
                        }
                        if !rendered.missing.is_empty() {
                            missing.insert(key.to_owned(), std::mem::take(&mut rendered.missing));
                        }
                        let output = std::mem::take(&mut *rendered.output);
                        data.insert(key.to_owned(), ByteString(output));
                    }
                    Err(error) => failure.add_template(key, &error),
                }
            }
        } else {
            // What a template does without one of its values tells nobody anything.
            for (key, error) in render.check(&texts) {
                failure.add_template(key, &error);
            }
        }
    }
    let SecretTemplate {
        metadata,
        type_,
        immutable,
        ..
    } = template.cloned().unwrap_or_default();
    let secret = Wiping::from(Secret {
        metadata,
        type_: type_.filter(|type_| !type_.is_empty()),
        immutable,
        data: Some(data).filter(|data| !data.is_empty()),
        string_data: None,
    });
    Made {
        secret,
        volatile,
        missing,
    }
}

/// What templates see: the values, and the raw texts of those entries that are not also sealed.
fn context(mut values: Values, texts: &Texts<'_>) -> Values {
    for (key, text) in texts {
        values
            .entry((*key).to_owned())
            .or_insert_with(|| text.as_bytes().to_vec().into());
    }
    values
}

/// Name and namespace are the SealedSecret's, whatever the template says: otherwise a template could write
/// into another namespace. So is the owner, unless the template asks for none.
fn set_identity(metadata: &mut ObjectMeta, object: &SealedSecret) {
    set_place(metadata, object);
    if !skips_owner(object) {
        metadata.owner_references = Some(vec![owner_reference(object)]);
    }
}

fn set_place(metadata: &mut ObjectMeta, object: &SealedSecret) {
    let or_none = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    metadata.name = or_none(object.name());
    metadata.namespace = or_none(object.namespace());
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
