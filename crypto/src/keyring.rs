//! All known keys, and which of them to use.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::certificate::Certificate;
use crate::fingerprint::Fingerprint;
use crate::format::SealedValue;
use crate::key::PrivateKey;
use crate::label::Label;
use crate::unseal::{KeyOrder, Opened, Plaintext, Undecryptable};

/// A private key with the certificate that others seal for it.
///
/// Share it as `Arc<SealingKey>`: it can be used from several threads at once and is never copied.
#[derive(Debug)]
pub struct SealingKey {
    private_key: PrivateKey,
    certificate: Option<Certificate>,
    certificate_mismatch: bool,
    ordering_time: Timestamp,
}

impl SealingKey {
    /// Joins a private key and its certificate. A certificate of another key is dropped: nothing
    /// sealed with it would open. Without a certificate the key only opens.
    ///
    /// `ordering_time` decides which key is the newest.
    pub fn new(
        private_key: PrivateKey,
        certificate: Option<Certificate>,
        ordering_time: Timestamp,
    ) -> Self {
        let given = certificate.is_some();
        let certificate = certificate
            .filter(|certificate| certificate.fingerprint() == private_key.fingerprint());
        Self {
            certificate_mismatch: given && certificate.is_none(),
            private_key,
            certificate,
            ordering_time,
        }
    }

    /// The name of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.private_key.fingerprint()
    }

    /// The certificate of this very key.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Whether the certificate given was that of another key.
    pub fn certificate_mismatch(&self) -> bool {
        self.certificate_mismatch
    }

    /// When the key came into use, for ordering.
    pub fn ordering_time(&self) -> Timestamp {
        self.ordering_time
    }

    /// The private half.
    pub fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }
}

/// All keys a program holds. Immutable; cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Arc<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    /// Newest first, first loaded first among equals, each key once.
    unique: Vec<Arc<SealingKey>>,
    /// Those with a certificate, in the same order. One key may stand here several times, with
    /// different certificates.
    certified: Vec<Arc<SealingKey>>,
}

impl Keyring {
    /// Collects keys. Two entries of one key count as one key, at the newer place.
    pub fn new(keys: impl IntoIterator<Item = Arc<SealingKey>>) -> Self {
        let mut all: Vec<_> = keys.into_iter().collect();
        // Stable, so that the first loaded wins a tie.
        all.sort_by_key(|key| std::cmp::Reverse(key.ordering_time));

        let certified = all
            .iter()
            .filter(|key| key.certificate.is_some())
            .cloned()
            .collect();
        let mut known = BTreeSet::new();
        all.retain(|key| known.insert(key.fingerprint()));
        Self {
            keys: Arc::new(Keys {
                unique: all,
                certified,
            }),
        }
    }

    /// The keys, newest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<SealingKey>> {
        self.keys.unique.iter()
    }

    /// How many different keys there are.
    pub fn len(&self) -> usize {
        self.keys.unique.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.unique.is_empty()
    }

    /// Whether the key of this name is held.
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.find(fingerprint).is_some()
    }

    /// The names of all keys, newest first.
    pub fn fingerprints(&self) -> impl ExactSizeIterator<Item = Fingerprint> {
        self.iter().map(|key| key.fingerprint())
    }

    /// The key that others should seal for: the newest whose certificate may be offered at `now`.
    pub fn current(&self, now: Timestamp) -> Option<&Arc<SealingKey>> {
        self.keys.certified.iter().find(|key| {
            key.certificate()
                .is_some_and(|certificate| certificate.is_offerable_at(now))
        })
    }

    /// Opens a value sealed for `label`, trying keys in the order of [`KeyOrder`]. A key whose size
    /// cannot have made the value is passed over.
    ///
    /// # Errors
    /// [`Undecryptable`], whatever the reason.
    pub fn unseal(
        &self,
        label: &Label,
        value: &SealedValue,
        order: &KeyOrder,
    ) -> Result<Opened, Undecryptable> {
        let mut trials = 0_u32;
        for key in self.in_order(order) {
            let private_key = key.private_key().unwrapping_key();
            if !private_key.fits(value.wrapped_key_len()) {
                continue;
            }
            trials = trials.saturating_add(1);
            // A wrong key costs a full RSA operation and cannot be told from damage before; the
            // tag of the ciphertext decides, so at most one key opens an honest value.
            if let Some(plaintext) =
                private_key.open(label.as_bytes(), value.wrapped_key(), value.ciphertext())
            {
                return Ok(Opened {
                    plaintext: Plaintext::new(plaintext),
                    key: key.fingerprint(),
                    trials,
                });
            }
        }
        Err(Undecryptable { trials })
    }

    /// The key that was the newest one at that time.
    pub fn newest_at(&self, then: Timestamp) -> Option<&Arc<SealingKey>> {
        self.iter().find(|key| key.ordering_time <= then)
    }

    /// Each key once, the most probable first.
    fn in_order(&self, order: &KeyOrder) -> impl Iterator<Item = &Arc<SealingKey>> {
        let hinted = order.first.iter().filter_map(|name| self.find(name));
        let newest_then = order.written_at.and_then(|then| self.newest_at(then));
        let mut tried = BTreeSet::new();
        hinted
            .chain(newest_then)
            .chain(self.iter())
            .filter(move |key| tried.insert(key.fingerprint()))
    }

    fn find(&self, fingerprint: &Fingerprint) -> Option<&Arc<SealingKey>> {
        self.iter().find(|key| key.fingerprint() == *fingerprint)
    }
}
