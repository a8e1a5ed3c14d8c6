//! What opening a value needs and gives.

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;

/// The bytes that were sealed. Wiped when dropped; `Debug` shows only how many there are.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes. Copies made of them are the caller's to wipe.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({} bytes)", self.0.len())
    }
}

/// Which keys to try first. The default tries the newest first.
///
/// A value carries no hint of its key, and each wrong key costs as much as the right one. So keys
/// are tried in this order: those in `first`; the one that was newest at `written_at`; the others,
/// newest first. Wrong hints cost time and nothing else.
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it, and a new kind of hint should make them decide"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOrder {
    /// Keys that probably opened this value or its neighbours, most probable first. Unknown ones
    /// are passed over.
    pub first: Vec<Fingerprint>,
    /// When the value was probably sealed.
    pub written_at: Option<Timestamp>,
}

impl KeyOrder {
    /// Tries `key` before all others: it has just opened a neighbour.
    pub fn prefer(&mut self, key: Fingerprint) {
        if self.first.first() != Some(&key) {
            self.first.retain(|known| *known != key);
            self.first.insert(0, key);
        }
    }
}

/// A value that opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The bytes that were sealed.
    pub plaintext: Plaintext,
    /// The key that opened it: a good first guess for its neighbours.
    pub key: Fingerprint,
    /// How many RSA operations it took.
    pub trials: u32,
}

/// No key opened the value.
///
/// Deliberately without a reason: a wrong key, a wrong place, damage and an attack look the same
/// from here, and whoever could tell them apart could forge values step by step. The text is the
/// one users and scripts know from upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key could decrypt secret")]
#[non_exhaustive]
pub struct Undecryptable {
    /// How many RSA operations were spent; a cost for budgets, not a reason.
    pub trials: u32,
}
