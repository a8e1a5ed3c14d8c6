//! The two primitives of the format, and the only file that names them.
//!
//! RSA-OAEP (RFC 8017 §7.1) runs in aws-lc: constant time, blinded, CRT results checked against
//! faults. AES-GCM (NIST SP 800-38D) runs in `aes-gcm`.

use std::fmt;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, Key, KeyInit, Nonce};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

/// Bytes of an AES-GCM tag.
pub(crate) const TAG_LEN: usize = 16;

/// Bytes of the session keys we make.
pub(crate) const SESSION_KEY_LEN: usize = 32;

/// How much shorter than the modulus a wrapped key may be and still be tried.
///
/// W is a number below the modulus written with as many bytes as the modulus. A writer that strips
/// leading zero bytes makes it shorter by *k* with a probability of 256^-*k*. Upstream's reader
/// takes any number of them; past sixteen (2^-128) no honest value is lost, and a value for a
/// 2048-bit key does not cost a trial with every 4096-bit key.
const MAX_STRIPPED_ZEROS: usize = 16;

/// A session key of ours: 32 random bytes for one value.
pub(crate) struct SessionKey(Zeroizing<[u8; SESSION_KEY_LEN]>);

impl SessionKey {
    /// Asks the operating system. A generator in this process would keep a state from which past
    /// session keys follow, and wiping them would be for nothing.
    pub(crate) fn random() -> Result<Self, Unspecified> {
        let mut bytes = Zeroizing::new([0; SESSION_KEY_LEN]);
        SysRng
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(|_| Unspecified)?;
        Ok(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// `GCM[K, 0](m)`: ciphertext and tag. Takes the key, so that it cannot be used twice.
    pub(crate) fn encrypt(self, plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
        // Room for the tag from the start: growing would leave a copy of the plaintext behind.
        let mut buffer = Vec::with_capacity(plaintext.len().saturating_add(TAG_LEN));
        buffer.extend_from_slice(plaintext);
        let key = Key::<Gcm<Aes256>>::try_from(self.as_bytes()).map_err(|_| Unspecified)?;
        Gcm::<Aes256>::new(&key)
            .encrypt_in_place(&zero_nonce(), b"", &mut buffer)
            .map_err(|_| Unspecified)?;
        Ok(buffer)
    }
}

type Gcm<Aes> = AesGcm<Aes, U12>;

/// Twelve zero bytes.
///
/// A nonce must not repeat under one key. Here no key repeats: each value has its own random
/// session key, used for one encryption and forgotten, so one fixed nonce is enough.
fn zero_nonce() -> Nonce<Gcm<Aes256>> {
    Nonce::<Gcm<Aes256>>::default()
}

/// Opens `GCM[K, 0](m)`. The length of the key chooses the cipher, as in upstream: we write
/// AES-256 only, but values under AES-128 and AES-192 open there, so they open here.
///
/// `None` is any failure: a key of another length and a wrong tag must not be told apart.
fn decrypt(session_key: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    match session_key.len() {
        16 => decrypt_with::<Gcm<Aes128>>(session_key, ciphertext),
        24 => decrypt_with::<Gcm<Aes192>>(session_key, ciphertext),
        32 => decrypt_with::<Gcm<Aes256>>(session_key, ciphertext),
        _ => None,
    }
}

fn decrypt_with<Cipher: AeadInOut<NonceSize = U12> + KeyInit>(
    session_key: &[u8],
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = Cipher::new_from_slice(session_key).ok()?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    cipher
        .decrypt_in_place(&zero_nonce(), b"", &mut *buffer)
        .ok()?;
    Some(buffer)
}

/// The public half of a sealing key: wraps session keys.
#[derive(Clone)]
pub(crate) struct WrappingKey(PublicEncryptingKey);

impl WrappingKey {
    /// Reads a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, KeyRejected> {
        PublicEncryptingKey::from_der(der).map(Self)
    }

    /// `OAEP[label](K)`, as long as the modulus.
    pub(crate) fn wrap(
        &self,
        session_key: &SessionKey,
        label: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let key = OaepPublicEncryptingKey::new(self.0.clone())?;
        let mut wrapped = vec![0; key.ciphertext_size()];
        let len = key
            .encrypt(
                &OAEP_SHA256_MGF1SHA256,
                session_key.as_bytes(),
                &mut wrapped,
                Some(label),
            )?
            .len();
        wrapped.truncate(len);
        Ok(wrapped)
    }
}

/// The private half of a sealing key: unwraps session keys. aws-lc wipes its memory when dropped.
pub(crate) struct UnwrappingKey {
    key: PrivateDecryptingKey,
    /// The same key, counted twice and not copied.
    oaep: OaepPrivateDecryptingKey,
}

impl UnwrappingKey {
    /// Reads PKCS#8. aws-lc checks that the numbers of the key fit each other.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyRejected> {
        let key = PrivateDecryptingKey::from_pkcs8(der)?;
        let oaep = OaepPrivateDecryptingKey::new(key.clone())?;
        Ok(Self { key, oaep })
    }

    /// Makes the PKCS#8 form of a new key.
    pub(crate) fn generate_pkcs8(size: KeySize) -> Result<Pkcs8V1Der<'static>, Unspecified> {
        PrivateDecryptingKey::generate(size)?.as_der()
    }

    /// The PKCS#8 form; wiped when dropped.
    pub(crate) fn to_pkcs8(&self) -> Result<Pkcs8V1Der<'static>, Unspecified> {
        self.key.as_der()
    }

    /// The public half as `SubjectPublicKeyInfo`.
    pub(crate) fn to_spki(&self) -> Result<PublicKeyX509Der<'static>, Unspecified> {
        self.key.public_key().as_der()
    }

    /// Whether a wrapped key of this many bytes can be for this key at all.
    pub(crate) fn fits(&self, wrapped_key_len: usize) -> bool {
        self.oaep
            .key_size_bytes()
            .checked_sub(wrapped_key_len)
            .is_some_and(|stripped| stripped <= MAX_STRIPPED_ZEROS)
    }

    /// Opens `OAEP[label](K) ‖ GCM[K, 0](m)`: one RSA operation.
    ///
    /// `None` is every failure: wrong key, wrong label, bad padding, impossible session key, wrong
    /// tag. Whoever could tell them apart would have an oracle (Manger 2001).
    pub(crate) fn open(
        &self,
        label: &[u8],
        wrapped_key: &[u8],
        ciphertext: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let modulus_len = self.oaep.key_size_bytes();
        let stripped = modulus_len.checked_sub(wrapped_key.len())?;
        let mut block = vec![0; stripped];
        block.extend_from_slice(wrapped_key);

        let mut session_key = Zeroizing::new(vec![0; self.oaep.min_output_size()]);
        let len = self
            .oaep
            .decrypt(
                &OAEP_SHA256_MGF1SHA256,
                &block,
                session_key.as_mut_slice(),
                Some(label),
            )
            .ok()?
            .len();
        decrypt(session_key.get(..len)?, ciphertext)
    }
}

impl fmt::Debug for UnwrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnwrappingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks_exact(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Test cases 1, 2, 7, 8, 13 and 14 of the GCM submission to NIST (2004), appendix B: with a
    /// key and nonce of zeros, as here.
    #[test]
    fn ciphertexts_are_those_of_the_gcm_paper() {
        let zeros = [0; 16];
        for (key_len, plaintext, ciphertext) in [
            (16, &zeros[..0], "58e2fccefa7e3061367f1d57a4e7455a"),
            (
                16,
                &zeros[..],
                "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
            ),
            (24, &zeros[..0], "cd33b28ac773f74ba00ed1f312572435"),
            (
                24,
                &zeros[..],
                "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb",
            ),
            (32, &zeros[..0], "530f8afbc74536b9a963b4f1c4cb738b"),
            (
                32,
                &zeros[..],
                "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            ),
        ] {
            let opened = decrypt(&vec![0; key_len], &hex(ciphertext)).unwrap();
            assert_eq!(opened.as_slice(), plaintext, "{key_len}");
            if key_len == SESSION_KEY_LEN {
                let key = SessionKey(Zeroizing::new([0; SESSION_KEY_LEN]));
                assert_eq!(key.encrypt(plaintext).unwrap(), hex(ciphertext));
            }
        }
    }

    #[test]
    fn impossible_session_keys_and_short_ciphertexts_fail() {
        for len in (0..=64).filter(|len| ![16, 24, 32].contains(len)) {
            let key = vec![0; len];
            let ciphertext = hex("530f8afbc74536b9a963b4f1c4cb738b");
            assert!(decrypt(&key, &ciphertext).is_none(), "{len}");
        }
        assert!(decrypt(&[0; 32], &[0; TAG_LEN - 1]).is_none());
        assert!(decrypt(&[0; 32], &[]).is_none());
    }

    #[test]
    fn only_wrapped_keys_near_the_modulus_size_are_tried() {
        let pkcs8 = UnwrappingKey::generate_pkcs8(KeySize::Rsa2048).unwrap();
        let key = UnwrappingKey::from_pkcs8(pkcs8.as_ref()).unwrap();
        for (len, fits) in [
            (0, false),
            (239, false),
            (240, true),
            (256, true),
            (257, false),
        ] {
            assert_eq!(key.fits(len), fits, "{len}");
        }
        // What does not fit is not an invariant that the caller must keep.
        assert!(key.open(b"", &[0; 257], &[0; 16]).is_none());
    }
}
