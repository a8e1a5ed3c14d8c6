//! Overwriting what must not stay in freed memory.

use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroize;

/// Overwrites the values of a Secret that is not needed any more.
pub fn wipe(secret: &mut Secret) {
    for value in secret.data.iter_mut().flatten() {
        value.1.0.zeroize();
    }
}
