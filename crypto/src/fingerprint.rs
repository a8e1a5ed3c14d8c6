//! The name of a key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "SHA256:";

/// The name of a key pair: SHA-256 over its public key in SSH wire form (RFC 4253 §6.6), as
/// `ssh-keygen -l` prints it. The same for a private key and every certificate of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Names an RSA key by its modulus and public exponent, both big-endian.
    pub(crate) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash_string(&mut hash, b"ssh-rsa");
        hash_mpint(&mut hash, exponent);
        hash_mpint(&mut hash, modulus);
        Self(hash.finalize().into())
    }

    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A length and the bytes (RFC 4251 §5, `string`).
fn hash_string(hash: &mut Sha256, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).expect("an RSA key is far below 4 GiB");
    hash.update(len.to_be_bytes());
    hash.update(bytes);
}

/// A positive number without needless zeros, but with one if its top bit would read as a sign
/// (RFC 4251 §5, `mpint`).
fn hash_mpint(hash: &mut Sha256, big_endian: &[u8]) {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    if digits.first().is_some_and(|top| *top >= 0x80) {
        hash_string(hash, &[&[0], digits].concat());
    } else {
        hash_string(hash, digits);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        text.strip_prefix(PREFIX)
            .and_then(|digest| STANDARD_NO_PAD.decode(digest).ok())
            .and_then(|digest| digest.try_into().ok())
            .map(Self)
            .ok_or_else(|| FingerprintError {
                text: text.to_owned(),
            })
    }
}

/// The text is not a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fingerprint: must be `SHA256:` and 43 characters of base64")]
#[non_exhaustive]
pub struct FingerprintError {
    /// The text that was given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_read_back_as_written() {
        let fingerprint = Fingerprint::of_rsa(&[0, 0x80, 1], &[1, 0, 1]);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        // Leading zeros of the numbers do not change the key.
        assert_eq!(Fingerprint::of_rsa(&[0x80, 1], &[0, 1, 0, 1]), fingerprint);
        assert_ne!(Fingerprint::of_rsa(&[0x80, 2], &[1, 0, 1]), fingerprint);
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in [
            "",
            "SHA256:",
            "SHA256:AAAA",
            "sha256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc",
            "MD5:aa",
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
