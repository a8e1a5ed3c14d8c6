//! Authenticating what a program leaves for itself where others may write.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::key::{KeyEncodingError, PrivateKey};

/// Keeps these keys apart from whatever else anybody may derive from the same private key.
const SALT: &[u8] = b"sealed-secrets mac key";

/// Bytes of a tag.
pub const MAC_LEN: usize = 32;

/// A key for HMAC-SHA-256: one that only a holder of the private key it comes from can have, or a
/// process's own.
///
/// `Debug` shows nothing, and there is no way to take the key out.
pub struct MacKey(hmac::Key);

impl PrivateKey {
    /// Derives the key for one purpose: HKDF-SHA-256 (RFC 5869) over the PKCS#8 form of the private
    /// key, with `context` as the info. The same private key and context always give the same key,
    /// and a key tells nothing of that for another context.
    ///
    /// # Errors
    /// aws-lc cannot write the private key, which no key is known to cause.
    pub fn mac_key(&self, context: &[u8]) -> Result<MacKey, KeyEncodingError> {
        let pkcs8 = self
            .unwrapping_key()
            .to_pkcs8()
            .map_err(|_| KeyEncodingError)?;
        let info = [context];
        let key = Salt::new(HKDF_SHA256, SALT)
            .extract(pkcs8.as_ref())
            .expand(&info, HMAC_SHA256)
            .map_err(|_| KeyEncodingError)?
            .into();
        Ok(MacKey(key))
    }
}

impl MacKey {
    /// A key of these bytes, which nobody else knows.
    pub fn new(bytes: &[u8; MAC_LEN]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, bytes))
    }

    /// Begins a message.
    pub fn begin(&self) -> Mac {
        Mac(hmac::Context::with_key(&self.0))
    }
}

/// A message on its way to a tag. It consists of fields, each with its length before it (64 bits,
/// big-endian), so that no two messages of different fields read the same.
///
/// Nothing is gathered, so a field may be what must not be copied.
pub struct Mac(hmac::Context);

impl Mac {
    /// The next field.
    pub fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The tag.
    pub fn sign(self) -> [u8; MAC_LEN] {
        let mut tag = [0; MAC_LEN];
        for (to, from) in tag.iter_mut().zip(self.0.sign().as_ref()) {
            *to = *from;
        }
        tag
    }

    /// Whether this is the tag. The time it takes does not depend on the answer.
    pub fn verifies(self, tag: &[u8]) -> bool {
        verify_slices_are_equal(&self.sign(), tag).is_ok()
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mac").finish_non_exhaustive()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MacKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private_key(name: &str) -> PrivateKey {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        PrivateKey::from_pem(&std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
    }

    fn message(key: &MacKey, bytes: &[u8]) -> Mac {
        let mut mac = key.begin();
        mac.field(bytes);
        mac
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let key = MacKey::new(&[7; MAC_LEN]);
        let tag = |fields: &[&[u8]]| {
            let mut mac = key.begin();
            for field in fields {
                mac.field(field);
            }
            mac.sign()
        };
        assert_ne!(tag(&[b"ab", b"c"]), tag(&[b"a", b"bc"]));
        assert_ne!(tag(&[b"a", b""]), tag(&[b"a"]));
        let others = MacKey::new(&[8; MAC_LEN]);
        assert!(!message(&others, b"a").verifies(&tag(&[b"a"])));
    }

    #[test]
    fn a_tag_holds_for_its_message_key_and_context_only() {
        let a = private_key("rsa2048-a.pkcs1.pem");
        let key = a.mac_key(b"one").unwrap();
        let tag = message(&key, b"message").sign();
        assert!(message(&key, b"message").verifies(&tag));
        assert!(!message(&key, b"messagf").verifies(&tag));
        assert!(!message(&key, b"message").verifies(&tag[..31]));
        assert!(!message(&key, b"message").verifies(b""));
        let others = [
            a.mac_key(b"two"),
            private_key("rsa2048-b.pkcs1.pem").mac_key(b"one"),
        ];
        for other in others {
            assert!(!message(&other.unwrap(), b"message").verifies(&tag));
        }
    }

    #[test]
    fn the_form_in_which_a_key_was_stored_does_not_matter() {
        let a = private_key("rsa2048-a.pkcs1.pem");
        let pkcs8 = a.unwrapping_key().to_pkcs8().unwrap();
        let again =
            PrivateKey::from_pem(crate::pem::write("PRIVATE KEY", pkcs8.as_ref()).as_bytes());
        let tag = message(&a.mac_key(b"x").unwrap(), b"m").sign();
        let again = again.unwrap().mac_key(b"x").unwrap();
        assert!(message(&again, b"m").verifies(&tag));
    }

    #[test]
    fn debug_shows_nothing() {
        let key = private_key("rsa2048-a.pkcs1.pem").mac_key(b"x").unwrap();
        assert_eq!(format!("{key:?}"), "MacKey { .. }");
    }
}
