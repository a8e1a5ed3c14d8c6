//! The name of the next key Secret.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::key_secret;
use sealed_crypto::PrivateKey;
use sha2::{Digest as _, Sha256};

/// The characters of names that the API server generates: no vowels, nothing that looks alike.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// How many of them follow the prefix.
const LENGTH: usize = 5;

/// The name for the key that comes after those in `known`: all key Secrets of the namespace,
/// whatever the value of their label.
///
/// Looks like a generated name, and is the same for everybody who knows the same keys: of two
/// controllers that start together, or of two attempts of which the first was lost on the way
/// back, one creates the key and the other is told that it exists. After such an answer the keys
/// are listed again; if there is no new one among them, the name belongs to something else and
/// the next `attempt` has another.
pub fn next_name<'a>(
    prefix: &str,
    namespace: &str,
    known: impl IntoIterator<Item = &'a Secret>,
    attempt: u32,
) -> String {
    name_after(prefix, namespace, known.into_iter().map(identity), attempt)
}

/// The same as [`next_name`], for whoever keeps only the [`identity`] of each known Secret.
pub fn name_after(
    prefix: &str,
    namespace: &str,
    known: impl IntoIterator<Item = String>,
    attempt: u32,
) -> String {
    let known: BTreeSet<String> = known.into_iter().collect();
    let mut hash = Sha256::new();
    for text in [namespace]
        .into_iter()
        .chain(known.iter().map(String::as_str))
    {
        hash.update(text);
        hash.update([0]);
    }
    hash.update(attempt.to_be_bytes());
    let digest = hash.finalize();
    let suffix = digest
        .iter()
        .take(LENGTH)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    prefix.chars().chain(suffix).collect()
}

/// Whether a key Secret may come to be named so: whoever has such a name could keep the next key
/// from being stored.
pub fn is_reserved_name(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|suffix| {
        suffix.len() == LENGTH && suffix.bytes().all(|byte| ALPHABET.contains(&byte))
    })
}

/// What makes a key Secret the same one for everybody: its key, or else its name.
pub fn identity(secret: &Secret) -> String {
    secret
        .data
        .as_ref()
        .and_then(|data| data.get(key_secret::PRIVATE_KEY))
        .and_then(|pem| PrivateKey::from_pem(&pem.0).ok())
        .map_or_else(
            || secret.metadata.name.clone().unwrap_or_default(),
            |key| key.fingerprint().to_string(),
        )
}
