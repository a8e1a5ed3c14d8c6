//! Overwriting what must not stay in freed memory.

use std::fmt;
use std::ops::Deref;

use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroize;

/// Overwrites the values of a Secret that is not needed any more.
pub fn wipe(secret: &mut Secret) {
    for value in secret.data.iter_mut().flatten() {
        value.1.0.zeroize();
    }
}

/// A Secret as it was read, overwritten when it is dropped: by whichever way a pass ends. `Debug`
/// shows no values.
pub struct Wiping(Secret);

impl From<Secret> for Wiping {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

impl Deref for Wiping {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.0
    }
}

impl Drop for Wiping {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Wiping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wiping").field(&self.0.metadata).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;

    use super::*;

    #[test]
    fn nothing_is_left_of_the_values() {
        let value = ByteString(b"hunter2".to_vec());
        let mut secret = Secret {
            data: Some(BTreeMap::from([("password".to_owned(), value)])),
            ..Secret::default()
        };
        let shown = format!("{:?}", Wiping::from(secret.clone()));
        assert!(!shown.contains("104, 117, 110"), "{shown}");
        wipe(&mut secret);
        assert!(
            secret
                .data
                .is_some_and(|data| data["password"].0.is_empty())
        );
    }
}
