//! Sealing a value.

use crate::certificate::Certificate;
use crate::format::SealedValue;
use crate::label::Label;
use crate::primitives::SessionKey;

/// Seals `plaintext` for the private key behind `certificate`, to be opened at `label` only.
///
/// Whether the certificate has expired is for the caller to judge, who has a clock.
///
/// # Errors
/// The operating system gives no randomness, or aws-lc cannot encrypt; no input causes either.
pub fn seal(
    certificate: &Certificate,
    label: &Label,
    plaintext: &[u8],
) -> Result<SealedValue, SealError> {
    let session_key = SessionKey::random().map_err(|_| SealError)?;
    let wrapped_key = certificate
        .wrapping_key()
        .wrap(&session_key, label.as_bytes())
        .map_err(|_| SealError)?;
    let ciphertext = session_key.encrypt(plaintext).map_err(|_| SealError)?;
    SealedValue::from_parts(&wrapped_key, &ciphertext).map_err(|_| SealError)
}

/// A value could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot seal the value: encryption failed")]
#[non_exhaustive]
pub struct SealError;
