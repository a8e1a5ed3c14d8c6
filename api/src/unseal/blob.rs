//! The deprecated `spec.data`: a whole Secret, serialized and sealed as one value.

use k8s_openapi::api::core::v1::Secret;
use sealed_crypto::Plaintext;

use super::UnsealFailure;
use crate::secret_input::decode_blob;

/// Reads the Secret inside. Whatever is wrong with it is one fault without particulars: they would be
/// plaintext, in a status.
///
/// The format was only ever written as JSON, so YAML, which the existing controller would also take, is not.
pub(crate) fn inner_secret(plaintext: &Plaintext) -> Result<Secret, UnsealFailure> {
    let value =
        serde_json::from_slice(plaintext.expose()).map_err(|_| UnsealFailure::bad_blob())?;
    decode_blob(value).map_err(|_| UnsealFailure::bad_blob())
}
