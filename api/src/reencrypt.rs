//! Sealing an object's values anew for the current key, and changing nothing else (compat/controller.md §6.3).
//!
//! The existing controller makes a new object from the unsealed Secret, and loses the template's data, labels
//! and annotations on the way. Here only the ciphertexts change, under the label they had: whatever an
//! object's template says, re-encrypting cannot move a value to another place.

use std::collections::BTreeMap;

use sealed_crypto::{Certificate, KeyOrder, Keyring};

use crate::codes::Code;
use crate::names::{TRUE, annotations};
use crate::seal::{SealSecretError, portable_metadata, seal_values};
use crate::sealed_secret::{SealedSecret, SecretTemplate};
use crate::secret_input::join_string_data;
use crate::unseal::{OpenedItem, UnsealFailure, inner_secret, open_all, skips_owner};

/// Why an object cannot be re-encrypted. Nothing of it is, then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReencryptError {
    /// A value cannot be sealed again.
    #[error(transparent)]
    Seal(SealSecretError),
    /// A value does not open.
    #[error(transparent)]
    Unseal(#[from] UnsealFailure),
}

impl ReencryptError {
    /// Stable code of the fault.
    pub fn code(&self) -> Code {
        match self {
            Self::Seal(error) => error.code(),
            Self::Unseal(failure) => failure.code(),
        }
    }
}

/// Opens every value and seals it for the key behind `certificate`. Templates are not looked at.
///
/// The deprecated `spec.data` becomes single values and a template, which give the same Secret.
pub fn reencrypt(
    object: &SealedSecret,
    keyring: &Keyring,
    order: &KeyOrder,
    certificate: &Certificate,
    accept_v1_data: bool,
) -> Result<SealedSecret, ReencryptError> {
    let opened = open_all(object, keyring, order, accept_v1_data)?;
    reencrypt_opened(object, opened, certificate)
}

/// The second half of [`reencrypt`], for a caller that has opened the object's values one by one.
pub fn reencrypt_opened(
    object: &SealedSecret,
    opened: Vec<OpenedItem>,
    certificate: &Certificate,
) -> Result<SealedSecret, ReencryptError> {
    let trials = opened
        .iter()
        .fold(0_u32, |sum, item| sum.saturating_add(item.trials()));
    if opened.iter().any(|item| item.fault().is_some()) {
        return Err(UnsealFailure::of_items(opened).into());
    }
    let mut values = BTreeMap::new();
    let mut blob = None;
    for item in opened {
        match item.into_parts() {
            (Some(key), Ok(opened)) => {
                values.insert(key, opened);
            }
            (None, Ok(opened)) => blob = Some(opened),
            (_, Err(_)) => {}
        }
    }
    // Without values there is nothing that a label would bind, and nothing to change.
    let (Ok(label), false) = (object.label(), values.is_empty() && blob.is_none()) else {
        return Ok(object.clone());
    };

    let mut result = object.clone();
    if let Some(blob) = blob {
        let mut inner =
            inner_secret(&blob.plaintext).map_err(|failure| failure.with_trials(trials))?;
        join_string_data(&mut inner);
        let plain = inner.data.iter().flatten();
        result.spec.encrypted_data = seal_values(
            plain.map(|(key, value)| (key, value.0.as_slice())),
            &label,
            certificate,
        )
        .map_err(ReencryptError::Seal)?;
        result.spec.data = None;
        // The template counted for nothing but this one annotation, so it must not start to count.
        let mut metadata = portable_metadata(&inner.metadata);
        let all = metadata.annotations.get_or_insert_default();
        all.remove(annotations::SKIP_SET_OWNER_REFERENCES);
        if skips_owner(object) {
            let skip = annotations::SKIP_SET_OWNER_REFERENCES.to_owned();
            all.insert(skip, TRUE.to_owned());
        }
        metadata.annotations = metadata.annotations.filter(|all| !all.is_empty());
        result.spec.template = Some(SecretTemplate {
            metadata,
            type_: inner.type_,
            immutable: inner.immutable,
            data: None,
        });
    } else {
        let plain = values
            .iter()
            .map(|(key, opened)| (key, opened.plaintext.expose()));
        result.spec.encrypted_data =
            seal_values(plain, &label, certificate).map_err(ReencryptError::Seal)?;
    }
    Ok(result)
}
