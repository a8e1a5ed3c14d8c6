//! A new sealing key with its certificate.

use jiff::Timestamp;
use sealed_crypto::{Certificate, CertificateRequest, GenerateError, IssueError, PrivateKey};

use crate::config::KeyConfig;

/// Why no key could be made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// The certificate could not be signed.
    #[error("cannot issue the certificate")]
    Certificate(#[from] IssueError),
    /// The key could not be generated.
    #[error("cannot generate an RSA key")]
    Generate(#[from] GenerateError),
    /// `--key-ttl` leads beyond the year 9999.
    #[error("a certificate cannot be valid for so long")]
    Ttl(#[from] jiff::Error),
}

/// Makes a key of the configured size with a certificate that is valid from `now`.
///
/// Takes from a third of a second to several: never on a thread of the async runtime.
pub fn generate(
    config: &KeyConfig,
    now: Timestamp,
) -> Result<(PrivateKey, Certificate), NewKeyError> {
    let not_after = now.checked_add(config.ttl)?;
    let key = PrivateKey::generate(config.bits)?;
    let certificate = key.self_signed(&CertificateRequest {
        common_name: config.common_name.clone(),
        not_before: now,
        not_after,
    })?;
    Ok((key, certificate))
}
