//! Overwriting what must not stay in freed memory.

use std::fmt;
use std::ops::{Deref, DerefMut};

use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroize;

/// Overwrites the values of a Secret that is not needed any more.
pub fn wipe(secret: &mut Secret) {
    for (_, value) in secret.data.iter_mut().flatten() {
        value.0.zeroize();
    }
    for (_, value) in secret.string_data.iter_mut().flatten() {
        value.zeroize();
    }
}

/// A Secret whose values are overwritten when it is dropped, by whichever way. `Debug` shows none.
#[derive(Clone, Default, PartialEq)]
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

impl DerefMut for Wiping {
    fn deref_mut(&mut self) -> &mut Secret {
        &mut self.0
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
            string_data: Some(BTreeMap::from([("user".to_owned(), "alice".to_owned())])),
            ..Secret::default()
        };
        let shown = format!("{:?}", Wiping::from(secret.clone()));
        assert!(!shown.contains("104, 117, 110"), "{shown}");
        assert!(!shown.contains("alice"), "{shown}");
        wipe(&mut secret);
        assert!(
            secret
                .data
                .is_some_and(|data| data["password"].0.is_empty())
        );
        assert!(
            secret
                .string_data
                .is_some_and(|texts| texts["user"].is_empty())
        );
    }
}
