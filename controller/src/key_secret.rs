//! Key Secrets: the Secrets of the controller's namespace that hold sealing keys.
//!
//! Their shape is upstream's (compat/controller.md §5), so that either controller reads what the
//! other wrote. Reading tells apart what cannot be used at all, which is reported and skipped,
//! from what opens values but must not be offered for sealing.

mod name;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::{key_secret, labels};
use sealed_crypto::{
    Certificate, CertificateError, KeyEncodingError, PrivateKey, PrivateKeyError, SealingKey,
};

pub use self::name::{identity, is_reserved_name, name_after, next_name};
use crate::config::{KeyConfig, KeyOrderPriority};

/// A key Secret that can be used.
#[derive(Debug)]
pub struct LoadedKey {
    /// The key.
    pub key: SealingKey,
    /// Why its certificate is not offered, if so.
    pub fault: Option<CertificateFault>,
}

/// A key Secret opens values, but nothing can be sealed for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The certificate belongs to another key. Upstream offers it, and what is sealed with it
    /// never opens.
    #[error("the certificate in `tls.crt` belongs to another key than `tls.key`")]
    Mismatch,
    /// There is none, or it cannot be read.
    #[error("the certificate in `tls.crt` cannot be used")]
    Unusable(#[source] CertificateError),
}

/// A key Secret holds no key that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private key in `tls.key` cannot be used")]
pub struct KeyFault(#[from] pub PrivateKeyError);

/// Reads a key Secret. Its `type` does not matter.
///
/// # Errors
///
/// [`KeyFault`] when it holds no private key that can be used; one that does opens values, even
/// if its certificate is of no use.
pub fn load(secret: &Secret, priority: KeyOrderPriority) -> Result<LoadedKey, KeyFault> {
    let private_key = PrivateKey::from_pem(data(secret, key_secret::PRIVATE_KEY))?;
    let (certificate, unreadable) =
        match Certificate::from_pem(data(secret, key_secret::CERTIFICATE)) {
            Ok(certificate) => (Some(certificate), None),
            Err(error) => (None, Some(CertificateFault::Unusable(error))),
        };
    let ordering_time = ordering_time(secret, certificate.as_ref(), priority);
    let key = SealingKey::new(private_key, certificate, ordering_time);
    let mismatch = key
        .certificate_mismatch()
        .then_some(CertificateFault::Mismatch);
    Ok(LoadedKey {
        key,
        fault: unreadable.or(mismatch),
    })
}

/// Whether a Secret of the key namespace is meant to be used: labelled `active`, or named
/// exactly as the prefix, which is the oldest form and counts whatever its labels.
pub fn is_in_use(secret: &Secret, prefix: &str) -> bool {
    is_legacy_name(secret.metadata.name.as_deref(), prefix)
        || sealing_label(&secret.metadata) == Some(labels::ACTIVE)
}

/// Whether a Secret of the key namespace holds a sealing key or once did.
pub fn is_key_secret(metadata: &ObjectMeta, prefix: &str) -> bool {
    is_legacy_name(metadata.name.as_deref(), prefix) || sealing_label(metadata).is_some()
}

fn is_legacy_name(name: Option<&str>, prefix: &str) -> bool {
    name == Some(prefix)
}

fn sealing_label(metadata: &ObjectMeta) -> Option<&str> {
    let labels = metadata.labels.as_ref()?;
    labels.get(labels::SEALING_KEY).map(String::as_str)
}

fn data<'a>(secret: &'a Secret, key: &str) -> &'a [u8] {
    let value = secret.data.as_ref().and_then(|data| data.get(key));
    value.map_or(&[], |value| value.0.as_slice())
}

/// A Secret without the time asked for falls back to the other one; a file of standalone mode has
/// no creation time.
fn ordering_time(
    secret: &Secret,
    certificate: Option<&Certificate>,
    priority: KeyOrderPriority,
) -> Timestamp {
    let created = secret
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0);
    let not_before = certificate.map(Certificate::not_before);
    let chosen = match priority {
        KeyOrderPriority::CertNotBefore => not_before.or(created),
        KeyOrderPriority::SecretCreationTimestamp => created.or(not_before),
    };
    chosen.unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The Secret to create for a new key, under a name from [`next_name`].
///
/// `generateName` is what upstream sends and stays readable in the stored object; the name beside
/// it is what keeps a repeated or simultaneous creation from making a second key.
///
/// # Errors
///
/// When the key cannot be encoded.
pub fn secret(
    namespace: &str,
    name: String,
    config: &KeyConfig,
    key: &PrivateKey,
    certificate: &Certificate,
) -> Result<Secret, KeyEncodingError> {
    let pem = key.to_pkcs1_pem()?;
    let mut labels = config.labels.clone();
    labels.insert(labels::SEALING_KEY.to_owned(), labels::ACTIVE.to_owned());
    let annotations = Some(config.annotations.clone()).filter(|all| !all.is_empty());
    let entry = |key: &str, value: &[u8]| (key.to_owned(), ByteString(value.to_vec()));
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(name),
            generate_name: Some(config.prefix.clone()),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            annotations,
            ..ObjectMeta::default()
        },
        type_: Some(key_secret::TYPE.to_owned()),
        data: Some(BTreeMap::from([
            entry(key_secret::PRIVATE_KEY, pem.as_bytes()),
            entry(key_secret::CERTIFICATE, certificate.to_pem().as_bytes()),
        ])),
        ..Secret::default()
    })
}

#[cfg(test)]
mod tests;
