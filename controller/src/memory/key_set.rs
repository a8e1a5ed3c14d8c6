//! The names of the keys in a keyring, shared between all objects that saw the same keyring.

use std::collections::BTreeSet;
use std::sync::Arc;

use sealed_crypto::{Fingerprint, Keyring};

/// A set of key names that is cheap to keep for each of thousands of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Arc<BTreeSet<Fingerprint>>);

impl KeySet {
    /// Whether the key is in the set.
    pub fn contains(&self, key: &Fingerprint) -> bool {
        self.0.contains(key)
    }

    /// Whether all of these keys are in the set.
    pub fn contains_all(&self, keys: impl IntoIterator<Item = Fingerprint>) -> bool {
        keys.into_iter().all(|key| self.contains(&key))
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = Fingerprint> {
        self.0.iter().copied()
    }
}

impl FromIterator<Fingerprint> for KeySet {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(keys: I) -> Self {
        Self(Arc::new(keys.into_iter().collect()))
    }
}

impl From<&Keyring> for KeySet {
    fn from(keyring: &Keyring) -> Self {
        keyring.fingerprints().collect()
    }
}
