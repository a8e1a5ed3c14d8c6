//! The keys that records are signed with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sealed_crypto::{Fingerprint, Keyring, MacKey, SealingKey};

/// For what the key is derived. Another version of the record has another key.
const CONTEXT: &[u8] = b"sealed-secrets controller record 1";

/// Derives each key once, and forgets it with its sealing key.
#[derive(Debug, Default)]
pub struct RecordKeys(Mutex<BTreeMap<Fingerprint, Arc<MacKey>>>);

impl RecordKeys {
    /// The key derived from `key`, which is one of `keyring`. `None` when aws-lc cannot derive it, which is not known
    /// to happen; there is then no record.
    pub(super) fn of(&self, key: &SealingKey, keyring: &Keyring) -> Option<Arc<MacKey>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(derived) = keys.get(&key.fingerprint()) {
            return Some(Arc::clone(derived));
        }
        keys.retain(|fingerprint, _| keyring.contains(fingerprint));
        let derived = Arc::new(key.private_key().mac_key(CONTEXT).ok()?);
        keys.insert(key.fingerprint(), Arc::clone(&derived));
        Some(derived)
    }
}
