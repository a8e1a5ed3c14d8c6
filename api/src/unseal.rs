//! SealedSecret to Secret (compat/controller.md §3), in three steps.
//!
//! 1. [`SealedItems::of`] takes the object apart: what is to be opened, under which label.
//! 2. [`SealedItem::open`] opens one value. This is the RSA work, so a controller runs it on a pool of its
//!    own, value by value.
//! 3. [`assemble`] puts the Secret together: template metadata, values, rendered templates, owner.
//!
//! [`unseal`] is all three for whoever has one object and one thread. All or nothing: any failure of any
//! value or template, and there is no Secret.

mod assemble;
mod blob;
mod failure;

use std::fmt;

use sealed_crypto::base64::{self, Base64Error};
use sealed_crypto::{
    Fingerprint, FormatError, KeyOrder, Keyring, Label, LabelError, Opened, SealedValue,
    Undecryptable,
};

use crate::codes::Code;
use crate::render::Render;
use crate::sealed_secret::SealedSecret;

pub use assemble::{Unsealed, assemble, owner_reference, preview, skips_owner};
pub(crate) use blob::inner_secret;
pub use failure::{ItemReport, UnsealFailure};

/// What there is to open in an object.
#[derive(Debug)]
pub struct SealedItems {
    /// The values, by key. The deprecated `spec.data` is one value without a key.
    pub items: Vec<SealedItem>,
}

/// One sealed value and the place it has to have been sealed for.
#[derive(Debug)]
pub struct SealedItem {
    key: Option<String>,
    value: Result<(Label, SealedValue), ItemFault>,
}

/// One value after the attempt to open it.
#[derive(Debug)]
pub struct OpenedItem {
    key: Option<String>,
    outcome: Result<Opened, ItemFault>,
}

/// Why one value does not open. `Display` is the text the existing programs print.
///
/// That text is the same for a damaged value, a missing name and a wrong key. The variants are told apart by
/// structure alone, which whoever holds the object can see without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemFault {
    /// The text is not base64.
    Base64(Base64Error),
    /// The bytes cannot be a sealed value, whatever the key.
    Malformed(FormatError),
    /// The object lacks the name or namespace that its scope binds values to.
    NoPlace(LabelError),
    /// No key opens it at this place.
    Undecryptable(Undecryptable),
}

impl ItemFault {
    /// Stable code of the fault.
    pub fn code(&self) -> Code {
        match self {
            Self::Base64(_) => Code::BadBase64,
            Self::Malformed(_) => Code::MalformedValue,
            Self::NoPlace(error) => label_code(error),
            Self::Undecryptable(_) => Code::WrongKey,
        }
    }
}

/// Stable code of names that make no label.
pub(crate) fn label_code(error: &LabelError) -> Code {
    match error {
        LabelError::EmptyName => Code::MissingName,
        LabelError::EmptyNamespace => Code::MissingNamespace,
        _ => Code::BadName,
    }
}

impl fmt::Display for ItemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64(error) => error.fmt(f),
            Self::Undecryptable(error) => error.fmt(f),
            Self::Malformed(_) | Self::NoPlace(_) => f.write_str("no key could decrypt secret"),
        }
    }
}

impl std::error::Error for ItemFault {}

impl SealedItems {
    /// Takes an object apart. `accept_v1_data` says whether the deprecated `spec.data` may be used.
    ///
    /// # Errors
    ///
    /// An object with both kinds of data, or with the deprecated one where that is not accepted. What is wrong with
    /// single items shows when they are opened.
    pub fn of(object: &SealedSecret, accept_v1_data: bool) -> Result<Self, UnsealFailure> {
        let label = object.label();
        let item = |key: Option<&String>, value: Result<SealedValue, ItemFault>| SealedItem {
            key: key.cloned(),
            value: value.and_then(|value| match &label {
                Ok(label) => Ok((label.clone(), value)),
                Err(error) => Err(ItemFault::NoPlace(error.clone())),
            }),
        };
        let items = match &object.spec.data {
            None => object
                .spec
                .encrypted_data
                .iter()
                .map(|(key, text)| item(Some(key), read(text)))
                .collect(),
            Some(_) if !accept_v1_data => return Err(UnsealFailure::deprecated_data()),
            Some(_) if !object.spec.encrypted_data.is_empty() => {
                return Err(UnsealFailure::both_data());
            }
            Some(blob) => {
                let value = SealedValue::from_bytes(blob.0.clone()).map_err(ItemFault::Malformed);
                vec![item(None, value)]
            }
        };
        Ok(Self { items })
    }
}

fn read(text: &str) -> Result<SealedValue, ItemFault> {
    let bytes = base64::decode(text.as_bytes()).map_err(ItemFault::Base64)?;
    SealedValue::from_bytes(bytes).map_err(ItemFault::Malformed)
}

impl SealedItem {
    /// The key of the value in the Secret; none for the deprecated `spec.data`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Opens the value.
    pub fn open(self, keyring: &Keyring, order: &KeyOrder) -> OpenedItem {
        let outcome = self.value.and_then(|(label, value)| {
            keyring
                .unseal(&label, &value, order)
                .map_err(ItemFault::Undecryptable)
        });
        OpenedItem {
            key: self.key,
            outcome,
        }
    }
}

impl OpenedItem {
    /// The key of the value in the Secret; none for the deprecated `spec.data`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The sealing key that opened it: a good first guess for its neighbours.
    pub fn opened_with(&self) -> Option<Fingerprint> {
        self.outcome.as_ref().ok().map(|opened| opened.key)
    }

    /// What was in it.
    pub fn plaintext(&self) -> Option<&[u8]> {
        let opened = self.outcome.as_ref().ok()?;
        Some(opened.plaintext.expose())
    }

    /// Why it did not open.
    pub fn fault(&self) -> Option<&ItemFault> {
        self.outcome.as_ref().err()
    }

    /// How many RSA operations it took.
    pub fn trials(&self) -> u32 {
        match &self.outcome {
            Ok(opened) => opened.trials,
            Err(ItemFault::Undecryptable(error)) => error.trials,
            Err(_) => 0,
        }
    }

    pub(crate) fn into_parts(self) -> (Option<String>, Result<Opened, ItemFault>) {
        (self.key, self.outcome)
    }
}

/// Opens an object: all values, then the templates. Without `render`, `template.data` is not looked at.
///
/// # Errors
///
/// As [`SealedItems::of`] and [`assemble`].
pub fn unseal(
    object: &SealedSecret,
    keyring: &Keyring,
    order: &KeyOrder,
    accept_v1_data: bool,
    render: Option<&dyn Render>,
) -> Result<Unsealed, UnsealFailure> {
    let opened = open_all(object, keyring, order, accept_v1_data)?;
    assemble(object, opened, render)
}

/// Whether every value opens, which is all that `/v1/verify` may tell: an answer that depended on templates
/// would let a stranger test guesses about the values, since templates are bound to nothing.
///
/// Stops at the first value that does not open, so that a hostile object costs little.
///
/// # Errors
///
/// The first value that does not open; as [`SealedItems::of`].
pub fn verify(
    object: &SealedSecret,
    keyring: &Keyring,
    order: &KeyOrder,
    accept_v1_data: bool,
) -> Result<(), UnsealFailure> {
    let mut order = order.clone();
    let mut trials = 0_u32;
    for item in SealedItems::of(object, accept_v1_data)?.items {
        let opened = item.open(keyring, &order);
        trials = trials.saturating_add(opened.trials());
        opened.opened_with().inspect(|key| order.prefer(*key));
        if opened.fault().is_some() {
            return Err(UnsealFailure::of_items([opened]).with_trials(trials));
        }
    }
    Ok(())
}

/// Opens every value, each first with the key that opened its neighbour.
pub(crate) fn open_all(
    object: &SealedSecret,
    keyring: &Keyring,
    order: &KeyOrder,
    accept_v1_data: bool,
) -> Result<Vec<OpenedItem>, UnsealFailure> {
    let items = SealedItems::of(object, accept_v1_data)?.items;
    let mut order = order.clone();
    Ok(items
        .into_iter()
        .map(|item| {
            let opened = item.open(keyring, &order);
            opened.opened_with().inspect(|key| order.prefer(*key));
            opened
        })
        .collect())
}
