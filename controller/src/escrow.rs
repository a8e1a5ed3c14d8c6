//! Escrow of new keys: before a key is used for the first time, its Secret is encrypted to recipients who keep their
//! identities offline, in a form that is safe to commit.
//!
//! An escrow is a file of the custody crate's form with one key. Git and one offline identity are so enough to rebuild a
//! cluster, and there is no moment at which something is sealed for a key that exists only in that cluster.

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::escrow;
use sealed_crypto::Fingerprint;
use sealed_custody::{EncryptError, Recipients, key_list};

/// Why a key cannot be put into escrow.
#[derive(Debug, thiserror::Error)]
#[error("cannot encrypt the new key to the recipients of --escrow-recipient")]
pub struct EscrowError(#[from] EncryptError);

/// The age file of a key Secret.
///
/// # Errors
///
/// When it cannot be encrypted; nothing is known that makes it so.
pub fn encrypt(recipients: &Recipients, secret: &Secret) -> Result<String, EscrowError> {
    let list = key_list([secret], None);
    Ok(recipients.encrypt(list.as_bytes())?)
}

/// The name of a key's escrow. It follows from the key and not from the name of its Secret: another key can never come
/// to be under it, however many controllers make keys at the same time.
pub fn name(key: Fingerprint) -> String {
    let digest = key.as_bytes().iter().take(8);
    digest.fold(escrow::PREFIX.to_owned(), |name, byte| {
        name + &format!("{byte:02x}")
    })
}
