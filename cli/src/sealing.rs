//! Sealing one Secret, or one value, that has its place.

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret, seal_secret};
use sealed_crypto::{Certificate, Label, Scope};

use crate::failure::Failure;
use crate::name::Name;
use crate::placement::unplaced;

/// Seals every value of a Secret.
pub(crate) fn seal(
    secret: &Secret,
    scope: Scope,
    certificate: &Certificate,
    name: Name,
) -> Result<SealedSecret, Failure> {
    let mut sealed = seal_secret(secret, scope, certificate).map_err(|error| unplaced(&error))?;
    if name == Name::Seal {
        // A first guess for the controller, and what tells without any key which certificate was used.
        let all = sealed.metadata.annotations.get_or_insert_default();
        all.insert(
            annotations::KEYS.to_owned(),
            certificate.fingerprint().to_string(),
        );
    }
    Ok(sealed)
}

/// Seals one value, in the text form of `encryptedData`.
pub(crate) fn seal_value(
    value: &[u8],
    label: &Label,
    certificate: &Certificate,
) -> Result<String, Failure> {
    sealed_crypto::seal(certificate, label, value)
        .map(|sealed| sealed.to_string())
        .map_err(|error| {
            Failure::new(
                Code::BadCertificate,
                format!("cannot seal the value: {error}"),
            )
        })
}
