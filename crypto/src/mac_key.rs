//! Authenticating what a program leaves for itself where others may write.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::key::{KeyEncodingError, PrivateKey};

/// Keeps these keys apart from whatever else anybody may derive from the same private key.
const SALT: &[u8] = b"sealed-secrets mac key";

/// Bytes of a tag.
pub const MAC_LEN: usize = 32;

/// A key for HMAC-SHA-256 that only a holder of the private key it comes from can have.
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
    /// The tag of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; MAC_LEN] {
        let mut tag = [0; MAC_LEN];
        for (to, from) in tag.iter_mut().zip(hmac::sign(&self.0, message).as_ref()) {
            *to = *from;
        }
        tag
    }

    /// Whether this is the tag of that message. The time it takes does not depend on the answer.
    pub fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
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

    #[test]
    fn a_tag_holds_for_its_message_key_and_context_only() {
        let a = private_key("rsa2048-a.pkcs1.pem");
        let key = a.mac_key(b"one").unwrap();
        let tag = key.sign(b"message");
        assert!(key.verifies(b"message", &tag));
        assert!(!key.verifies(b"messagf", &tag));
        assert!(!key.verifies(b"message", &tag[..31]));
        assert!(!key.verifies(b"message", b""));
        let others = [
            a.mac_key(b"two"),
            private_key("rsa2048-b.pkcs1.pem").mac_key(b"one"),
        ];
        for other in others {
            assert!(!other.unwrap().verifies(b"message", &tag));
        }
    }

    #[test]
    fn the_form_in_which_a_key_was_stored_does_not_matter() {
        let a = private_key("rsa2048-a.pkcs1.pem");
        let pkcs8 = a.unwrapping_key().to_pkcs8().unwrap();
        let again =
            PrivateKey::from_pem(crate::pem::write("PRIVATE KEY", pkcs8.as_ref()).as_bytes());
        let tag = a.mac_key(b"x").unwrap().sign(b"m");
        assert!(again.unwrap().mac_key(b"x").unwrap().verifies(b"m", &tag));
    }

    #[test]
    fn debug_shows_nothing() {
        let key = private_key("rsa2048-a.pkcs1.pem").mac_key(b"x").unwrap();
        assert_eq!(format!("{key:?}"), "MacKey { .. }");
    }
}
